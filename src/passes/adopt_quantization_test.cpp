// Models that bring their own quantisation.
#include "passes/adopt_quantization.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "passes/test_graphs.h"

namespace xinfer::passes {
namespace {

using ir::GraphBuilder;
using ir::kNoValue;
using ir::ValueId;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const ir::Dim kBatch = ir::Dim::symbol("batch");

/// Weights [8, 8, 1, 1] that are whole numbers of 1 / 64.
ValueId gridded(GraphBuilder& b, const std::string& name) {
  std::vector<float> values(64);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(static_cast<int>(i * 37 % 201) - 100) / 64;
  }
  return b.constant({8, 8, 1, 1}, values, name);
}

ValueId fake_quantize(GraphBuilder& b, ValueId x, DType dtype, float scale) {
  const std::string name = b.value(x).name;
  return b.dequantize(b.quantize(x, dtype, scale, name + "_q"), name + "_dq");
}

/// Adopts and fuses; the plan is of the graph before fusion.
PrecisionPlan adopt_and_fuse(ir::Graph& graph, const ir::Constraints& constraints = {}) {
  auto plan = adopt_quantization(graph, constraints, {});
  EXPECT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_TRUE(ir::verify(graph).ok());
  ir::Graph fused = graph;
  EXPECT_TRUE(fuse(fused).ok());
  EXPECT_TRUE(ir::verify(fused).ok());
  PrecisionPlan result = plan.ok() ? *std::move(plan) : PrecisionPlan();
  graph = std::move(fused);
  return result;
}

TEST(AdoptQuantization, LayersReadAndWriteTheGivenGrids) {
  GraphBuilder b;
  const ValueId x = fake_quantize(b, b.input("x", {kBatch, 8, 4, 4}), DType::kInt8, 0.5f);
  const ValueId first = b.relu(b.conv(x, gridded(b, "w1"), kNoValue, {}, "first"), "relu");
  const ValueId middle = fake_quantize(b, first, DType::kUInt8, 0.25f);
  b.output(b.conv(middle, gridded(b, "w2"), kNoValue, {}, "y"));
  ir::Graph graph = b.finish();
  EXPECT_TRUE(holds_quantization(graph));
  const ir::Graph before = graph;
  const PrecisionPlan plan = adopt_and_fuse(graph);
  EXPECT_THAT(nodes_of(graph),
              ElementsAre("x_q:s8 = Quantize(x)", "relu:u8 = Conv(x_q, w1)", "y = Conv(relu, w2)"));
  EXPECT_EQ(graph.value(graph.find_value("relu")).scale, 0.25f);
  EXPECT_EQ(reason_for(before, plan, "first"), "INT8: quantised in the model");
  EXPECT_EQ(plan.values.at(before.find_value("relu")).scale, 0.25f);
  EXPECT_EQ(plan.int8_mac_share(before), 1.0);
}

TEST(AdoptQuantization, WhatTheModelLeavesInFloatStaysThere) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId q = fake_quantize(b, x, DType::kInt8, 0.5f);
  b.output(b.conv(q, b.random_constant({8, 8, 1, 1}, 1, "w"), kNoValue, {}, "float_weights"));
  b.output(b.conv(x, gridded(b, "w2"), kNoValue, {}, "float_input"));
  ir::Graph graph = b.finish();
  const ir::Graph before = graph;
  const PrecisionPlan plan = adopt_and_fuse(graph);
  EXPECT_EQ(reason_for(before, plan, "float_weights"),
            "the model does not quantise its weights \"w\"");
  EXPECT_EQ(reason_for(before, plan, "float_input"), "the model does not quantise \"x\"");
  EXPECT_EQ(plan.int8_mac_share(before), 0.0);
}

