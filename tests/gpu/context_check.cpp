// Contexts on a GPU: memory of the device, streams, several contexts and threads, a CUDA context of
// the caller's, and what calls cost:
//   gpu_context_check [--keep-memory] BATCH ENGINE…
// --keep-memory leaves out what happens when the device's memory is exhausted.
// Every way must give the bytes that tensors in host memory give. Exit code 0: all do; 77: there is
// no device to run on.
#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <random>
#include <thread>

#include "device/cuda_device.h"
#include "device/cuda_memory.h"
#include "device/cuda_stream.h"
#include "xinfer/core/engine.h"

namespace xinfer::gpu {
namespace {

using Bytes = std::vector<std::byte>;

const ContextOptions kOnGpu = {.device = "cuda"};

int failures = 0;

void expect(bool right, const std::string& what) {
  if (right) return;
  fmt::print("  WRONG: {}\n", what);
  ++failures;
}

std::size_t bytes_of(DType dtype, const Shape& shape) {
  return static_cast<std::size_t>(element_count(shape)) * size_of(dtype);
}

/// One call's tensors in host memory, with the outputs that host tensors give.
struct Call {
  std::vector<Tensor> inputs;
  std::vector<Bytes> expected;
};

Tensor random_tensor(DType dtype, const Shape& shape, std::mt19937& random) {
  Tensor tensor(dtype, shape);
  std::normal_distribution<float> normal;
  if (dtype == DType::kFloat32) {
    for (float& value : tensor.values<float>()) value = normal(random);
  } else {
    std::memset(tensor.data(), 0, tensor.size_bytes());
  }
  return tensor;
}

Call make_call(Context& context, std::int64_t batch, unsigned seed) {
  Call call;
  std::mt19937 random(seed);
  for (const BindingInfo& binding : context.engine().inputs()) {
    Shape shape = binding.opt;
    if (binding.min[0] != binding.max[0]) shape[0] = std::min(batch, binding.max[0]);
    call.inputs.push_back(random_tensor(binding.dtype, shape, random));
  }
  for (const Tensor& output : context.infer(call.inputs)) {
    const auto* data = static_cast<const std::byte*>(output.data());
    call.expected.emplace_back(data, data + output.size_bytes());
  }
  return call;
}

/// A call's tensors in memory of the device, of exactly their size, `shift` bytes into it.
class DeviceCall {
 public:
  DeviceCall(Context& context, const Call& call, std::size_t shift = 0) : call_(call) {
    std::vector<Shape> shapes;
    for (const Tensor& input : call.inputs) {
      shapes.push_back(input.shape());
      inputs_.push_back(allocate(input.dtype(), input.shape(), shift));
      cuda::copy_to_device(reinterpret_cast<cuda::DevicePointer>(inputs_.back().data), input.data(),
                           input.size_bytes())
          .value();
    }
    const std::vector<Shape> outputs = context.output_shapes(shapes);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      outputs_.push_back(allocate(context.engine().outputs()[i].dtype, outputs[i], shift));
    }
  }

  std::span<const IoTensor> inputs() const { return inputs_; }
  std::span<const IoTensor> outputs() const { return outputs_; }

  /// Whether the outputs hold what they should. The runs must be over.
  bool is_right() const {
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      Bytes found(call_.expected[i].size());
      cuda::copy_to_host(found.data(), reinterpret_cast<cuda::DevicePointer>(outputs_[i].data),
                         found.size())
          .value();
      if (found != call_.expected[i]) return false;
    }
    return true;
  }
  void clear(const cuda::Stream& stream) const {
    for (const IoTensor& output : outputs_) {
      stream
          .fill(reinterpret_cast<cuda::DevicePointer>(output.data), 0xcd,
                bytes_of(output.dtype, output.shape))
          .value();
    }
    stream.synchronize().value();
  }

 private:
  IoTensor allocate(DType dtype, const Shape& shape, std::size_t shift) {
    memory_.push_back(cuda::Buffer::allocate(bytes_of(dtype, shape) + shift).value());
    return {dtype, shape, reinterpret_cast<void*>(memory_.back().address() + shift), true};
  }

