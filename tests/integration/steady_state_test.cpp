// A context that runs the same shapes again: it does not allocate, and its threads sleep between
// runs.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <new>
#include <thread>

#include "digits.h"
#include "inverted_residuals.h"
#include "xinfer/builders/network.h"

namespace {

/// Calls of operator new in this program, by any thread.
std::atomic<std::int64_t> allocations = 0;

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  ++allocations;
  return std::malloc(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace xinfer {
namespace {

using builders::Network;

Tensor filled(Shape shape, float value) {
  Tensor tensor(DType::kFloat32, std::move(shape));
  std::fill(tensor.values<float>().begin(), tensor.values<float>().end(), value);
  return tensor;
}

/// Steps that the digits model lacks: movement, products of computed values, normalisation, resize.
Network network_of_many_steps() {
  Network network("many");
  const auto x = network.add_input("x", DType::kFloat32, {"batch", "6", "8"});
  const auto turned = network.add_transpose(x, {0, 2, 1}, "turned");
  const auto scores = network.add_matrix_product(x, turned, {}, false, false, "scores");
  const auto mixed =
      network.add_matrix_product(network.add_softmax(scores, 2), x, {}, false, false, "mixed");
  const auto scale = network.add_constant(filled({8}, 1), "scale");
  const auto norm = network.add_layer_norm(network.add_binary("add", mixed, x), scale, {}, 2);
  const auto image = network.add_reshape(norm, {0, 3, 4, 4}, "image");
  const auto corner =
      network.add_slice(image, {0, 0, 0, 0}, {Network::kToTheEnd, 3, 2, 4}, {1, 1, 1, 2}, "corner");
  const auto padded = network.add_pad(corner, {0, 0, 1, 1}, {0, 0, 1, 1}, "constant", 0, "padded");
  builders::ResizeOptions twice;
  twice.scales = {1, 1, 2, 2};
  twice.mode = "linear";
  const auto large = network.add_resize(padded, twice, "large");
  const auto both = network.add_concat({large, network.add_unary("sigmoid", large)}, 1, "both");
  network.mark_output(network.add_reduce("mean", both, {2, 3}, false, "mean"));
  return network;
}

Engine engine_of_many_steps() {
  EngineBuilder builder;
  return builder.from_network(network_of_many_steps()).with_max_batch_size(4).build();
}

Engine float_digits() {
  EngineBuilder builder;
  return builder.from_onnx(kDigits / "digits.onnx").with_max_batch_size(4).build();
}

Engine engine_of_chains() {
  EngineBuilder builder;
  return builder.from_network(inverted_residuals()).build();
}

/// Calls of operator new while a context that has run these shapes runs them again.
std::int64_t allocations_of_a_run(Context& context, const Shape& shape) {
  const std::vector<Tensor> inputs = {filled(shape, 0.5f)};
  std::vector<Tensor> outputs = context.infer(inputs);
  context.infer_into(inputs, outputs);
  const std::int64_t before = allocations;
  context.infer_into(inputs, outputs);
  return allocations - before;
}

TEST(SteadyState, RunsOfOneSampleDoNotAllocate) {
  const std::int64_t before = allocations;
  const Engine int8 = digits_builder().build(), fp32 = float_digits(),
               many = engine_of_many_steps(), chains = engine_of_chains();
  ASSERT_GT(allocations - before, 100) << "building allocates, so the count works";
  for (const int threads : {1, 2}) {
    SCOPED_TRACE(testing::Message() << threads << " threads");
    Context a(int8, {threads}), b(fp32, {threads}), c(many, {threads}), d(chains, {threads});
    EXPECT_EQ(allocations_of_a_run(a, {1, 1, 8, 8}), 0) << "INT8";
    EXPECT_EQ(allocations_of_a_run(b, {1, 1, 8, 8}), 0) << "float32";
    EXPECT_EQ(allocations_of_a_run(c, {1, 6, 8}), 0) << "many steps";
    EXPECT_EQ(allocations_of_a_run(d, {1, 8, 112, 112}), 0) << "chains";
  }
}

double processor_seconds() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + 1e-6 * double(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

TEST(SteadyState, ThreadsSleepBetweenRuns) {
  Context context(float_digits(), {4});
  const Tensor input = filled({4, 1, 8, 8}, 0.5f);
  for (int i = 0; i < 10; ++i) context.infer(input);
  const double before = processor_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  // Three spinning workers would take 0.5 s at least, on one processor.
  EXPECT_LT(processor_seconds() - before, 0.05);
}

}  // namespace
}  // namespace xinfer
