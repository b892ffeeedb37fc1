// Regions: which nodes end up in one, in float and in INT8.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "passes/test_graphs.h"

namespace xinfer::passes {
namespace {

using ir::GraphBuilder;
using ir::kNoValue;
using ir::ValueId;
using kernels::Binary;
using kernels::Unary;
using ::testing::ElementsAre;

const ir::Dim kBatch = ir::Dim::symbol("batch");

/// A 1x1 convolution of `x`, which has `channels` channels.
ValueId conv(GraphBuilder& b, ValueId x, std::int64_t channels, const std::string& name) {
  return b.conv(x, b.random_constant({channels, channels, 1, 1}, 1, name + "_w"), ir::kNoValue, {},
                name);
}

const ir::EpilogueOp& step_of(const ir::Graph& graph, const std::string& value, std::size_t index) {
  const ir::Node& node = graph.node(graph.value(graph.find_value(value)).producer);
  return ir::epilogue_of(node.op)->at(index);
}

TEST(FuseFloat, TakesClipAndFunctionIntoTheConvolution) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId relu = b.relu(conv(b, x, 8, "conv1"), "relu");
  b.output(b.unary(Unary::kSilu, conv(b, relu, 8, "conv2"), "y"));
  ir::Graph graph = b.finish();
  run_twice(graph, fuse);
  EXPECT_THAT(nodes_of(graph),
              ElementsAre("relu = Conv(x, conv1_w) clip", "y = Conv(relu, conv2_w) function"));
  EXPECT_THAT(graph.node(graph.order()[0]).origins, ElementsAre("conv1", "relu"));
}

TEST(FuseFloat, TheLaterConvolutionTakesTheAdd) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId first = conv(b, x, 8, "first");
  const ValueId second = conv(b, x, 8, "second");
  b.output(b.relu(b.add_values(first, second, "sum"), "y"));
  ir::Graph graph = b.finish();
  run_twice(graph, fuse);
  EXPECT_THAT(nodes_of(graph), ElementsAre("first = Conv(x, first_w)",
                                           "y = Conv(x, second_w, _, first) residual clip"));
}

TEST(FuseFloat, AConvolutionMovesBehindItsResidual) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId main = conv(b, x, 8, "main");
  const ValueId side = b.unary(Unary::kTanh, x, "side");
  b.output(b.add_values(main, side, "y"));
  ir::Graph graph = b.finish();
  run_twice(graph, fuse);
  EXPECT_THAT(nodes_of(graph),
              ElementsAre("side = Unary(x)", "y = Conv(x, main_w, _, side) residual"));
}

TEST(FuseFloat, NeverFusesAcrossAGraphOutputOrASecondReader) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId shown = conv(b, x, 8, "shown");
  const ValueId read_twice = conv(b, b.relu(shown, "relu1"), 8, "read_twice");
  b.output(shown);
  const ValueId relu = b.relu(read_twice, "relu2");
  b.output(b.add_values(relu, b.unary(Unary::kExp, read_twice, "exp"), "y"));
  ir::Graph graph = b.finish();
  run_twice(graph, fuse);
  EXPECT_THAT(nodes_of(graph),
              ElementsAre("shown = Conv(x, shown_w)", "relu1 = Clip(shown)",
                          "read_twice = Conv(relu1, read_twice_w)", "relu2 = Clip(read_twice)",
                          "exp = Unary(read_twice)", "y = Binary(relu2, exp)"));
}

TEST(FuseFloat, ABroadcastAddIsNoResidual) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId mean = b.global_average_pool(x, "mean");
  b.output(b.add_values(conv(b, x, 8, "conv"), mean, "y"));
  ir::Graph graph = b.finish();
  run_twice(graph, fuse);
  EXPECT_EQ(nodes_of(graph).back(), "y = Binary(conv, mean)");
}

TEST(FuseFloat, StopsAtFourSteps) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  ValueId y = conv(b, x, 8, "conv");
  for (int i = 0; i < 5; ++i) y = b.unary(Unary::kTanh, y, "tanh" + std::to_string(i));
  b.output(y);
  ir::Graph graph = b.finish();
  run_twice(graph, fuse);
  EXPECT_THAT(nodes_of(graph),
              ElementsAre("tanh3 = Conv(x, conv_w) function function function function",
                          "tanh4 = Unary(tanh3)"));
}

