// GPU engines whose hashes are right and whose contents are not, on the fake driver: errors, and no
// byte written or read outside what the sizes allow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "fake_driver/fake_cuda.h"
#include "sample_engine.h"

namespace xinfer {
namespace {

namespace fb = engine::fb;
using ::testing::HasSubstr;

/// What running a sample of two fails with once `damage` is done to the engine; "" if it does not.
std::string failure_after(const std::function<void(fb::EngineT&)>& damage) {
  engine::BlobWriter blobs;
  fb::EngineT engine = testing_gpu::sample_engine(blobs);
  damage(engine);
  try {
    Context context(testing_gpu::load(engine, blobs), {.device = "cuda"});
    context.infer(Tensor(DType::kFloat32, {2, 8, 16, 16}));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// The index of a new entry of Plan.dims.
std::uint32_t add_dim(fb::PlanT& plan, std::int64_t value) {
  plan.dims.emplace_back(value, 0, 0, fb::DimOp::Constant);
  return static_cast<std::uint32_t>(plan.dims.size() - 1);
}

void add_tensor(fb::PlanT& plan, fb::Storage storage, const std::vector<std::int64_t>& dims,
                std::uint64_t offset = 0) {
  auto tensor = std::make_unique<fb::TensorT>();
  tensor->storage = storage;
  tensor->dtype = static_cast<std::uint8_t>(DType::kFloat32);
  tensor->offset = offset;
  for (const std::int64_t dim : dims) tensor->dims.push_back(add_dim(plan, dim));
  plan.tensors.push_back(std::move(tensor));
}

TEST(DamagedGpuEngine, NoneIsWhatTheTestsStartFrom) {
  EXPECT_EQ(failure_after([](fb::EngineT&) {}), "");
}

TEST(DamagedGpuEngine, TensorsAreNoLargerThanTheirBindings) {
  EXPECT_THAT(failure_after([](fb::EngineT& engine) {
                add_tensor(*engine.plans[0], fb::Storage::Input, {1 << 20, 8});
              }),
              HasSubstr("incompatible_engine: engine: damaged: input \"x\" has 33554432 bytes; at "
                        "its largest shape 655360"));
  EXPECT_THAT(failure_after([](fb::EngineT& engine) {
                engine.outputs[0]->max = {1, 1, 1, 1};
              }),
              HasSubstr("incompatible_engine: engine: damaged: output \"y\" has 32768 bytes; at "
                        "its largest shape 4"));
}

TEST(DamagedGpuEngine, ConstantsLieWithinTheWeights) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 40;
  for (const std::vector<std::int64_t>& dims :
       {std::vector<std::int64_t>{-1}, {-1, -1}, {kHuge}, {kHuge, kHuge, 3}, {kHuge, kHuge / 4}}) {
    EXPECT_THAT(
        failure_after([&](fb::EngineT& engine) {
          add_tensor(*engine.plans[0], fb::Storage::Constant, dims, 64);
        }),
        HasSubstr(
            "incompatible_engine: engine: damaged: a constant does not lie within the weights"))
        << testing::PrintToString(dims);
  }
}

TEST(DamagedGpuEngine, TensorsHaveSizes) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 40;
  EXPECT_THAT(failure_after([](fb::EngineT& engine) {
                add_tensor(*engine.plans[0], fb::Storage::Arena, {kHuge, kHuge});
              }),
              HasSubstr("incompatible_engine: engine: damaged: a tensor of too many elements"));
}

TEST(DamagedGpuEngine, KernelsHaveBlocksThatCanBeLaunched) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 62;
  for (const std::int64_t items : {kHuge, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_THAT(failure_after([&](fb::EngineT& engine) {
                  engine.plans[0]->kernels[0]->items_per_image = items;
                }),
                HasSubstr("blocks"));
  }
  EXPECT_THAT(failure_after([](fb::EngineT& engine) {
                fb::CudaKernelT& kernel = *engine.plans[0]->kernels[0];
                kernel.tiles_per_item_tile = kHuge;
              }),
              HasSubstr("blocks"));
  EXPECT_THAT(failure_after([](fb::EngineT& engine) {
                fb::CudaKernelT& kernel = *engine.plans[0]->kernels[0];
                kernel.persistent_blocks_per_multiprocessor = 1;
                kernel.grid_multiple = 0x80000000;
              }),
              HasSubstr("needs 0 blocks"));
}

}  // namespace
}  // namespace xinfer
