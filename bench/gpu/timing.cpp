#include "timing.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace xinfer::gpu {
namespace {

using kernels::cuda::BoundKernel;
using kernels::cuda::ConvProblem;
using kernels::cuda::Operand;

// Half zeros, the rest uniform: what ReLU leaves.
std::vector<std::uint8_t> random_activations(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::mt19937_64 engine(size);
  for (auto& b : bytes) {
    const std::uint64_t r = engine();
    b = (r & 1) != 0 ? static_cast<std::uint8_t>(r >> 32) : 0;
  }
  return bytes;
}

Result<cuda::Buffer> upload(const void* data, std::size_t size) {
  XINFER_ASSIGN_OR_RETURN(cuda::Buffer buffer, cuda::Buffer::allocate(size + 256));
  XINFER_RETURN_IF_ERROR(cuda::copy_to_device(buffer.address(), data, size));
  return buffer;
}

// Fills a large buffer with repetitions of a block: generating gigabytes on the host costs more.
Result<cuda::Buffer> upload_repeated(const std::vector<std::uint8_t>& block, std::size_t size) {
  XINFER_ASSIGN_OR_RETURN(cuda::Buffer buffer, cuda::Buffer::allocate(size + 256));
  for (std::size_t at = 0; at < size; at += block.size()) {
    XINFER_RETURN_IF_ERROR(cuda::copy_to_device(buffer.address() + at, block.data(),
                                                std::min(block.size(), size - at)));
  }
  return buffer;
}

std::size_t input_bytes(const ConvProblem& p, std::int64_t batch) {
  const kernels::ConvShape& s = p.shape;
  return static_cast<std::size_t>(batch * s.in_h * s.in_w * s.x_pixel_stride) * size_of(p.input);
}

std::size_t output_elements(const ConvProblem& p, std::int64_t batch) {
  const kernels::ConvShape& s = p.shape;
  return static_cast<std::size_t>(batch * s.out_h * s.out_w * s.y_pixel_stride);
}

}  // namespace

double operations(const ConvProblem& problem, std::int64_t batch) {
  return 2.0 * static_cast<double>(batch) * static_cast<double>(problem.shape.macs()) /
         static_cast<double>(problem.shape.batch);
}

double bytes_moved(const ConvProblem& problem, std::int64_t batch) {
  const auto outputs = static_cast<double>(output_elements(problem, batch));
  const kernels::ConvShape& s = problem.shape;
  const auto weights =
      static_cast<double>(s.out_channels * s.in_channels / s.groups * s.kernel_h * s.kernel_w);
  double input = static_cast<double>(input_bytes(problem, batch));
  if (s.kernel_h == 1) input /= static_cast<double>(s.stride_h * s.stride_w);
  return input + outputs * (1 + problem.epilogue.step_count) + weights;
}

Result<LayerBuffers> LayerBuffers::create(const ConvProblem& problem, std::int64_t batch,
                                          double rotate_bytes) {
  LayerBuffers result;
  const auto layout = kernels::cuda::conv_layout(problem.shape, problem.input);
  const auto rows = static_cast<std::size_t>(layout.table_length());
  std::vector<std::uint8_t> weights(layout.weight_bytes());
  std::mt19937_64 engine(7);
  for (auto& w : weights) w = static_cast<std::uint8_t>(engine() >> 20);
  const double spread = 60.0 / (std::sqrt(static_cast<double>(layout.row_bytes())) * 74.0 * 100.0);
  std::vector<float> multiplier(rows), bias(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    multiplier[i] = static_cast<float>(spread * (0.5 + static_cast<double>(i * 37 % 101) / 101.0));
    bias[i] = static_cast<float>(i * 53 % 97) - 20.0f;
  }
  kernels::cuda::OperandAddresses common;
  const auto put = [&](Operand operand, Result<cuda::Buffer> buffer,
                       kernels::cuda::OperandAddresses& addresses) -> Status {
    XINFER_RETURN_IF_ERROR(buffer.status());
    addresses.set(operand, buffer->address());
    result.buffers_.push_back(*std::move(buffer));
    return Status();
  };
  XINFER_RETURN_IF_ERROR(put(Operand::kWeights, upload(weights.data(), weights.size()), common));
  XINFER_RETURN_IF_ERROR(put(Operand::kMultiplier, upload(multiplier.data(), 4 * rows), common));
  XINFER_RETURN_IF_ERROR(put(Operand::kBias, upload(bias.data(), 4 * rows), common));
  const std::vector<std::uint8_t> block = random_activations((std::size_t{4} << 20) - 4096 + 16);
  result.output_bytes_ = output_elements(problem, batch);
  const double set_bytes = bytes_moved(problem, batch);
  const auto sets = static_cast<std::size_t>(std::clamp(rotate_bytes / set_bytes, 1.0, 64.0));
  for (std::size_t i = 0; i < sets; ++i) {
    kernels::cuda::OperandAddresses addresses = common;
    XINFER_RETURN_IF_ERROR(
        put(Operand::kInput, upload_repeated(block, input_bytes(problem, batch)), addresses));
    XINFER_RETURN_IF_ERROR(
        put(Operand::kOutput, upload_repeated(block, result.output_bytes_), addresses));
    if (problem.epilogue.step_count > 0) {
      XINFER_RETURN_IF_ERROR(
          put(Operand::kStep0, upload_repeated(block, result.output_bytes_), addresses));
    }
    result.addresses_.push_back(addresses);
  }
  return result;
}

Result<LayerTime> time_launches(const std::vector<BoundKernel>& launches,
                                const cuda::Stream& stream, double total_ms) {
  const auto enqueue = [&]() -> Status {
    for (const BoundKernel& launch : launches) XINFER_RETURN_IF_ERROR(launch.launch(stream));
    return Status();
  };
  XINFER_ASSIGN_OR_RETURN(const cuda::Graph graph, cuda::Graph::capture(stream, enqueue));
  XINFER_ASSIGN_OR_RETURN(const cuda::Event start, cuda::Event::create());
  XINFER_ASSIGN_OR_RETURN(const cuda::Event end, cuda::Event::create());
  const auto run = [&](int replays) -> Result<float> {
    XINFER_RETURN_IF_ERROR(start.record(stream));
    for (int i = 0; i < replays; ++i) XINFER_RETURN_IF_ERROR(graph.launch(stream));
    XINFER_RETURN_IF_ERROR(end.record(stream));
    XINFER_RETURN_IF_ERROR(end.synchronize());
    return end.milliseconds_since(start);
  };
  XINFER_RETURN_IF_ERROR(run(2).status());
  XINFER_ASSIGN_OR_RETURN(const float warm, run(2));
  const int replays = std::clamp(static_cast<int>(total_ms / (warm / 2 + 1e-6)), 1, 2000);
  std::vector<double> times;
  for (int i = 0; i < 7; ++i) {
    XINFER_ASSIGN_OR_RETURN(const float ms, run(replays));
    times.push_back(1e3 * ms / replays / static_cast<double>(launches.size()));
  }
  std::sort(times.begin(), times.end());
  return LayerTime{times[3], (times[6] - times[0]) / times[3]};
}

}  // namespace xinfer::gpu
