// Contexts of GPU engines without a GPU, on the fake driver: which addresses kernels get, what is
// copied, captured and updated, in which order, and how failures surface.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "device/cuda_device.h"
#include "device/cuda_memory.h"
#include "device/cuda_stream.h"
#include "fake_driver/fake_cuda.h"
#include "sample_engine.h"

namespace xinfer {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using testing_gpu::kLargestBatch;
using testing_gpu::LeftOut;
using testing_gpu::make_engine;

const ContextOptions kOnGpu = {.device = "cuda"};

/// Memory of the fake GPU, allocated by the test as another library would.
class GpuMemory {
 public:
  explicit GpuMemory(std::int64_t floats)
      : buffer_(cuda::Buffer::allocate(static_cast<std::size_t>(floats) * 4).value()) {}
  std::uint64_t address() const { return buffer_.address(); }
  void* data() const { return reinterpret_cast<void*>(buffer_.address()); }

 private:
  cuda::Buffer buffer_;
};

class GpuContextTest : public testing::Test {
 protected:
  GpuContextTest()
      : primary_(cuda::Context::open(0).value()),
        scope_(primary_),
        context_(make_engine(), kOnGpu) {
    fake_cuda::take_launches();
    fake_cuda::reset_counts();
  }

  static IoTensor input(void* data, std::int64_t batch = 2) {
    return {DType::kFloat32, {batch, 8, 16, 16}, data, true};
  }
  static IoTensor output(void* data, std::int64_t batch = 2) {
    return {DType::kFloat32, {batch, 16, 16, 16}, data, true};
  }
  void run(void* x, void* y, std::int64_t batch = 2) {
    const IoTensor in = input(x, batch), out = output(y, batch);
    context_.infer_async(std::span(&in, 1), std::span(&out, 1));
  }
  std::string failure_of(const IoTensor& in, const IoTensor& out) {
    try {
      context_.infer_async(std::span(&in, 1), std::span(&out, 1));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  cuda::Context primary_;
  cuda::ContextScope scope_;
  Context context_;
};

TEST_F(GpuContextTest, MemoryOfTheGpuIsUsedInPlace) {
  const GpuMemory x(2 * 8 * 256), y(2 * 16 * 256);
  run(x.data(), y.data());
  const auto launches = fake_cuda::take_launches();
  ASSERT_EQ(launches.size(), 4u);
  EXPECT_THAT(launches.front().arguments, Contains(x.address()));
  EXPECT_THAT(launches.back().arguments, Contains(y.address()));
  for (const char* copy : {"cuMemcpyHtoDAsync", "cuMemcpyDtoHAsync", "cuMemcpyDtoDAsync"}) {
    EXPECT_EQ(fake_cuda::count(copy), 0) << copy;
  }
  EXPECT_EQ(fake_cuda::count("cuStreamSynchronize"), 0);
}

TEST_F(GpuContextTest, AlternatingBuffersUpdateTheNodesThatTouchThem) {
  const GpuMemory x[] = {GpuMemory(2 * 8 * 256), GpuMemory(2 * 8 * 256)};
  const GpuMemory y[] = {GpuMemory(2 * 16 * 256), GpuMemory(2 * 16 * 256)};
  for (int i = 0; i < 10; ++i) {
    fake_cuda::reset_counts();
    run(x[i % 2].data(), y[i % 2].data());
    const auto launches = fake_cuda::take_launches();
    ASSERT_EQ(launches.size(), 4u);
    EXPECT_THAT(launches.front().arguments, Contains(x[i % 2].address())) << i;
    EXPECT_THAT(launches.back().arguments, Contains(y[i % 2].address())) << i;
    EXPECT_EQ(fake_cuda::count("cuGraphInstantiate"), i == 0 ? 1 : 0);
    EXPECT_EQ(fake_cuda::count("cuGraphExecKernelNodeSetParams"), i == 0 ? 0 : 2);
  }
  fake_cuda::reset_counts();
  run(x[1].data(), y[1].data());  // the same again: nothing to update
  EXPECT_EQ(fake_cuda::count("cuGraphExecKernelNodeSetParams"), 0);
  run(x[0].data(), y[1].data());  // one of the two
  EXPECT_EQ(fake_cuda::count("cuGraphLaunch"), 2);
  EXPECT_THAT(fake_cuda::take_launches()[4].arguments, Contains(x[0].address()));
}

TEST_F(GpuContextTest, LaunchesAreLeftOutWhereTheNextDoesTheirWork) {
  const Engine engine = make_engine(LeftOut::kChained);
  EXPECT_EQ(engine.steps("cuda:sm_90a")[1].kernels.front().tactic, "(later step)");
  context_ = Context(engine, kOnGpu);
  const GpuMemory x(2 * 8 * 256), y(2 * 16 * 256), other(2 * 8 * 256);
  run(x.data(), y.data(), 1);
  EXPECT_EQ(fake_cuda::take_launches().size(), 3u);
  run(other.data(), y.data(), 1);  // updates the node that holds the input
  const auto launches = fake_cuda::take_launches();
  ASSERT_EQ(launches.size(), 3u);
  EXPECT_THAT(launches.front().arguments, Contains(other.address()));
  run(x.data(), y.data(), 2);
  EXPECT_EQ(fake_cuda::take_launches().size(), 4u);
}

TEST_F(GpuContextTest, WhatALaterLaunchWritesIsObserved) {
  const std::vector<Tensor> inputs = {Tensor(DType::kFloat32, {1, 8, 16, 16})};
  const auto observed = [&](LeftOut left_out) {
    std::vector<std::string> names;
    Context(make_engine(left_out), kOnGpu)
        .infer_observed(inputs,
                        [&](const std::string& name, const Tensor&) { names.push_back(name); });
    return names;
  };
  const std::vector<std::string> all = observed(LeftOut::kNothing);
  EXPECT_THAT(all, Contains("conv1"));
  EXPECT_THAT(observed(LeftOut::kChained), testing::UnorderedElementsAreArray(all));
  std::vector<std::string> rest = all;
  std::erase(rest, "conv1");
  EXPECT_THAT(observed(LeftOut::kReplaced), testing::ElementsAreArray(rest));
}

TEST_F(GpuContextTest, ProfilesSayWhatIsLeftOut) {
  Context context(make_engine(LeftOut::kChained), kOnGpu);
  for (const std::int64_t batch : {1, 2}) {
    const std::vector<Tensor> inputs = {Tensor(DType::kFloat32, {batch, 8, 16, 16})};
    const std::vector<StepProfile> steps = context.profile(inputs);
    ASSERT_EQ(steps.size(), 4u);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const bool left_out = batch == 1 && i == 1;
      EXPECT_EQ(steps[i].left_out, left_out) << i;
      EXPECT_EQ(steps[i].kernel == "(later step)", left_out) << i;
      EXPECT_EQ(steps[i].microseconds == 0, left_out) << i;
    }
  }
}

TEST_F(GpuContextTest, UploadsAreThereBeforeOtherStreamsRun) {
  const GpuMemory memory(4);
  const float values[] = {1, 2, 3, 4};
  ASSERT_TRUE(cuda::copy_to_device(memory.address(), values, sizeof(values)).ok());
  EXPECT_EQ(std::memcmp(memory.data(), values, sizeof(values)), 0);
}

TEST_F(GpuContextTest, EveryShapeHasItsGraph) {
  const GpuMemory x(8 * 8 * 256), y(8 * 16 * 256);
  for (const std::int64_t batch : {1, 2, 8, 2, 1, 8}) run(x.data(), y.data(), batch);
  EXPECT_EQ(fake_cuda::count("cuGraphInstantiate"), 3);
  EXPECT_EQ(fake_cuda::count("cuGraphLaunch"), 6);
}

TEST_F(GpuContextTest, ShapesRunLongestAgoAreForgotten) {
  const GpuMemory x(kLargestBatch * 8 * 256), y(kLargestBatch * 16 * 256);
  for (std::int64_t batch = 1; batch <= 64; ++batch) run(x.data(), y.data(), batch);
  run(x.data(), y.data(), 1);
  EXPECT_EQ(fake_cuda::count("cuGraphInstantiate"), 64);
  run(x.data(), y.data(), 65);  // in the place of 2
  run(x.data(), y.data(), 1);
  EXPECT_EQ(fake_cuda::count("cuGraphInstantiate"), 65);
  run(x.data(), y.data(), 2);
  EXPECT_EQ(fake_cuda::count("cuGraphInstantiate"), 66);
}

TEST_F(GpuContextTest, HostTensorsGoThroughPageLockedMemory) {
  Tensor x(DType::kFloat32, {2, 8, 16, 16});
  std::ranges::fill(x.values<float>(), 1.5f);
  const Tensor y = context_.infer(x);
  EXPECT_EQ(y.shape(), (Shape{2, 16, 16, 16}));
  EXPECT_EQ(fake_cuda::count("cuMemcpyHtoDAsync"), 1);
  EXPECT_EQ(fake_cuda::count("cuMemcpyDtoHAsync"), 1);
  const auto launches = fake_cuda::take_launches();
  ASSERT_EQ(launches.size(), 4u);
  const auto* brought = reinterpret_cast<const float*>(launches.front().arguments[0]);
  EXPECT_EQ(brought[0], 1.5f);
  EXPECT_EQ(brought[2 * 8 * 256 - 1], 1.5f);
  fake_cuda::reset_counts();
  context_.infer(x);
  EXPECT_EQ(fake_cuda::count("cuMemAlloc") + fake_cuda::count("cuMemHostAlloc"), 0);
}

TEST_F(GpuContextTest, PageLockedTensorsAreCopiedWithoutStaging) {
  const cuda::PinnedBuffer x = cuda::PinnedBuffer::allocate(2 * 8 * 256 * 4).value();
  const cuda::PinnedBuffer y = cuda::PinnedBuffer::allocate(2 * 16 * 256 * 4).value();
  fake_cuda::reset_counts();
  IoTensor in = input(x.data()), out = output(y.data());
  in.on_gpu = out.on_gpu = false;
  context_.infer_async(std::span(&in, 1), std::span(&out, 1));
  EXPECT_EQ(fake_cuda::count("cuMemHostAlloc"), 0);
  EXPECT_EQ(fake_cuda::count("cuMemcpyHtoDAsync"), 1);
  context_.synchronize();
}

TEST_F(GpuContextTest, LessAlignedMemoryIsCopiedOnTheDevice) {
  const GpuMemory x(2 * 8 * 256 + 1), y(2 * 16 * 256 + 1);
  run(reinterpret_cast<void*>(x.address() + 4), reinterpret_cast<void*>(y.address() + 4));
  EXPECT_EQ(fake_cuda::count("cuMemcpyDtoDAsync"), 2);
  EXPECT_EQ(fake_cuda::count("cuMemcpyHtoDAsync"), 0);
}

TEST_F(GpuContextTest, RunsOfOneContextFollowEachOtherAcrossStreams) {
  const GpuMemory x(2 * 8 * 256), y(2 * 16 * 256);
  const cuda::Stream a = cuda::Stream::create().value(), b = cuda::Stream::create().value();
  const IoTensor in = input(x.data()), out = output(y.data());
  const auto on = [&](void* stream) {
    context_.infer_async(std::span(&in, 1), std::span(&out, 1), stream);
    return fake_cuda::take_launches().back().stream;
  };
  EXPECT_EQ(on(a.handle()), reinterpret_cast<std::uintptr_t>(a.handle()));
  EXPECT_EQ(on(a.handle()), reinterpret_cast<std::uintptr_t>(a.handle()));
  EXPECT_EQ(fake_cuda::count("cuStreamWaitEvent"), 0);
  EXPECT_EQ(on(b.handle()), reinterpret_cast<std::uintptr_t>(b.handle()));
  EXPECT_EQ(fake_cuda::count("cuStreamWaitEvent"), 1);
  EXPECT_EQ(on(nullptr), 0u);  // the legacy default stream
  EXPECT_EQ(fake_cuda::count("cuStreamWaitEvent"), 2);
  context_.synchronize();
  EXPECT_EQ(on(a.handle()), reinterpret_cast<std::uintptr_t>(a.handle()));
  EXPECT_EQ(fake_cuda::count("cuStreamWaitEvent"), 2);
}

TEST_F(GpuContextTest, ForeignPointersAreNamed) {
  const GpuMemory x(2 * 8 * 256), y(2 * 16 * 256);
  std::vector<float> pageable(2 * 8 * 256);
  EXPECT_THAT(failure_of(input(pageable.data()), output(y.data())),
              HasSubstr("invalid_argument: input \"x\": "));
  auto* other = static_cast<cuda::ContextHandle>(fake_cuda::make_context());
  const cuda::DriverApi& api = *cuda::driver().value();
  ASSERT_EQ(api.context_push_current(other), cuda::DriverResult::kSuccess);
  const GpuMemory elsewhere(2 * 16 * 256);
  ASSERT_EQ(api.context_pop_current(&other), cuda::DriverResult::kSuccess);
  EXPECT_THAT(failure_of(input(x.data()), output(elsewhere.data())),
              testing::AllOf(HasSubstr("output \"y\""), HasSubstr("another CUDA context")));
  EXPECT_EQ(failure_of(input(x.data()), output(y.data())), "");
}

TEST_F(GpuContextTest, MemoryMayBeMadeOfSeveralMappings) {
  constexpr std::size_t kBytes = 2 * 8 * 256 * 4;
  const GpuMemory y(2 * 16 * 256);
  const auto input_at = [](std::uintptr_t address) {
    return input(reinterpret_cast<void*>(address));
  };
  const std::uintptr_t whole = fake_cuda::map_range({kBytes / 2, kBytes / 4, kBytes / 4});
  EXPECT_EQ(failure_of(input_at(whole), output(y.data())), "");
  EXPECT_THAT(fake_cuda::take_launches().front().arguments, Contains(whole));
  const std::uintptr_t cut = fake_cuda::map_range({kBytes / 2, kBytes / 4});
  EXPECT_THAT(
      failure_of(input_at(cut), output(y.data())),
      testing::AllOf(HasSubstr("input \"x\""),
                     HasSubstr("12288 bytes left of an allocation of 12288; needed: 16384")));
}

TEST_F(GpuContextTest, ArgumentsThatDoNotFitAreNamed) {
  const GpuMemory x(2 * 8 * 256), y(2 * 16 * 256);
  EXPECT_THAT(failure_of(input(nullptr), output(y.data())), HasSubstr("input \"x\" has no data"));
  EXPECT_THAT(failure_of(input(x.data()), output(nullptr)),
              HasSubstr("output \"y\" has no memory"));
  EXPECT_THAT(failure_of(input(x.data()), output(y.data(), 3)),
              HasSubstr("output \"y\" is given as float32 [3, 16, 16, 16]; the engine writes "
                        "float32 [2, 16, 16, 16]"));
  IoTensor bytes = input(x.data());
  bytes.dtype = DType::kUInt8;
  EXPECT_THAT(failure_of(bytes, output(y.data())), HasSubstr("input \"x\" is uint8"));
}

TEST_F(GpuContextTest, AFailedLaunchNamesItsStepAndTheContextGoesOn) {
  const GpuMemory x(2 * 8 * 256), y(2 * 16 * 256);
  constexpr int kLaunchOutOfResources = 701;
  fake_cuda::fail_next("cuLaunchKernelEx", kLaunchOutOfResources, 1);
  EXPECT_THAT(failure_of(input(x.data()), output(y.data())),
              testing::AllOf(HasSubstr("device_error"), HasSubstr("step \"conv1\""),
                             HasSubstr("cuLaunchKernelEx")));
  fake_cuda::take_launches();
  run(x.data(), y.data());
  EXPECT_EQ(fake_cuda::take_launches().size(), 4u);
}

TEST_F(GpuContextTest, AFailedUpdateIsMadeUpForByTheNextRun) {
  const GpuMemory x(2 * 8 * 256), other(2 * 8 * 256), y(2 * 16 * 256);
  run(x.data(), y.data());
  fake_cuda::fail_next("cuGraphExecKernelNodeSetParams", 1);
  EXPECT_THAT(failure_of(input(other.data()), output(y.data())), HasSubstr("step "));
  fake_cuda::take_launches();
  run(other.data(), y.data());
  EXPECT_THAT(fake_cuda::take_launches().front().arguments, Contains(other.address()));
}

TEST_F(GpuContextTest, AFailureWhileRunningSurfacesWhereItIsWaitedFor) {
  const GpuMemory x(2 * 8 * 256), y(2 * 16 * 256);
  run(x.data(), y.data());
  fake_cuda::fail_next("cuEventSynchronize", 700);
  try {
    context_.synchronize();
    FAIL() << "the failure is lost";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDeviceError);
    EXPECT_THAT(error.what(), HasSubstr("a run on Fake GPU"));
  }
}

TEST_F(GpuContextTest, AFailedAllocationSaysForWhatAndTheProcessGoesOn) {
  for (const auto& [skip, what] : {std::pair(0, "weights"), {1, "activations"}}) {
    const Engine engine = make_engine();
    fake_cuda::fail_next("cuMemAlloc", 2, skip);
    try {
      const Context context(engine, kOnGpu);
      FAIL() << "no error for " << what;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
      EXPECT_THAT(error.what(), HasSubstr(what));
    }
    EXPECT_EQ(Context(engine, kOnGpu).target(), "cuda:sm_90a");
  }
  fake_cuda::fail_next("cuMemHostAlloc", 2);
  const Tensor x(DType::kFloat32, {2, 8, 16, 16});
  EXPECT_THROW(context_.infer(x), Error);
  EXPECT_EQ(context_.infer(x).shape(), (Shape{2, 16, 16, 16}));
}

TEST_F(GpuContextTest, ContextsOfManyThreadsShareWeightsAndKernels) {
  const Engine engine = make_engine();
  fake_cuda::reset_counts();
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      Context context(engine, kOnGpu);
      const Tensor x(DType::kFloat32, {1, 8, 16, 16});
      for (int run = 0; run < 10; ++run) right += context.infer(x).shape()[1] == 16 ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 40);
  EXPECT_EQ(fake_cuda::take_launches().size(), 160u);
}

