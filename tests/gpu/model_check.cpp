// Whole models on the GPU against the CPU, from one engine that holds a plan for both:
//   gpu_model_check BATCH ENGINE…
// Every INT8 value that both plans compute must be equal, byte by byte; of float values the largest
// difference is printed, relative to the value's largest magnitude. Inputs are random. Exit code 0:
// all equal; 77: there is no device to run on.
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "device/cuda_driver.h"
#include "engine/engine_file.h"
#include "runtime/executor.h"

namespace xinfer::gpu {
namespace {

/// A value's elements without the gaps between its rows.
struct Recorded {
  DType dtype = DType::kFloat32;
  std::vector<std::byte> bytes;
};
using Recording = std::map<std::string, Recorded>;

Recorded record(const runtime::TensorView& view) {
  Recorded value{view.dtype, std::vector<std::byte>(view.size_bytes())};
  const std::size_t element = size_of(view.dtype);
  const std::size_t row = static_cast<std::size_t>(view.channels()) * element;
  const std::size_t pitch = static_cast<std::size_t>(view.pixel_stride) * element;
  for (std::int64_t i = 0; i < view.pixels(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    std::memcpy(value.bytes.data() + at * row,
                static_cast<const std::byte*>(view.data) + at * pitch, row);
  }
  return value;
}

/// Random values of an input: normally distributed floats, or any bytes.
std::vector<std::byte> random_values(std::mt19937& random, DType dtype, std::int64_t count) {
  std::normal_distribution<float> normal;
  std::vector<std::byte> bytes(static_cast<std::size_t>(count) * size_of(dtype));
  if (dtype != DType::kFloat32) {
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    return bytes;
  }
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(float)) {
    const float value = normal(random);
    std::memcpy(&bytes[i], &value, sizeof(float));
  }
  return bytes;
}

/// Runs the engine on random inputs of one batch; the later of two observations of a value counts
/// (a concatenation is written in parts).
Recording run(const std::shared_ptr<const engine::EngineFile>& file, Device::Kind kind,
              std::int64_t batch) {
  runtime::ExecutorOptions options;
  options.device.kind = kind;
  const auto executor = runtime::make_executor(file, options).value();
  std::mt19937 random(1);
  std::vector<Shape> shapes;
  std::vector<std::vector<std::byte>> inputs;
  for (const engine::fb::Binding* binding : *file->engine().inputs()) {
    Shape shape(binding->opt()->begin(), binding->opt()->end());
    if (binding->min()->Get(0) != binding->max()->Get(0)) shape[0] = batch;
    std::int64_t size = 1;
    for (const std::int64_t dim : shape) size *= dim;
    shapes.push_back(shape);
    inputs.push_back(random_values(random, static_cast<DType>(binding->dtype()), size));
  }
  executor->bind_shapes(shapes).value();
  std::vector<std::vector<std::byte>> outputs;
  for (std::size_t i = 0; i < executor->output_shapes().size(); ++i) {
    const auto* binding = file->engine().outputs()->Get(static_cast<unsigned>(i));
    std::size_t bytes = size_of(static_cast<DType>(binding->dtype()));
    for (const std::int64_t dim : executor->output_shapes()[i]) {
      bytes *= static_cast<std::size_t>(dim);
    }
    outputs.emplace_back(bytes);
  }
  std::vector<const void*> in;
  std::vector<void*> out;
  for (const auto& values : inputs) in.push_back(values.data());
  for (auto& bytes : outputs) out.push_back(bytes.data());
  Recording recording;
  executor
      ->run_observed(in, out,
                     [&](const auto& names, const runtime::TensorView& view) {
                       recording[names.Get(0)->str()] = record(view);
                       return Status();
                     })
      .value();
  // The graph's own run must give what the single launches gave.
  std::vector<std::vector<std::byte>> observed = outputs;
  executor->run(in, out).value();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] != observed[i]) fmt::print("  output {} differs between two runs\n", i);
    recording["output " + std::to_string(i) + " repeated"] = {DType::kFloat32, outputs[i]};
  }
  return recording;
}

/// The largest difference of two float values, relative to the largest magnitude.
double relative_difference(const Recorded& a, const Recorded& b) {
  const std::size_t count = a.bytes.size() / sizeof(float);
  const auto* x = reinterpret_cast<const float*>(a.bytes.data());
  const auto* y = reinterpret_cast<const float*>(b.bytes.data());
  double largest = 0, difference = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isfinite(y[i])) return INFINITY;
    largest = std::max(largest, std::fabs(static_cast<double>(x[i])));
    difference = std::max(difference, std::fabs(static_cast<double>(x[i]) - y[i]));
  }
  return largest == 0 ? difference : difference / largest;
}

std::size_t count_different(const Recorded& a, const Recorded& b) {
  std::size_t different = 0;
  for (std::size_t i = 0; i < a.bytes.size(); ++i) different += a.bytes[i] != b.bytes[i] ? 1 : 0;
  return different;
}

bool check(const std::string& path, std::int64_t batch) {
  const auto file = engine::EngineFile::load(std::filesystem::path(path)).value();
  const Recording cpu = run(file, Device::Kind::kCpu, batch);
  const Recording gpu = run(file, Device::Kind::kCuda, batch);
  int equal = 0, wrong = 0, floats = 0, missing = 0;
  double worst = 0;
  std::string worst_name;
  for (const auto& [name, expected] : cpu) {
    const auto it = gpu.find(name);
    if (it == gpu.end() || it->second.bytes.size() != expected.bytes.size()) {
      ++missing;
      continue;
    }
    if (size_of(expected.dtype) == 1) {
      const std::size_t different = count_different(expected, it->second);
      different == 0 ? ++equal : ++wrong;
      if (different != 0 && wrong <= 5) {
        fmt::print("  \"{}\": {} of {} bytes differ\n", name, different, expected.bytes.size());
      }
    } else if (expected.dtype == DType::kFloat32) {
      ++floats;
      const double difference = relative_difference(expected, it->second);
      if (!(difference <= worst)) worst = difference, worst_name = name;
    }
  }
  fmt::print(
      "{} batch {}: {} INT8 values equal, {} not, {} not computed by both; {} float values, "
      "largest relative difference {:.3g} (\"{}\")\n",
      path, batch, equal, wrong, missing, floats, worst, worst_name);
  std::fflush(stdout);
  return wrong == 0;
}

int run(int argc, char** argv) {
  if (argc < 3) {
    fmt::print("usage: {} BATCH ENGINE...\n", argv[0]);
    return 1;
  }
  if (const Status status = cuda::driver().status(); !status.ok()) {
    fmt::print("skipped: {}\n", status.message());
    return 77;
  }
  bool right = true;
  for (int i = 2; i < argc; ++i) {
    try {
      right = check(argv[i], std::strtoll(argv[1], nullptr, 10)) && right;
    } catch (const std::exception& error) {
      fmt::print("{}: {}\n", argv[i], error.what());
      right = false;
    }
  }
  return right ? 0 : 1;
}

}  // namespace
}  // namespace xinfer::gpu

int main(int argc, char** argv) { return xinfer::gpu::run(argc, argv); }