TEST(FuseInt8, ReluIsTheClampOfItsU8Output) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId relu = b.relu(conv(b, x, 8, "conv1"), "relu");
  b.output(conv(b, relu, 8, "y"));
  const ir::Graph graph = quantize_graph(b.finish(), ranges_for(b.graph())).graph;
  EXPECT_THAT(nodes_of(graph),
              ElementsAre("x_quantized:s8 = Quantize(x)", "relu:u8 = Conv(x_quantized, conv1_w)",
                          "y = Conv(relu, y_w)"));
}

TEST(FuseInt8, TheTablesOfAnImageQuantise) {
  GraphBuilder b;
  const ValueId image = b.graph().add_input("image", DType::kUInt8, {kBatch, 4, 4, 8});
  ir::ConvertImage convert;
  convert.mean.assign(8, 0.5);
  convert.deviation.assign(8, 0.25);
  const ValueId q = b.add(ir::Quantize{}, {b.add(convert, {image}, "x")}, "x_quantized");
  b.graph().value(q).dtype = DType::kInt8;
  b.graph().value(q).scale = 0.02f;
  b.output(conv(b, q, 8, "y"));
  ir::Graph graph = b.finish();
  run_twice(graph, fuse);
  EXPECT_THAT(nodes_of(graph), ElementsAre("x:s8 = ConvertImage(image)", "y = Conv(x, y_w)"));
}

TEST(FuseInt8, Relu6KeepsItsBoundOnlyInsideTheGrid) {
  for (const double threshold : {6.0, 9.0}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {kBatch, 8, 4, 4});
    b.output(conv(b, b.clip(conv(b, x, 8, "conv1"), 0, 6, "relu6"), 8, "y"));
    const ir::Graph graph = quantize_graph(b.finish(), ranges_for(b.graph(), threshold)).graph;
    EXPECT_EQ(nodes_of(graph)[1], threshold == 6.0 ? "relu6:u8 = Conv(x_quantized, conv1_w)"
                                                   : "relu6:u8 = Conv(x_quantized, conv1_w) clip");
    if (threshold == 9.0) {
      EXPECT_EQ(step_of(graph, "relu6", 0).high, 6.0);
      EXPECT_EQ(step_of(graph, "relu6", 0).low, -std::numeric_limits<double>::infinity());
    }
  }
}

TEST(FuseInt8, ResidualAddReadsInt8) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId trunk = b.relu(conv(b, x, 8, "conv1"), "trunk");
  const ValueId branch = conv(b, trunk, 8, "conv2");
  const ValueId sum = b.relu(b.add_values(branch, trunk, "sum"), "relu");
  b.output(conv(b, sum, 8, "y"));
  const ir::Graph graph = quantize_graph(b.finish(), ranges_for(b.graph())).graph;
  EXPECT_THAT(
      nodes_of(graph),
      ElementsAre("x_quantized:s8 = Quantize(x)", "trunk:u8 = Conv(x_quantized, conv1_w)",
                  "relu:u8 = Conv(trunk, conv2_w, _, trunk) residual", "y = Conv(relu, y_w)"));
}

TEST(FuseInt8, AFunctionBecomesATableBetweenTheGridsOfItsValues) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId silu = b.unary(Unary::kSilu, conv(b, x, 8, "conv1"), "silu");
  const ValueId sum =
      b.add_values(b.unary(Unary::kSilu, conv(b, silu, 8, "conv2"), "silu2"), silu, "sum");
  b.output(conv(b, sum, 8, "y"));
  RangeMap ranges = ranges_for(b.graph());
  ranges["conv1"].threshold = 127.0;
  ranges["silu"].threshold = 12.7;
  const ir::Graph graph = quantize_graph(b.finish(), ranges).graph;
  EXPECT_THAT(
      nodes_of(graph),
      ElementsAre("x_quantized:s8 = Quantize(x)",
                  "silu_offset:u8 = Conv(x_quantized, conv1_w, conv1_bias) table",
                  "sum_offset:u8 = Conv(silu_offset, conv2_w, conv2_bias, silu_offset) table "
                  "residual",
                  "y = Conv(sum_offset, y_w, y_bias)"));
  const ir::EpilogueOp& table = step_of(graph, "silu_offset", 0);
  EXPECT_EQ(table.table_input_dtype, DType::kInt8);
  // Not 1: a SiLU that saturates at 12.7 cannot tell inputs beyond that apart, nor any below -5.3.
  EXPECT_NEAR(table.table_input_scale, (12.7 + 5.3) / 2 / 127, 0.001);
  EXPECT_NEAR(table.table_output_scale, (12.7 + 0.2784) / 255, 1e-5);
  EXPECT_EQ(table.table_output_scale, graph.value(graph.find_value("silu_offset")).scale);
  EXPECT_NEAR(table.input_offset, (12.7 - 5.3) / 2, 0.1);
  EXPECT_NEAR(table.offset, 0.2784, 1e-4);
}