TEST_F(GpuContextTest, NothingIsLeftBehind) {
  const std::size_t before = fake_cuda::device_bytes_in_use();
  {
    Context context(make_engine(), kOnGpu);
    context.infer(Tensor(DType::kFloat32, {2, 8, 16, 16}));
    EXPECT_GT(fake_cuda::device_bytes_in_use(), before);
  }
  EXPECT_EQ(fake_cuda::device_bytes_in_use(), before);
}

TEST(GpuContext, TheCallersCurrentContextIsUsed) {
  const cuda::DriverApi& api = *cuda::driver().value();
  auto* own = static_cast<cuda::ContextHandle>(fake_cuda::make_context());
  ASSERT_EQ(api.context_push_current(own), cuda::DriverResult::kSuccess);
  {
    const GpuMemory x(1 * 8 * 256), y(1 * 16 * 256);
    Context context(make_engine(), kOnGpu);
    const IoTensor in = {DType::kFloat32, {1, 8, 16, 16}, x.data(), true};
    const IoTensor out = {DType::kFloat32, {1, 16, 16, 16}, y.data(), true};
    context.infer_into(std::span(&in, 1), std::span(&out, 1));
  }
  cuda::ContextHandle popped = nullptr;
  ASSERT_EQ(api.context_pop_current(&popped), cuda::DriverResult::kSuccess);
  EXPECT_EQ(popped, own);
  ASSERT_EQ(api.context_get_current(&popped), cuda::DriverResult::kSuccess);
  EXPECT_EQ(popped, nullptr);
}

}  // namespace
}  // namespace xinfer
