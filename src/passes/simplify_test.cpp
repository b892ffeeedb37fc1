// Every rewrite on the smallest graph that shows it: before and after, and what it must leave
// alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "passes/test_graphs.h"

namespace xinfer::passes {
namespace {

using ir::GraphBuilder;
using ir::kNoValue;
using ir::ValueId;
using kernels::Binary;
using kernels::Unary;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::Pointwise;

const ir::Dim kBatch = ir::Dim::symbol("batch");

ir::Graph simplified(const ir::Graph& graph, const Evaluator& evaluate = {}) {
  ir::Graph result = graph;
  run_twice(result, [&](ir::Graph& g) { return simplify(g, evaluate); });
  return result;
}

std::vector<float> constant_of(const ir::Graph& graph, const std::string& name) {
  const Tensor& tensor = *graph.value(graph.find_value(name)).constant;
  return {tensor.values<float>().begin(), tensor.values<float>().end()};
}

ValueId scalar(GraphBuilder& b, float number) { return b.constant(Shape{}, {number}); }

ir::NodeId producer_of(const ir::Graph& graph, const std::string& value) {
  return graph.value(graph.find_value(value)).producer;
}

TEST(FoldBatchNorm, GoesIntoWeightsAndBias) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 1, 4, 4});
  const ValueId w = b.constant({2, 1, 1, 1}, {2, -3}, "w");
  const ValueId conv = b.conv(x, w, b.constant({2}, {1, 1}, "bias"), {}, "conv");
  const ValueId y = b.batch_norm(conv, b.constant({2}, {4, 5}), b.constant({2}, {0.5, 0.25}),
                                 b.constant({2}, {3, 2}), b.constant({2}, {4, 9}), "bn");
  b.output(y);
  const ir::Graph graph = simplified(b.finish());
  EXPECT_THAT(nodes_of(graph), ElementsAre("bn = Conv(x, w, bias)"));
  const double first = 4 / std::sqrt(4 + 1e-5), second = 5 / std::sqrt(9 + 1e-5);
  EXPECT_THAT(constant_of(graph, "w"), Pointwise(FloatEq(), {static_cast<float>(2 * first),
                                                             static_cast<float>(-3 * second)}));
  EXPECT_THAT(constant_of(graph, "bias"),
              Pointwise(FloatEq(), {static_cast<float>(0.5 + (1 - 3) * first),
                                    static_cast<float>(0.25 + (1 - 2) * second)}));
  EXPECT_THAT(graph.node(graph.order()[0]).origins.size(), 2);
}

TEST(FoldBatchNorm, SharedWeightsAreNotChangedForTheOtherReader) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 1, 4, 4});
  const ValueId w = b.constant({1, 1, 1, 1}, {2}, "w");
  const auto number = [&](float value) { return b.constant({1}, {value}); };
  b.output(b.batch_norm(b.conv(x, w, kNoValue, {}, "conv"), number(3), number(5), number(1),
                        number(1), "bn"));
  b.output(b.conv(x, w, kNoValue, {2}, "plain"));
  const ir::Graph graph = simplified(b.finish());
  EXPECT_EQ(constant_of(graph, "w")[0], 2.0f);
  EXPECT_THAT(nodes_of(graph), ElementsAre("bn = Conv(x, w_2, conv_bias)", "plain = Conv(x, w)"));
}

TEST(FoldBatchNorm, ElsewhereItIsAMultiplyAndAnAdd) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 2, 4, 4});
  const auto two = [&](float p, float q) { return b.constant({2}, {p, q}); };
  b.output(b.relu(b.batch_norm(x, two(1, 2), two(3, 4), two(0, 1), two(1, 1), "bn"), "y"));
  EXPECT_THAT(nodes_of(simplified(b.finish())),
              ElementsAre("bn_scaled = Binary(x, bn_scale)", "bn = Binary(bn_scaled, bn_offset)",
                          "y = Clip(bn)"));
}