TEST(FuseInt8, AFunctionBeforeAFloatReaderStaysAFloatFunction) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  b.output(b.unary(Unary::kSigmoid, conv(b, x, 8, "conv"), "y"));
  const ir::Graph graph = quantize_graph(b.finish(), ranges_for(b.graph())).graph;
  EXPECT_THAT(nodes_of(graph), ElementsAre("x_quantized:s8 = Quantize(x)",
                                           "conv = Conv(x_quantized, conv_w)", "y = Unary(conv)"));
}

TEST(FuseInt8, ConcatInputsOnAnotherGridAreRequantised) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId wide = b.relu(conv(b, x, 8, "conv1"), "wide");
  const ValueId small = b.relu(conv(b, x, 8, "conv2"), "small");
  const ValueId other = conv(b, small, 8, "other");
  const ValueId joined = b.concat({wide, small}, 1, "joined");
  b.output(conv(b, joined, 16, "y"));
  b.output(other);
  RangeMap ranges = ranges_for(b.graph());
  ranges["small"].threshold = 1.0;
  const ir::Graph graph = quantize_graph(b.finish(), ranges).graph;
  EXPECT_THAT(nodes_of(graph),
              ElementsAre("x_quantized:s8 = Quantize(x)", "wide:u8 = Conv(x_quantized, conv1_w)",
                          "small:u8 = Conv(x_quantized, conv2_w)", "other = Conv(small, other_w)",
                          "small_requantized:u8 = Quantize(small)",
                          "joined:u8 = Concat(wide, small_requantized)", "y = Conv(joined, y_w)"));
}

TEST(FuseInt8, PoolingMovementAndMeansWorkOnBytes) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId pooled = b.max_pool(b.relu(conv(b, x, 8, "conv1"), "relu"), 2, {2}, "pooled");
  const ValueId mean = b.global_average_pool(conv(b, pooled, 8, "conv2"), "mean");
  const ValueId flat = b.reshape(mean, {kBatch, 8}, "flat");
  b.output(b.matmul(flat, b.random_constant({8, 3}, 5, "w"), ir::kNoValue, "y"));
  const ir::Graph graph = quantize_graph(b.finish(), ranges_for(b.graph())).graph;
  EXPECT_THAT(
      nodes_of(graph),
      ElementsAre("x_quantized:s8 = Quantize(x)", "relu:u8 = Conv(x_quantized, conv1_w)",
                  "pooled:u8 = Pool(relu)", "conv2:s8 = Conv(pooled, conv2_w)",
                  "mean:s8 = Reduce(conv2)", "flat:s8 = Reshape(mean)", "y = MatMul(flat, w)"));
}

/// trunk * gate, the gate of shape [batch, channels, size, size] computed from the trunk.
ir::Graph gated(std::int64_t channels, std::int64_t size) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId trunk = b.relu(conv(b, x, 8, "conv1"), "trunk");
  const ValueId source = size == 1 ? b.global_average_pool(trunk, "mean") : trunk;
  const ValueId w = b.random_constant({channels, 8, 1, 1}, 2, "gate_w");
  const ValueId gate = b.unary(Unary::kSigmoid, b.conv(source, w, kNoValue, {}, "score"), "gate");
  b.output(conv(b, b.multiply(trunk, gate, "gated"), 8, "y"));
  return b.finish();
}

TEST(FuseInt8, AGatePerChannelMultipliesInInt8) {
  const ir::Graph float_graph = gated(8, 1);
  const ir::Graph graph = quantize_graph(float_graph, ranges_for(float_graph)).graph;
  EXPECT_THAT(nodes_of(graph),
              ElementsAre("x_quantized:s8 = Quantize(x)", "trunk:u8 = Conv(x_quantized, conv1_w)",
                          "mean:u8 = Reduce(trunk)", "gate:u8 = Conv(mean, gate_w) table",
                          "gated:u8 = Binary(trunk, gate)", "y = Conv(gated, y_w)"));
}

