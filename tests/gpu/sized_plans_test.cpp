// Engines whose height and width are dynamic, on the fake driver: a plan for every set of sizes,
// and what happens where there is none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "ir/build.h"
#include "ir/fix_symbols.h"
#include "lower/cuda/lower_cuda.h"
#include "runtime/plan_maker.h"
#include "xinfer/core/engine.h"

namespace xinfer {
namespace {

using runtime::PlanSizes;
using ::testing::HasSubstr;

/// x [batch, 3, height, width] through a convolution and the mean over its pixels.
ir::Graph conv_graph() {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input(
      "x", {ir::Dim::symbol("batch"), 3, ir::Dim::symbol("height"), ir::Dim::symbol("width")});
  const ir::ValueId y =
      builder.conv(x, builder.random_constant({6, 3, 3, 3}), ir::kNoValue, {.pad = 1}, "conv");
  builder.output(
      builder.add(ir::Reduce{kernels::ReduceKind::kMean, {2, 3}, false}, {y}, "features"));
  return builder.finish();
}

/// The plan for these sizes. Its kernels are stand-ins: nothing here needs NVRTC.
std::unique_ptr<engine::fb::PlanT> make_plan(const PlanSizes& sizes, engine::BlobWriter& blobs) {
  ir::Graph graph = conv_graph();
  ir::fix_symbols(graph, sizes).value();
  lower::OpenCudaPlan open =
      lower::lower_cuda(graph, {{"batch", {1, 2, 4}}},
                        lower::make_cuda_target("sm_90a", lower::CudaBackend::kAuto).value(), blobs)
          .value();
  const std::array<std::byte, 64> cubin = {};
  for (std::size_t i = 0; i < open.launches.size(); ++i) {
    auto variant = std::make_unique<engine::fb::CudaVariantT>();
    variant->largest_batch = 4;
    variant->kernel = static_cast<std::uint32_t>(open.plan->kernels.size());
    open.plan->steps[i]->params.AsCuda()->variants.push_back(std::move(variant));
    open.plan->kernels.push_back(
        lower::write_kernel(open.launches[i].points.front().candidates.front(),
                            blobs.add(std::span<const std::byte>(cubin))));
  }
  for (const auto& [name, size] : sizes) {
    auto range = std::make_unique<engine::fb::SymbolRangeT>();
    range->name = name;
    range->min = range->opt = range->max = size;
    open.plan->sizes.push_back(std::move(range));
  }
  return std::move(open.plan);
}

std::unique_ptr<engine::fb::BindingT> binding(const std::string& name,
                                              const std::vector<std::string>& dims,
                                              const std::array<Shape, 3>& profile) {
  auto made = std::make_unique<engine::fb::BindingT>();
  made->name = name;
  made->dtype = static_cast<std::uint8_t>(DType::kFloat32);
  made->dims = dims;
  made->min = profile[0];
  made->opt = profile[1];
  made->max = profile[2];
  return made;
}

std::string engine_bytes(const std::vector<PlanSizes>& sizes) {
  engine::BlobWriter blobs;
  engine::fb::EngineT engine;
  engine.inputs.push_back(binding("x", {"batch", "3", "height", "width"},
                                  {Shape{1, 3, 8, 8}, {2, 3, 16, 24}, {4, 3, 32, 32}}));
  engine.outputs.push_back(
      binding("features", {"batch", "6"}, {Shape{1, 6}, Shape{2, 6}, Shape{4, 6}}));
  for (const PlanSizes& one : sizes) engine.plans.push_back(make_plan(one, blobs));
  return engine::serialize(engine, blobs);
}

PlanSizes sized(std::int64_t height, std::int64_t width) {
  return {{"height", height}, {"width", width}};
}

class SizedPlans : public testing::Test {
 protected:
  SizedPlans() : context_(engine_with({sized(16, 24), sized(8, 8)}), {.device = "cuda"}) {}
  void TearDown() override { runtime::set_plan_maker(nullptr); }