TEST(FoldChannelAffine, FollowsTheChannelAxisOnly) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 1, 2, 2});
  const ValueId conv = b.conv(x, b.constant({2, 1, 1, 1}, {1, 2}, "w"), kNoValue, {}, "conv");
  const ValueId scaled = b.multiply(conv, b.constant({2, 1, 1}, {10, 100}), "scaled");
  const ValueId shifted = b.add_values(b.constant({1}, {7}), scaled, "shifted");
  b.output(b.add_values(shifted, b.constant({2}, {1, 2}, "along_width"), "y"));
  const ir::Graph graph = simplified(b.finish());
  EXPECT_THAT(nodes_of(graph),
              ElementsAre("shifted = Conv(x, w, conv_bias)", "y = Binary(shifted, along_width)"));
  EXPECT_THAT(constant_of(graph, "w"), ElementsAre(10, 200));
  EXPECT_THAT(constant_of(graph, "conv_bias"), ElementsAre(7, 7));
}

TEST(FoldChannelAffine, MatMulAndAddIsABias) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 5, 2});
  const ValueId product = b.matmul(x, b.constant({2, 3}, {1, 2, 3, 4, 5, 6}, "w"), kNoValue, "mm");
  b.output(b.add_values(b.constant({3}, {1, 2, 3}, "fc.bias"), product, "y"));
  EXPECT_THAT(nodes_of(simplified(b.finish())), ElementsAre("y = MatMul(x, w, fc.bias)"));
}

TEST(FoldChannelAffine, SubtractionFromAConstantTurnsTheSign) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 2});
  const ValueId product = b.matmul(x, b.constant({2, 1}, {3, -4}, "w"), kNoValue, "mm");
  b.output(b.binary(Binary::kSub, b.constant({1}, {10}), product, "y"));
  const ir::Graph graph = simplified(b.finish());
  EXPECT_THAT(constant_of(graph, "w"), ElementsAre(-3, 4));
  EXPECT_THAT(constant_of(graph, "mm_bias"), ElementsAre(10));
}

TEST(FoldPadding, MovesIntoConvolutionAndCountingPool) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 1, 6, 6});
  const auto pad = [&](ValueId v, const std::string& name) {
    return b.add(ir::Pad{kernels::PadMode::kConstant, {0, 0, 1, 1}, {0, 0, 1, 1}, 0}, {v}, name);
  };
  const ValueId w = b.random_constant({1, 1, 3, 3}, 1, "w");
  b.output(b.conv(pad(x, "p1"), w, kNoValue, {}, "conv"));
  b.output(b.average_pool(pad(x, "p2"), 3, {}, "mean"));
  b.output(b.max_pool(pad(x, "p3"), 3, {}, "max"));
  const ir::Graph graph = simplified(b.finish());
  EXPECT_THAT(nodes_of(graph),
              ElementsAre("p1 = Pad(x)", "conv = Conv(x, w)", "mean = Pool(x)", "max = Pool(p1)"));
  const auto& mean = std::get<ir::Pool>(graph.node(producer_of(graph, "mean")).op);
  EXPECT_TRUE(mean.count_include_pad);
  EXPECT_THAT(mean.pads_begin, ElementsAre(1, 1));
}

TEST(FoldPadding, OtherPaddingStays) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 1, 6, 6});
  const ValueId w = b.random_constant({1, 1, 3, 3}, 1, "w");
  const ValueId edge =
      b.add(ir::Pad{kernels::PadMode::kEdge, {0, 0, 1, 1}, {0, 0, 1, 1}, 0}, {x}, "edge");
  b.output(b.conv(edge, w, kNoValue, {}, "y"));
  EXPECT_EQ(nodes_of(simplified(b.finish())).size(), 2u);
}

TEST(RecogniseActivations, SiluHardSwishAndMish) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 4});
  b.output(b.multiply(b.unary(Unary::kSigmoid, x), x, "silu"));
  const ValueId six = b.clip(b.add_values(x, scalar(b, 3)), 0, 6);
  b.output(b.binary(Binary::kDiv, b.multiply(x, six), scalar(b, 6), "hard_swish"));
  b.output(b.binary(Binary::kDiv, six, scalar(b, 6), "hard_sigmoid"));
  b.output(b.multiply(x, b.unary(Unary::kTanh, b.unary(Unary::kSoftplus, x)), "mish"));
  const ir::Graph graph = simplified(b.finish());
  EXPECT_THAT(nodes_of(graph), ElementsAre("silu = Unary(x)", "hard_swish = Unary(x)",
                                           "hard_sigmoid = Unary(x)", "mish = Unary(x)"));
  const auto function = [&](const std::string& name) {
    return std::get<ir::Unary>(graph.node(producer_of(graph, name)).op).function;
  };
  EXPECT_EQ(function("silu"), Unary::kSilu);
  EXPECT_EQ(function("hard_swish"), Unary::kHardSwish);
  EXPECT_EQ(function("hard_sigmoid"), Unary::kHardSigmoid);
  EXPECT_EQ(function("mish"), Unary::kMish);
}