  const Call& call_;
  std::vector<cuda::Buffer> memory_;
  std::vector<IoTensor> inputs_, outputs_;
};

double microseconds_each(int runs, const auto& run) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < runs; ++i) run(i);
  const auto elapsed = std::chrono::steady_clock::now() - start;
  return std::chrono::duration<double, std::micro>(elapsed).count() / runs;
}

void check_buffers(Context& context, std::span<const Call> calls) {
  const cuda::Stream stream = cuda::Stream::create().value();
  const DeviceCall device[] = {DeviceCall(context, calls[0]), DeviceCall(context, calls[1])};
  for (int i = 0; i < 6; ++i) {
    const DeviceCall& call = device[i % 2];
    call.clear(stream);
    context.infer_into(call.inputs(), call.outputs());
    expect(call.is_right(), fmt::format("alternating buffers, run {}", i));
  }
  const DeviceCall shifted(context, calls[0], 4);
  context.infer_into(shifted.inputs(), shifted.outputs());
  expect(shifted.is_right(), "memory that is not 16-byte aligned");
}

void check_streams(Context& context, std::span<const Call> calls) {
  const cuda::Stream streams[] = {cuda::Stream::create().value(), cuda::Stream::create().value()};
  const DeviceCall device[] = {DeviceCall(context, calls[0]), DeviceCall(context, calls[1])};
  for (const DeviceCall& call : device) call.clear(streams[0]);
  for (int i = 0; i < 20; ++i) {
    context.infer_async(device[i % 2].inputs(), device[i % 2].outputs(), streams[i % 2].handle());
  }
  context.infer_async(device[0].inputs(), device[0].outputs(), nullptr);
  context.synchronize();
  expect(device[0].is_right() && device[1].is_right(), "two streams and the default stream");

  // Host memory, enqueued: the inputs may change as soon as the call returns.
  std::vector<IoTensor> in, out;
  std::vector<Bytes> outputs = calls[1].expected;
  std::vector<Tensor> inputs;
  for (const Tensor& input : calls[1].inputs) {
    inputs.push_back(input.clone());
    in.push_back({input.dtype(), input.shape(), inputs.back().data(), false});
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    std::ranges::fill(outputs[i], std::byte{0});
    out.push_back(
        {device[1].outputs()[i].dtype, device[1].outputs()[i].shape, outputs[i].data(), false});
  }
  context.infer_async(in, out, streams[0].handle());
  for (Tensor& input : inputs) std::memset(input.data(), 0, input.size_bytes());
  context.synchronize();
  expect(outputs == calls[1].expected, "host tensors on a stream");
}

