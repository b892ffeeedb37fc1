#include "passes/equalise_channels.h"

#include <gtest/gtest.h>

#include <cmath>

#include "ir/build.h"
#include "ir/verify.h"
#include "passes/channel_groups.h"
#include "passes/match.h"
#include "passes/test_graphs.h"

namespace xinfer::passes {
namespace {

using ir::GraphBuilder;
using ir::ValueId;

constexpr std::int64_t kChannels = 8;

/// x -> LayerNorm "norm" -> MatMul "left" and "right" (weights transposed or not) -> outputs.
ir::Graph norm_before_products(bool transposed) {
  GraphBuilder b;
  const ValueId x = b.input("x", {ir::Dim::symbol("batch"), 4, kChannels});
  const ValueId scale = b.random_constant({kChannels}, 1, "scale");
  const ValueId bias = b.random_constant({kChannels}, 2, "bias");
  const ValueId norm = b.add(ir::LayerNorm{.axis = 2}, {x, scale, bias}, "norm");
  for (const char* name : {"left", "right"}) {
    ir::MatMul matmul;
    matmul.transpose_b = transposed;
    const Shape shape = transposed ? Shape{6, kChannels} : Shape{kChannels, 6};
    const ValueId weights = b.random_constant(shape, 3, std::string(name) + "_w");
    b.output(b.add(matmul, {norm, weights}, name));
  }
  return b.finish();
}

/// Channel 0 reaches eight times as far as the others.
RangeMap ranges_with_a_loud_channel(const ir::Graph& graph) {
  RangeMap ranges = ranges_for(graph, 8.0);
  ranges["norm"].amax = 8.0;
  ranges["norm"].channel_amax.assign(kChannels, 1.0f);
  ranges["norm"].channel_amax[0] = 8.0f;
  return ranges;
}

float constant_at(const ir::Graph& graph, ir::NodeId node, std::size_t input, std::size_t i) {
  return graph.value(graph.node(node).inputs[input]).constant->values<float>()[i];
}

class EqualiseChannelsWeights : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Transposed, EqualiseChannelsWeights, ::testing::Bool());

TEST_P(EqualiseChannelsWeights, ScalesTheNormAndTheWeightsAgainstEachOther) {
  const ir::Graph before = norm_before_products(GetParam());
  ir::Graph graph = before;
  RangeMap ranges = ranges_with_a_loud_channel(graph);
  equalise_channels(graph, ranges, {});
  ASSERT_TRUE(ir::verify(graph).ok()) << ir::verify(graph).message();

  EXPECT_EQ(graph.find_value("norm"), ir::kNoValue);
  const ValueId norm = graph.find_value("norm_equalised");
  ASSERT_NE(norm, ir::kNoValue);
  EXPECT_LT(ranges.at("norm_equalised").threshold, 8.1);
  const ir::NodeId node = graph.value(norm).producer;
  for (std::size_t c = 0; c < kChannels; ++c) {
    const double factor = static_cast<double>(constant_at(before, node, 1, c)) /
                          static_cast<double>(constant_at(graph, node, 1, c));
    if (c == 0) {
      EXPECT_EQ(factor, 1.0);
    } else {
      EXPECT_LT(factor, 0.99) << "a quiet channel is not amplified";
    }
    for (const char* name : {"left", "right"}) {
      const ir::NodeId reader = graph.value(graph.find_value(name)).producer;
      for (std::size_t n = 0; n < 6; ++n) {
        const std::size_t i = GetParam() ? n * kChannels + c : c * 6 + n;
        const double product = static_cast<double>(constant_at(graph, node, 1, c)) *
                               static_cast<double>(constant_at(graph, reader, 1, i));
        const double expected = static_cast<double>(constant_at(before, node, 1, c)) *
                                static_cast<double>(constant_at(before, reader, 1, i));
        // Two roundings to float32.
        EXPECT_NEAR(product, expected, std::fabs(expected) * 0x1p-22);
      }
    }
  }
}

/// x -> conv "a" -> conv "b" + "a" = "sum" -> depthwise "c" -> relu -> "y".
ir::Graph residual_stream() {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 8, 5, 5});
  const auto conv = [&](ValueId from, Shape weights, std::int64_t groups, const char* name) {
    const ValueId w = b.random_constant(weights, 4, std::string(name) + "_w");
    const ValueId bias = b.random_constant({weights[0]}, 5, std::string(name) + "_b");
    return b.conv(from, w, bias, {.pad = weights[2] / 2, .groups = groups}, name);
  };
  const ValueId a = conv(x, {12, 8, 1, 1}, 1, "a");
  const ValueId sum = b.add_values(
      conv(b.relu(conv(a, {12, 6, 3, 3}, 2, "inner")), {12, 12, 1, 1}, 1, "b"), a, "sum");
  b.output(b.relu(conv(sum, {12, 1, 3, 3}, 12, "c"), "y"));
  return b.finish();
}