TEST(RecogniseActivations, OtherNamesOfTheSameFunction) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 4});
  b.output(b.add(ir::Unary{Unary::kSwish, 1, 0}, {x}, "silu"));
  b.output(b.add(ir::Unary{Unary::kSwish, 1.702, 0}, {x}, "swish"));
  b.output(b.binary(Binary::kPRelu, x, scalar(b, 0.25f), "leaky"));
  const ir::Graph graph = simplified(b.finish());
  const auto function = [&](const std::string& name) {
    return std::get<ir::Unary>(graph.node(producer_of(graph, name)).op).function;
  };
  EXPECT_EQ(function("silu"), Unary::kSilu);
  EXPECT_EQ(function("swish"), Unary::kSwish);
  EXPECT_EQ(function("leaky"), Unary::kLeakyRelu);
}

TEST(RecogniseActivations, ASigmoidOfSomethingElseIsAGateNotSilu) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 4}), z = b.input("z", {kBatch, 4});
  b.output(b.multiply(x, b.unary(Unary::kSigmoid, z, "gate"), "y"));
  EXPECT_EQ(nodes_of(simplified(b.finish())).size(), 2u);
}

TEST(RecogniseActivations, ReluAndMaxWithANumberAreClips) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 4});
  b.output(b.unary(Unary::kRelu, x, "relu"));
  b.output(b.binary(Binary::kMin, scalar(b, 6), x, "low"));
  EXPECT_THAT(nodes_of(simplified(b.finish())), ElementsAre("relu = Clip(x)", "low = Clip(x)"));
}

/// 0.5 x (1 + gate), its factors in one of the orders that exporters use.
ValueId half_gated(GraphBuilder& b, ValueId x, ValueId gate, int order) {
  const ValueId sum = b.add_values(gate, scalar(b, 1));
  const ValueId half = scalar(b, 0.5);
  switch (order) {
    case 0:
      return b.multiply(b.multiply(x, sum), half, "y");
    case 1:
      return b.multiply(b.multiply(x, half), sum, "y");
    default:
      return b.multiply(x, b.multiply(half, sum), "y");
  }
}

TEST(RecogniseGelu, ErfInEveryOrder) {
  for (int order = 0; order < 3; ++order) {
    GraphBuilder b;
    const ValueId x = b.input("x", {kBatch, 4});
    const ValueId root = scalar(b, 1.4142135f);
    b.output(half_gated(b, x, b.unary(Unary::kErf, b.binary(Binary::kDiv, x, root)), order));
    const ir::Graph graph = simplified(b.finish());
    ASSERT_THAT(nodes_of(graph), ElementsAre("y = Unary(x)")) << order;
    EXPECT_EQ(std::get<ir::Unary>(graph.node(graph.order()[0]).op).function, Unary::kGelu);
  }
}

TEST(RecogniseGelu, TanhInItsSpellings) {
  for (int cube = 0; cube < 3; ++cube) {
    GraphBuilder b;
    const ValueId x = b.input("x", {kBatch, 4});
    const ValueId k = scalar(b, 0.044715f), factor = scalar(b, 0.7978845f);
    ValueId inner = kNoValue;
    if (cube == 0) {
      const ValueId third = b.binary(Binary::kPow, x, scalar(b, 3));
      inner = b.multiply(factor, b.add_values(x, b.multiply(k, third)));
    } else if (cube == 1) {
      inner = b.multiply(factor, b.add_values(x, b.multiply(x, b.multiply(x, b.multiply(k, x)))));
    } else {
      const ValueId square = b.multiply(b.multiply(k, x), x);
      inner = b.multiply(b.multiply(x, factor), b.add_values(scalar(b, 1), square));
    }
    b.output(half_gated(b, x, b.unary(Unary::kTanh, inner), cube));
    const ir::Graph graph = simplified(b.finish());
    ASSERT_THAT(nodes_of(graph), ElementsAre("y = Unary(x)")) << cube;
    EXPECT_EQ(std::get<ir::Unary>(graph.node(graph.order()[0]).op).function, Unary::kGeluTanh);
  }
}