  static Engine engine_with(const std::vector<PlanSizes>& sizes) {
    const std::string bytes = engine_bytes(sizes);
    return Engine::load(std::as_bytes(std::span(bytes)));
  }
  std::vector<Shape> bind(const Shape& x) { return context_.output_shapes(std::span(&x, 1)); }
  std::string complaint(const Shape& x) {
    try {
      bind(x);
    } catch (const Error& error) {
      return error.what();
    }
    return "bound";
  }

  Context context_;
};

TEST_F(SizedPlans, RunAtTheSizesThatAreHeld) {
  EXPECT_EQ(context_.engine().targets(), std::vector<std::string>{"cuda:sm_90a"});
  for (const Shape& shape : {Shape{2, 3, 16, 24}, Shape{4, 3, 8, 8}, Shape{1, 3, 16, 24}}) {
    EXPECT_EQ(bind(shape), (std::vector<Shape>{{shape[0], 6}}));
    EXPECT_EQ(context_.infer(Tensor(DType::kFloat32, shape)).shape(), (Shape{shape[0], 6}));
  }
}

TEST_F(SizedPlans, AreNamedWhereOneIsMissing) {
  EXPECT_THAT(complaint({1, 3, 24, 32}),
              testing::AllOf(HasSubstr("cuda:sm_90a: height 24, width 32: the engine holds plans "
                                       "for height 16, width 24; height 8, width 8;"),
                             HasSubstr("make_missing_plans")));
  EXPECT_THAT(complaint({1, 3, 64, 32}),
              HasSubstr("dimension 2 (height) is 64; the engine was built for 8 to 32"));
  EXPECT_THAT(complaint({1, 3, 16}), HasSubstr("the engine expects 4 dimensions"));
  EXPECT_EQ(complaint({1, 3, 8, 8}), "bound");  // the context goes on with what it has
}

TEST_F(SizedPlans, AreMadeOnceWhereSomebodyCan) {
  std::vector<PlanSizes> made;
  runtime::set_plan_maker(
      [&](const engine::EngineFile&, const std::string& target, const PlanSizes& sizes) {
        EXPECT_EQ(target, "cuda:sm_90a");
        made.push_back(sizes);
        return Result<std::string>(engine_bytes({sizes}));
      });
  for (const std::int64_t width : {32, 9, 32}) {
    EXPECT_EQ(bind({3, 3, 24, width}), (std::vector<Shape>{{3, 6}}));
    EXPECT_EQ(context_.infer(Tensor(DType::kFloat32, {3, 3, 24, width})).shape(), (Shape{3, 6}));
  }
  EXPECT_THAT(made, testing::ElementsAre(sized(24, 32), sized(24, 9)));
}

TEST_F(SizedPlans, AreForgottenLongestAgoFirst) {
  int made = 0;
  runtime::set_plan_maker(
      [&](const engine::EngineFile&, const std::string&, const PlanSizes& sizes) {
        ++made;
        return Result<std::string>(engine_bytes({sizes}));
      });
  for (std::int64_t width = 9; width < 18; ++width) bind({1, 3, 9, width});
  EXPECT_EQ(made, 9);
  bind({1, 3, 9, 17});
  bind({1, 3, 9, 10});
  EXPECT_EQ(made, 9);
  bind({1, 3, 9, 9});  // of the eight that are kept, none
  EXPECT_EQ(made, 10);
}

TEST_F(SizedPlans, ReportWhyOneCouldNotBeMade) {
  runtime::set_plan_maker([](const engine::EngineFile&, const std::string&, const PlanSizes&) {
    return Result<std::string>(unsupported("no compiler today"));
  });
  EXPECT_THAT(complaint({1, 3, 24, 32}),
              HasSubstr("cuda:sm_90a: height 24, width 32: no compiler today"));
}

}  // namespace
}  // namespace xinfer