TEST(EqualiseChannels, FindsAResidualStreamWithAllThatTouchesIt) {
  const ir::Graph graph = residual_stream();
  const std::vector<ChannelGroup> groups = find_channel_groups(graph);
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].channels, 12);
  EXPECT_EQ(groups[0].values.size(), 3u);   // a, b, sum
  EXPECT_EQ(groups[0].writers.size(), 2u);  // a, b
  EXPECT_EQ(groups[0].readers.size(), 2u);  // inner (two groups) and c (depthwise)
}

TEST(EqualiseChannels, KnowsTheChannelsOfWeights) {
  const ir::Graph graph = residual_stream();
  const auto node = [&](const char* name) { return graph.value(graph.find_value(name)).producer; };
  // inner: [12, 6, 3, 3] in two groups; element 7 of row 6 is input 0 of the second group.
  EXPECT_EQ(input_channel(graph, node("inner"), 6 * 54 + 7), 6u);
  EXPECT_EQ(input_channel(graph, node("inner"), 5 * 54 + 53), 5u);
  EXPECT_EQ(output_channel(graph, node("inner"), 6 * 54 + 7), 6u);
  EXPECT_EQ(input_channel(graph, node("c"), 3 * 9 + 8), 3u);
}

TEST(EqualiseChannels, RewritesTheStreamAsAWhole) {
  ir::Graph graph = residual_stream();
  RangeMap ranges = ranges_for(graph, 8.0);
  for (const char* name : {"a", "b", "sum"}) {
    ranges[name].amax = 8.0;
    ranges[name].channel_amax.assign(12, 0.5f);
    ranges[name].channel_amax[3] = 8.0f;
  }
  equalise_channels(graph, ranges, {});
  ASSERT_TRUE(ir::verify(graph).ok()) << ir::verify(graph).message();
  for (const char* name : {"a", "b", "sum"}) {
    EXPECT_EQ(graph.find_value(name), ir::kNoValue) << name;
    EXPECT_NE(graph.find_value(std::string(name) + "_equalised"), ir::kNoValue) << name;
    EXPECT_LE(ranges.at(std::string(name) + "_equalised").threshold, 8.0) << name;
  }
}

TEST(EqualiseChannels, KeepsToARangeSetByHand) {
  ir::Graph graph = norm_before_products(false);
  RangeMap ranges = ranges_with_a_loud_channel(graph);
  ir::Constraints constraints;
  constraints.ranges["norm"] = {-8.0, 8.0};
  equalise_channels(graph, ranges, constraints);
  EXPECT_NE(graph.find_value("norm"), ir::kNoValue);
}

TEST(EqualiseChannels, RulesStillNameTheModelsValues) {
  ir::Graph graph = residual_stream();
  RangeMap ranges = ranges_for(graph, 8.0);
  for (const char* name : {"a", "b", "sum"}) {
    ranges[name].amax = 8.0;
    ranges[name].channel_amax.assign(12, 0.5f);
    ranges[name].channel_amax[3] = 8.0f;
  }
  ir::Constraints constraints;
  constraints.precisions.push_back({"a", ir::Precision::kFp32});
  equalise_channels(graph, ranges, constraints);
  const PrecisionPlan plan = plan_precisions(graph, ranges, constraints, {true, false}).value();
  EXPECT_EQ(plan.nodes.at(graph.value(graph.find_value("a_equalised")).producer).precision,
            ir::Precision::kFp32);
}

TEST(EqualiseChannels, NeedsChannels) {
  ir::Graph graph = norm_before_products(false);
  RangeMap ranges = ranges_for(graph, 8.0);
  equalise_channels(graph, ranges, {});
  EXPECT_NE(graph.find_value("norm"), ir::kNoValue);
}

TEST(EqualiseChannels, LeavesEvenChannelsAlone) {
  ir::Graph graph = norm_before_products(false);
  RangeMap ranges = ranges_for(graph, 8.0);
  ranges["norm"].channel_amax.assign(kChannels, 8.0f);
  equalise_channels(graph, ranges, {});
  EXPECT_NE(graph.find_value("norm"), ir::kNoValue);
}

TEST(EqualiseChannels, LeavesAValueAloneThatOthersReadToo) {
  GraphBuilder b;
  const ValueId x = b.input("x", {2, 4, kChannels});
  const ValueId scale = b.random_constant({kChannels}, 1, "scale");
  const ValueId norm = b.add(ir::LayerNorm{.axis = 2}, {x, scale}, "norm");
  b.output(b.add(ir::MatMul{}, {norm, b.random_constant({kChannels, 6}, 3, "w")}, "y"));
  b.output(b.add_values(norm, x, "residual"));
  const ir::Graph graph = b.finish();
  EXPECT_TRUE(find_channel_groups(graph).empty());
  EXPECT_EQ(find_channel_groups(norm_before_products(false)).size(), 1u);
}

}  // namespace
}  // namespace xinfer::passes