TEST(RecogniseGelu, AnotherConstantIsNoGelu) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 4});
  const ValueId root = scalar(b, 1.5f);
  b.output(half_gated(b, x, b.unary(Unary::kErf, b.binary(Binary::kDiv, x, root)), 0));
  EXPECT_GT(nodes_of(simplified(b.finish())).size(), 1u);
}

/// Layer normalisation of [batch, 3, 4] as PyTorch exports it; `repeated` writes Sub twice.
ir::Graph decomposed_layer_norm(bool repeated, std::int64_t variance_axis) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 3, 4});
  const auto mean = [&](ValueId v, std::int64_t axis) {
    return b.add(ir::Reduce{kernels::ReduceKind::kMean, {axis}, true}, {v});
  };
  const ValueId average = mean(x, 2);
  const ValueId centred = b.binary(Binary::kSub, x, average);
  const ValueId again = repeated ? b.binary(Binary::kSub, x, average) : centred;
  const ValueId variance = mean(b.binary(Binary::kPow, again, scalar(b, 2)), variance_axis);
  const ValueId root = b.unary(Unary::kSqrt, b.add_values(variance, scalar(b, 1e-6f)));
  const ValueId normal = b.binary(Binary::kDiv, centred, root);
  const ValueId scaled = b.multiply(normal, b.constant({4}, {1, 2, 3, 4}, "scale"));
  b.output(b.add_values(scaled, b.constant({1, 1, 4}, {5, 6, 7, 8}, "shift"), "y"));
  return b.finish();
}

TEST(RecogniseLayerNorm, WithScaleAndShift) {
  for (const bool repeated : {false, true}) {
    const ir::Graph graph = simplified(decomposed_layer_norm(repeated, 2));
    ASSERT_THAT(nodes_of(graph), ElementsAre("y = LayerNorm(x, scale, shift_2)"));
    const auto& op = std::get<ir::LayerNorm>(graph.node(graph.order()[0]).op);
    EXPECT_EQ(op.axis, 2);
    EXPECT_FLOAT_EQ(static_cast<float>(op.epsilon), 1e-6f);
  }
}

TEST(RecogniseLayerNorm, AVarianceOverAnotherAxisIsNone) {
  EXPECT_EQ(count_ops<ir::LayerNorm>(simplified(decomposed_layer_norm(false, 1))), 0);
}

TEST(MergeMovement, ChainsBecomeOneStepOrNone) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 2, 3, 4});
  const ValueId back = b.transpose(b.transpose(x, {0, 2, 3, 1}), {0, 3, 1, 2}, "back");
  b.output(b.unary(Unary::kExp, back, "same"));
  b.output(b.transpose(b.transpose(x, {0, 2, 3, 1}), {0, 3, 2, 1}, "turned"));
  b.output(b.reshape(b.reshape(x, {kBatch, 24}), {kBatch, 4, 6}, "shaped"));
  const ir::Graph graph = simplified(b.finish());
  EXPECT_THAT(nodes_of(graph),
              ElementsAre("same = Unary(x)", "turned = Transpose(x)", "shaped = Reshape(x)"));
  EXPECT_THAT(std::get<ir::Transpose>(graph.node(producer_of(graph, "turned")).op).perm,
              ElementsAre(0, 1, 3, 2));
}

TEST(MergeMovement, SlicesComposeStartAndStep) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 20});
  const ValueId first = b.add(ir::Slice{{0, 3}, {kBatch, 8}, {1, 2}}, {x});
  b.output(b.add(ir::Slice{{0, 6}, {kBatch, 3}, {1, -3}}, {first}, "y"));
  const ir::Graph graph = simplified(b.finish());
  const auto& slice = std::get<ir::Slice>(graph.node(graph.order()[0]).op);
  EXPECT_EQ(slice.start[1], ir::Dim(3 + 2 * 6));
  EXPECT_EQ(slice.step[1], -6);
  EXPECT_EQ(slice.size[1], ir::Dim(3));
}

