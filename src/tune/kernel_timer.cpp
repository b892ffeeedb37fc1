#include "tune/kernel_timer.h"

#include <algorithm>
#include <random>

#include "device/cuda_module.h"
#include "kernels/cuda/bound_kernel.h"

namespace xinfer::tune {
namespace {

using kernels::cuda::BoundKernel;
using kernels::cuda::Operand;

constexpr int kLaunches = 10;         // in one measurement, so that launching hides behind running
constexpr int kMeasurements = 4;      // the first warms up
constexpr std::size_t kMargin = 256;  // kernels read a little beyond their operands

std::vector<std::uint32_t> random_words(std::size_t size_bytes) {
  std::vector<std::uint32_t> words(size_bytes / 4 + 1);
  std::mt19937 random(1);
  for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(random());
  return words;
}

}  // namespace

Result<KernelTimer> KernelTimer::open(int ordinal) {
  XINFER_ASSIGN_OR_RETURN(cuda::Context context, cuda::Context::open(ordinal));
  XINFER_ASSIGN_OR_RETURN(cuda::DeviceProperties device, cuda::device_properties(ordinal));
  KernelTimer timer(std::move(context), std::move(device));
  timer.buffers_.resize(kernels::cuda::kOperandCount);
  return timer;
}

Result<cuda::DevicePointer> KernelTimer::operand(Operand which, std::size_t size_bytes) {
  cuda::Buffer& buffer = buffers_[static_cast<std::size_t>(which)];
  if (buffer.size_bytes() < size_bytes + kMargin) {
    buffer = cuda::Buffer();
    XINFER_ASSIGN_OR_RETURN(buffer, cuda::Buffer::allocate(size_bytes + kMargin));
    const std::vector<std::uint32_t> words = random_words(size_bytes + kMargin);
    XINFER_RETURN_IF_ERROR(
        cuda::copy_to_device(buffer.address(), words.data(), size_bytes + kMargin));
  }
  return buffer.address();
}

Result<double> KernelTimer::microseconds(const kernels::cuda::KernelSpec& spec,
                                         std::span<const std::byte> cubin,
                                         const OperandSizes& operands, std::int64_t batch) {
  const cuda::ContextScope scope(context_);
  XINFER_RETURN_IF_ERROR(scope.status());
  kernels::cuda::OperandAddresses addresses;
  for (const auto& [which, size_bytes] : operands) {
    XINFER_ASSIGN_OR_RETURN(const cuda::DevicePointer address, operand(which, size_bytes));
    addresses.set(which, address);
  }
  XINFER_ASSIGN_OR_RETURN(const cuda::Module module, cuda::Module::load(cubin));
  XINFER_ASSIGN_OR_RETURN(const cuda::Kernel kernel, module.kernel(spec.entry));
  const bool overlap = device_.compute_capability >= 90;
  XINFER_ASSIGN_OR_RETURN(
      const BoundKernel bound,
      BoundKernel::bind(spec, kernel, addresses, batch, device_.multiprocessors, overlap));
  XINFER_ASSIGN_OR_RETURN(const cuda::Stream stream, cuda::Stream::create());
  XINFER_ASSIGN_OR_RETURN(const cuda::Event start, cuda::Event::create());
  XINFER_ASSIGN_OR_RETURN(const cuda::Event end, cuda::Event::create());
  XINFER_ASSIGN_OR_RETURN(const cuda::Graph graph, cuda::Graph::capture(stream, [&]() -> Status {
                            for (int i = 0; i < kLaunches; ++i) {
                              XINFER_RETURN_IF_ERROR(bound.launch(stream));
                            }
                            return Status();
                          }));
  double best = 0;
  for (int i = 0; i < kMeasurements; ++i) {
    XINFER_RETURN_IF_ERROR(start.record(stream));
    XINFER_RETURN_IF_ERROR(graph.launch(stream));
    XINFER_RETURN_IF_ERROR(end.record(stream));
    XINFER_RETURN_IF_ERROR(end.synchronize());
    XINFER_ASSIGN_OR_RETURN(const float ms, end.milliseconds_since(start));
    const double us = 1e3 * static_cast<double>(ms) / kLaunches;
    if (i > 0) best = best == 0 ? us : std::min(best, us);
  }
  return best;
}

}  // namespace xinfer::tune