TEST(FuseInt8, AGatePerPixelHasNoInt8Kernel) {
  const ir::Graph float_graph = gated(1, 4);
  const ir::Graph graph = quantize_graph(float_graph, ranges_for(float_graph)).graph;
  EXPECT_THAT(
      nodes_of(graph),
      ElementsAre("x_quantized:s8 = Quantize(x)", "trunk:u8 = Conv(x_quantized, conv1_w)",
                  "trunk_dequantized = Dequantize(trunk)", "score = Conv(trunk, gate_w)",
                  "gate = Unary(score)", "gated = Binary(trunk_dequantized, gate)",
                  "gated_quantized:u8 = Quantize(gated)", "y = Conv(gated_quantized, y_w)"));
}

TEST(FuseInt8, AGraphOutputThatIsReadInt8KeepsItsFloatForm) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId shown = conv(b, x, 8, "shown");
  b.output(shown);
  b.output(conv(b, shown, 8, "y"));
  const ir::Graph graph = quantize_graph(b.finish(), ranges_for(b.graph())).graph;
  EXPECT_THAT(
      nodes_of(graph),
      ElementsAre("x_quantized:s8 = Quantize(x)", "shown = Conv(x_quantized, shown_w)",
                  "shown_quantized:s8 = Quantize(shown)", "y = Conv(shown_quantized, y_w)"));
}

TEST(FuseInt8, AFloatConvolutionReadsWhatAnInt8OneWroteDequantised) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId shared = conv(b, x, 8, "shared");
  b.output(conv(b, shared, 8, "kept"));
  b.output(conv(b, shared, 8, "y"));
  ir::Constraints constraints;
  constraints.precisions = {{"kept", ir::Precision::kFp32, true}};
  const ir::Graph graph = quantize_graph(b.finish(), ranges_for(b.graph()), constraints).graph;
  EXPECT_THAT(nodes_of(graph),
              ElementsAre("x_quantized:s8 = Quantize(x)", "shared:s8 = Conv(x_quantized, shared_w)",
                          "shared_dequantized = Dequantize(shared)",
                          "kept = Conv(shared_dequantized, kept_w)", "y = Conv(shared, y_w)"));
}

TEST(FuseInt8, AttentionKeepsItsProductsWithWeightsAndScoresInInt8) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 5, 8});
  const ValueId ones = b.constant({8}, std::vector<float>(8, 1.0f), "ones");
  const ValueId norm = b.layer_norm(x, ones, ir::kNoValue, 2, "norm");
  const auto project = [&](const std::string& name) {
    return b.matmul(norm, b.random_constant({8, 8}, 3, name + "_w"), ir::kNoValue, name);
  };
  const ValueId q = project("q"), k = project("k"), v = project("v");
  const ValueId scores = b.add(ir::MatMul{false, true, {}}, {q, k}, "scores");
  const ValueId mixed = b.matmul(b.softmax(scores, 2, "weights"), v, ir::kNoValue, "mixed");
  const ValueId out = b.matmul(mixed, b.random_constant({8, 8}, 4, "o_w"), ir::kNoValue, "out");
  const ValueId stream = b.add_values(x, out, "stream");
  b.output(b.layer_norm(stream, ones, ir::kNoValue, 2, "y"));
  const ir::Graph graph = quantize_graph(b.finish(), ranges_for(b.graph())).graph;
  EXPECT_THAT(nodes_of(graph),
              ElementsAre("norm = LayerNorm(x, ones)", "norm_quantized:s8 = Quantize(norm)",
                          "q:s8 = MatMul(norm_quantized, q_w)",
                          "k:s8 = MatMul(norm_quantized, k_w)", "v = MatMul(norm_quantized, v_w)",
                          "scores = MatMul(q, k)", "weights = Softmax(scores)",
                          "mixed = MatMul(weights, v)", "mixed_quantized:s8 = Quantize(mixed)",
                          "stream = MatMul(mixed_quantized, o_w, _, x) residual",
                          "y = LayerNorm(stream, ones)"));
}

}  // namespace
}  // namespace xinfer::passes