TEST(RemoveIdentities, NeutralArithmeticAndEmptyMovementGo) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 4});
  ValueId y = b.multiply(x, scalar(b, 1));
  y = b.binary(Binary::kSub, y, b.constant({1}, {0}));
  y = b.reshape(y, {kBatch, 4});
  y = b.transpose(y, {0, 1});
  y = b.add(ir::Cast{DType::kFloat32}, {y});
  y = b.add(ir::Slice{{0, 0}, {kBatch, 4}, {1, 1}}, {y});
  y = b.concat({y}, 0);
  b.output(b.unary(Unary::kExp, y, "y"));
  EXPECT_THAT(nodes_of(simplified(b.finish())), ElementsAre("y = Unary(x)"));
}

TEST(RemoveIdentities, WhatChangesTheShapeOrTheSideStays) {
  GraphBuilder b;
  const ValueId x = b.input("x", {4});
  b.output(b.add_values(x, b.constant({3, 1}, {0, 0, 0}), "widened"));
  b.output(b.binary(Binary::kSub, scalar(b, 0), x, "negated"));
  b.output(b.binary(Binary::kDiv, scalar(b, 1), x, "inverse"));
  EXPECT_EQ(nodes_of(simplified(b.finish())).size(), 3u);
}

TEST(RemoveIdentities, AGraphOutputKeepsItsName) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 4});
  b.output(b.reshape(b.unary(Unary::kExp, x, "exp"), {kBatch, 4}, "y"), "y");
  b.output(b.reshape(x, {kBatch, 4}, "copy"), "copy");
  const ir::Graph graph = simplified(b.finish());
  EXPECT_THAT(nodes_of(graph), ElementsAre("exp = Unary(x)", "copy = Reshape(x)"))
      << "an input is never an output itself";
  EXPECT_EQ(graph.outputs()[0].name, "y");
  EXPECT_EQ(graph.value(graph.outputs()[0].value).name, "exp");
}

TEST(ShareCommonSubexpressions, EqualNodesAndSmallConstantsAreOne) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 4});
  const ValueId left = b.add_values(x, scalar(b, 2), "left");
  const ValueId right = b.add_values(x, scalar(b, 2), "right");
  b.output(b.multiply(left, right, "y"));
  EXPECT_EQ(nodes_of(simplified(b.finish())).size(), 2u);
}

TEST(ShareCommonSubexpressions, TwoGraphOutputsStayTwo) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 4});
  b.output(b.unary(Unary::kExp, x, "first"));
  b.output(b.unary(Unary::kExp, x, "second"));
  b.output(b.reshape(b.graph().outputs()[0].value, {kBatch, 4}, "third"));
  EXPECT_THAT(nodes_of(simplified(b.finish())),
              ElementsAre("first = Unary(x)", "second = Unary(x)", "third = Reshape(first)"));
}

TEST(FoldConstants, AsksTheEvaluatorAndKeepsTheName) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 2});
  const ValueId folded = b.unary(Unary::kNeg, b.constant({2}, {1, 2}), "folded");
  b.output(b.add_values(x, folded, "y"));
  int calls = 0;
  const Evaluator evaluate = [&](const ir::Graph& graph, ir::NodeId id) {
    ++calls;
    EXPECT_EQ(graph.value(graph.node(id).outputs[0]).name, "folded");
    const float values[] = {-1, -2};
    return Result<std::vector<Tensor>>(std::vector{Tensor({2}, std::span<const float>(values))});
  };
  const ir::Graph graph = simplified(b.finish(), evaluate);
  EXPECT_EQ(calls, 1);
  EXPECT_THAT(nodes_of(graph), ElementsAre("y = Binary(x, folded)"));
  EXPECT_THAT(constant_of(graph, "folded"), ElementsAre(-1, -2));
}