TEST(AdoptQuantization, AQuantizeGoesBeforeMovement) {
  GraphBuilder b;
  const ValueId x = fake_quantize(b, b.input("x", {kBatch, 8, 4, 4}), DType::kInt8, 0.5f);
  const ValueId pool = b.max_pool(
      b.relu(b.conv(x, gridded(b, "w1"), kNoValue, {}, "first"), "relu"), 2, {.stride = 2}, "pool");
  const ValueId middle = fake_quantize(b, pool, DType::kUInt8, 0.25f);
  b.output(b.conv(middle, gridded(b, "w2"), kNoValue, {}, "y"));
  ir::Graph graph = b.finish();
  adopt_and_fuse(graph);
  EXPECT_THAT(nodes_of(graph), ElementsAre("x_q:s8 = Quantize(x)", "relu:u8 = Conv(x_q, w1)",
                                           "pool:u8 = Pool(relu)", "y = Conv(pool, w2)"));
}

TEST(AdoptQuantization, ShiftsAroundAFunctionBecomePartOfItsTable) {
  GraphBuilder b;
  const ValueId x = fake_quantize(b, b.input("x", {kBatch, 8, 4, 4}), DType::kInt8, 0.5f);
  const ValueId first = b.conv(x, gridded(b, "w1"), kNoValue, {}, "first");
  const ValueId read = fake_quantize(b, first, DType::kInt8, 0.125f);
  const ValueId argument =
      b.add_values(read, b.constant(Shape{}, std::vector<float>{-0.5f}), "argument");
  const ValueId silu = b.unary(kernels::Unary::kSilu, argument, "silu");
  const ValueId lifted =
      b.add_values(silu, b.constant(Shape{1}, std::vector<float>{0.28f}), "lifted");
  const ValueId middle = fake_quantize(b, lifted, DType::kUInt8, 0.25f);
  b.output(b.conv(middle, gridded(b, "w2"), kNoValue, {}, "y"));
  ir::Graph graph = b.finish();
  adopt_and_fuse(graph);
  EXPECT_THAT(nodes_of(graph),
              ElementsAre("x_q:s8 = Quantize(x)", "lifted:u8 = Conv(x_q, w1) table",
                          "y = Conv(lifted, w2)"));
  const ir::Node& node = graph.node(graph.value(graph.find_value("lifted")).producer);
  EXPECT_EQ(ir::epilogue_of(node.op)->at(0).input_offset, -0.5);
  EXPECT_FLOAT_EQ(static_cast<float>(ir::epilogue_of(node.op)->at(0).offset), 0.28f);
}

TEST(AdoptQuantization, RulesKeepLayersInFloatOrFailWithTheReason) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId q = fake_quantize(b, x, DType::kInt8, 0.5f);
  b.output(b.conv(q, gridded(b, "w1"), kNoValue, {}, "first"));
  b.output(b.conv(x, gridded(b, "w2"), kNoValue, {}, "second"));
  const ir::Graph graph = b.finish();
  ir::Graph kept = graph;
  ir::Constraints constraints;
  constraints.precisions = {{"first", ir::Precision::kFp32, true}};
  const PrecisionPlan plan = adopt_and_fuse(kept, constraints);
  EXPECT_EQ(reason_for(graph, plan, "first"), "\"first\" is kept in fp32");

  constraints.precisions = {{"second", ir::Precision::kInt8, true}};
  ir::Graph demanded = graph;
  const auto failed = adopt_quantization(demanded, constraints, {});
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(
      failed.status().message(),
      HasSubstr("must be int8 by the rule \"second\", but the model does not quantise \"x\""));
}

TEST(AdoptQuantization, TwoGridsOfOneValueStayApart) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  for (const float scale : {0.5f, 0.25f}) {
    const ValueId q = b.dequantize(b.quantize(x, DType::kInt8, scale));
    b.output(b.conv(q, gridded(b, scale > 0.3f ? "w1" : "w2")));
  }
  ir::Graph graph = b.finish();
  ASSERT_TRUE(simplify(graph, {}).ok());
  EXPECT_EQ(count_ops<ir::Quantize>(graph), 2);
}

}  // namespace
}  // namespace xinfer::passes
