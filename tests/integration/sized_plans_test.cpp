// GPU engines of models whose height and width are dynamic: which plans they get, and how a missing
// one is made. Needs NVRTC, no GPU.
#include "compile/sized_plans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compile/execute.h"
#include "compile/stored_graph.h"
#include "ir/build.h"
#include "ir/text.h"
#include "jit/nvrtc.h"
#include "runtime/cuda/sized_program.h"

namespace xinfer::compile {
namespace {

using runtime::PlanSizes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const lower::SymbolRanges kSymbols = {
    {"batch", {1, 2, 4}}, {"height", {8, 16, 32}}, {"width", {8, 24, 32}}};

/// x [batch, 3, height, width], quantised, through a convolution and the mean over its pixels.
ir::Graph conv_graph() {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input(
      "x", {ir::Dim::symbol("batch"), 3, ir::Dim::symbol("height"), ir::Dim::symbol("width")});
  const ir::ValueId q = builder.add(ir::Quantize{}, {x}, "q");
  builder.graph().value(q).dtype = DType::kInt8;
  builder.graph().value(q).scale = 0.05f;
  const ir::ValueId y =
      builder.conv(q, builder.random_constant({6, 3, 3, 3}), ir::kNoValue, {.pad = 1}, "conv");
  builder.output(
      builder.add(ir::Reduce{kernels::ReduceKind::kMean, {2, 3}, false}, {y}, "features"));
  return builder.finish();
}

PlanSizes sized(std::int64_t height, std::int64_t width) {
  return {{"height", height}, {"width", width}};
}

TEST(PlanSizes, AreThoseOfTheProfileAndOfTheShapesAskedFor) {
  const ir::Graph graph = conv_graph();
  EXPECT_THAT(plan_sizes(graph, kSymbols, {{"x", {1, 3, 24, 32}}, {"x", {2, 3, 8, 8}}}).value(),
              ElementsAre(sized(16, 24), sized(8, 8), sized(32, 32), sized(24, 32)));
  EXPECT_EQ(plan_sizes(graph, kSymbols, {{"x", {1, 3, 24, 64}}}).status().message(),
            "shape [1, 3, 24, 64] of input \"x\": dimension 3 goes from 8 to 32");
  EXPECT_EQ(plan_sizes(graph, kSymbols, {{"x", {1, 4, 24, 32}}}).status().message(),
            "shape [1, 4, 24, 32] of input \"x\": the model's is [batch, 3, height, width]");
  EXPECT_EQ(plan_sizes(graph, kSymbols, {{"y", {1}}}).status().message(),
            "a shape names input \"y\", which the model does not have");
  EXPECT_TRUE(plan_sizes(graph, {{"batch", {1, 2, 4}}}, {}).value().empty());
}

TEST(PlanSizes, GiveAPlanEachAndTheGraphForOthers) {
  if (!jit::nvrtc_version().ok()) GTEST_SKIP() << jit::nvrtc_version().status().message();
  const ir::Graph graph = conv_graph();
  EngineTargets targets;
  CudaBuild build;
  build.target = lower::make_cuda_target("sm_80", lower::CudaBackend::kAuto).value();
  build.tuning = false;
  targets.cuda.push_back(build);
  targets.cuda_sizes = {sized(16, 24), sized(8, 8)};
  const std::string bytes = make_engine_bytes(graph, kSymbols, {}, targets).value();
  const auto file = engine::EngineFile::load(std::as_bytes(std::span(bytes))).value();
  std::vector<PlanSizes> held;
  for (const engine::fb::Plan* plan : *file->engine().plans()) {
    held.push_back(runtime::sizes_of(*plan));
  }
  EXPECT_THAT(held, ElementsAre(PlanSizes{}, sized(16, 24), sized(8, 8)));  // the CPU's has any
  EXPECT_EQ(runtime::targets_text(*file), "cpu, cuda:sm_80");

  const std::string made = make_missing_plan(*file, "cuda:sm_80", sized(24, 32)).value();
  const auto other = engine::EngineFile::load(std::as_bytes(std::span(made))).value();
  ASSERT_EQ(other->engine().plans()->size(), 1u);
  EXPECT_EQ(other->engine().plans()->Get(0)->target()->str(), "cuda:sm_80");
  const engine::fb::Binding& x = *other->engine().inputs()->Get(0);
  EXPECT_THAT(std::vector<std::int64_t>(x.min()->begin(), x.min()->end()),
              ElementsAre(1, 3, 24, 32));
  EXPECT_THAT(std::vector<std::int64_t>(x.max()->begin(), x.max()->end()),
              ElementsAre(4, 3, 24, 32));
}

TEST(StoredGraph, ReadsBackWhole) {
  const StoredGraph stored{
      conv_graph(), {{"conv", ir::Precision::kFp16}}, lower::CudaBackend::kMma};
  const std::string bytes = write_stored_graph(stored);
  const auto back = read_stored_graph(std::as_bytes(std::span(bytes)));
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(ir::print(back->graph, -1), ir::print(stored.graph, -1));
  EXPECT_EQ(back->precisions, stored.precisions);
  EXPECT_EQ(back->backend, stored.backend);
  for (const std::size_t size : {std::size_t{0}, std::size_t{9}, bytes.size() - 1}) {
    const auto cut = read_stored_graph(std::as_bytes(std::span(bytes).first(size)));
    ASSERT_FALSE(cut.ok()) << size;
    EXPECT_THAT(cut.status().message(), HasSubstr("stored graph is damaged"));
  }
}

}  // namespace
}  // namespace xinfer::compile