TEST(FoldConstants, AFailureNamesTheNode) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 2});
  b.output(b.add_values(x, b.unary(Unary::kNeg, b.constant({2}, {1, 2}), "folded"), "y"));
  ir::Graph graph = b.finish();
  const Status status = simplify(graph, [](const ir::Graph&, ir::NodeId) {
    return Result<std::vector<Tensor>>(internal_error("no kernel"));
  });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.message(), "fold_constants: folding the constant node \"folded\": no kernel");
}

TEST(FoldTransposeIntoMatmul, TurnsTheFlagOver) {
  GraphBuilder b;
  const ValueId q = b.input("q", {kBatch, 3, 5, 8}), k = b.input("k", {kBatch, 3, 7, 8});
  b.output(b.matmul(q, b.transpose(k, {0, 1, 3, 2}), kNoValue, "scores"));
  const ir::Graph graph = simplified(b.finish());
  EXPECT_THAT(nodes_of(graph), ElementsAre("scores = MatMul(q, k)"));
  EXPECT_TRUE(std::get<ir::MatMul>(graph.node(graph.order()[0]).op).transpose_b);
}

TEST(SplitMergedProjections, EachPartHasItsOwnColumns) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 5, 2});
  std::vector<float> weights(24);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i);
  const ValueId merged = b.matmul(x, b.constant({2, 12}, weights, "w"), kNoValue, "qkv");
  const ValueId split = b.reshape(merged, {kBatch, 5, 2, 2, 3});  // parts, heads, width
  const ValueId turned = b.transpose(split, {2, 0, 3, 1, 4});
  for (const std::int64_t part : {0, 1}) {
    const std::string name = part == 0 ? "q" : "k";
    b.output(b.add(ir::Gather{0}, {turned, b.integers({}, {part})}, name));
  }
  const ir::Graph graph = simplified(b.finish());
  EXPECT_THAT(nodes_of(graph),
              ElementsAre("q_projected = MatMul(x, q_weights)", "q_reshaped = Reshape(q_projected)",
                          "q = Transpose(q_reshaped)", "k_projected = MatMul(x, k_weights)",
                          "k_reshaped = Reshape(k_projected)", "k = Transpose(k_reshaped)"));
  EXPECT_THAT(constant_of(graph, "k_weights"),
              ElementsAre(6, 7, 8, 9, 10, 11, 18, 19, 20, 21, 22, 23));
  EXPECT_THAT(std::get<ir::Transpose>(graph.node(producer_of(graph, "k")).op).perm,
              ElementsAre(0, 2, 1, 3));
  EXPECT_THAT(graph.node(producer_of(graph, "k_projected")).origins, ElementsAre("qkv_1", "qkv"));
}

TEST(RecogniseChannelShuffle, PartsAreStridedSlices) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 6, 4, 5});
  const ValueId apart = b.reshape(x, {kBatch * ir::Dim(3), 2, 20});
  const ValueId turned = b.transpose(apart, {1, 0, 2});
  const ValueId back = b.reshape(turned, {2, kBatch, 3, 4, 5});
  b.output(b.add(ir::Gather{0}, {back, b.integers({}, {0})}, "even"));
  b.output(b.add(ir::Gather{0}, {back, b.integers({}, {1})}, "odd"));
  const ir::Graph graph = simplified(b.finish());
  EXPECT_THAT(nodes_of(graph), ElementsAre("even = Slice(x)", "odd = Slice(x)"));
  const auto& odd = std::get<ir::Slice>(graph.node(producer_of(graph, "odd")).op);
  EXPECT_EQ(odd.start[1], ir::Dim(1));
  EXPECT_EQ(odd.step[1], 2);
}

TEST(Simplify, TellsTheObserverEveryPass) {
  GraphBuilder b;
  b.output(b.unary(Unary::kExp, b.input("x", {kBatch, 4}), "y"));
  ir::Graph graph = b.finish();
  std::vector<std::string> passes;
  ASSERT_TRUE(simplify(graph, {}, [&](const std::string& pass, const ir::Graph&) {
                passes.push_back(pass);
              }).ok());
  EXPECT_EQ(passes.front(), "fold_constants");
  EXPECT_EQ(passes.back(), "remove_dead_nodes");
}

}  // namespace
}  // namespace xinfer::passes