void check_threads(const Engine& engine, const Call& call) {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&, i] {
      Context context(engine, kOnGpu);
      for (int run = 0; run < 25; ++run) {
        const std::vector<Tensor> outputs = context.infer(call.inputs);
        for (std::size_t o = 0; o < outputs.size(); ++o) {
          wrong[i] +=
              std::memcmp(outputs[o].data(), call.expected[o].data(), call.expected[o].size()) == 0
                  ? 0
                  : 1;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  expect(wrong == std::vector<int>(4, 0), "four contexts in four threads");
}

/// An engine in a context that the caller made, as pycuda's users do, beside the primary one.
void check_own_context(const Engine& engine, const Call& call) {
  using Create = int (*)(cuda::ContextHandle*, unsigned, int);
  auto* const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  const auto create = reinterpret_cast<Create>(dlsym(library, "cuCtxCreate_v2"));
  const auto destroy =
      reinterpret_cast<int (*)(cuda::ContextHandle)>(dlsym(library, "cuCtxDestroy_v2"));
  cuda::ContextHandle own = nullptr;
  if (create == nullptr || destroy == nullptr || create(&own, 0, 0) != 0) {
    fmt::print("  skipped: cuCtxCreate is not there\n");
    return;
  }
  {
    Context context(engine, kOnGpu);
    const DeviceCall device(context, call);
    context.infer_into(device.inputs(), device.outputs());
    expect(device.is_right(), "a CUDA context of the caller's");
  }
  destroy(own);
}

/// The rest of the memory is taken: an error that says for what, then all is well again.
void check_exhausted_memory(const Engine& engine, const Call& call) {
  std::vector<cuda::Buffer> hoard;
  for (std::size_t bytes = std::size_t{1} << 36; bytes >= 1 << 12; bytes /= 2) {
    while (true) {
      Result<cuda::Buffer> buffer = cuda::Buffer::allocate(bytes);
      if (!buffer.ok()) break;
      hoard.push_back(*std::move(buffer));
    }
  }
  try {
    Context context(engine, kOnGpu);
    context.infer(call.inputs);
    expect(false, "no error without memory");
  } catch (const Error& error) {
    expect(error.code() == ErrorCode::kOutOfMemory, error.what());
    fmt::print("  without memory: {}\n", error.what());
  }
  hoard.clear();
  Context context(engine, kOnGpu);
  const std::vector<Tensor> outputs = context.infer(call.inputs);
  expect(std::memcmp(outputs[0].data(), call.expected[0].data(), call.expected[0].size()) == 0,
         "after memory was short");
}

void print_costs(Context& context, std::span<const Call> calls) {
  const cuda::Stream stream = cuda::Stream::create().value();
  const DeviceCall device[] = {DeviceCall(context, calls[0]), DeviceCall(context, calls[1])};
  constexpr int kRuns = 200;
  const auto timed = [&](const auto& choose) {
    context.synchronize();
    double enqueue = 0;
    const double each = microseconds_each(kRuns, [&](int i) {
      const DeviceCall& call = device[choose(i)];
      enqueue += microseconds_each(
          1, [&](int) { context.infer_async(call.inputs(), call.outputs(), stream.handle()); });
      stream.synchronize().value();
    });
    return std::pair(enqueue / kRuns, each);
  };
  const auto [same, same_run] = timed([](int) { return 0; });
  const auto [changing, changing_run] = timed([](int i) { return i % 2; });
  std::vector<Tensor> outputs = context.infer(calls[0].inputs);
  const double host = microseconds_each(
      kRuns, [&](int) { context.infer_into(calls[0].inputs, std::span<Tensor>(outputs)); });
  fmt::print(
      "  one run at a time: device memory {:.1f} us (call {:.1f}), changing addresses {:.1f} us "
      "(call {:.1f}), host memory {:.1f} us\n",
      same_run, same, changing_run, changing, host);
}

void check(const std::string& path, std::int64_t batch, bool keep_memory) {
  const Engine engine = Engine::load(std::filesystem::path(path));
  Context context(engine, kOnGpu);
  const Call calls[] = {make_call(context, batch, 1), make_call(context, batch, 2)};
  fmt::print("{} batch {}\n", path, batch);
  check_buffers(context, calls);
  check_streams(context, calls);
  check_threads(engine, calls[0]);
  check_own_context(engine, calls[0]);
  if (!keep_memory) check_exhausted_memory(engine, calls[0]);
  print_costs(context, calls);
}

int run(int argc, char** argv) {
  const bool keep_memory = argc > 1 && std::strcmp(argv[1], "--keep-memory") == 0;
  const int first = keep_memory ? 2 : 1;
  if (argc < first + 2) {
    fmt::print("usage: {} [--keep-memory] BATCH ENGINE...\n", argv[0]);
    return 1;
  }
  if (const Status status = cuda::driver().status(); !status.ok()) {
    fmt::print("skipped: {}\n", status.message());
    return 77;
  }
  const cuda::Context primary = cuda::Context::open(0).value();
  const cuda::ContextScope scope(primary);
  for (int i = first + 1; i < argc; ++i) {
    try {
      check(argv[i], std::strtoll(argv[first], nullptr, 10), keep_memory);
    } catch (const std::exception& error) {
      expect(false, error.what());
    }
    std::fflush(stdout);
  }
  fmt::print("{} failures\n", failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace xinfer::gpu

int main(int argc, char** argv) { return xinfer::gpu::run(argc, argv); }
