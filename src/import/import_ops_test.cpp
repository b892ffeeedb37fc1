// What the operators' opset variants mean.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "import/test_model.h"
#include "ir/verify.h"

namespace xinfer::import {
namespace {

using onnx::TensorProto;
using testing::ElementsAre;
using testing::HasSubstr;
using Ints = std::vector<std::int64_t>;

ir::Graph import_ok(const TestModel& model) {
  auto graph = model.import();
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  if (!graph.ok()) return {};
  const Status verified = ir::verify(*graph);
  EXPECT_TRUE(verified.ok()) << verified.message();
  return *std::move(graph);
}

std::string error_of(const TestModel& model) {
  const auto graph = model.import();
  return graph.ok() ? "" : graph.status().message();
}

TEST(ImportOps, SoftmaxBefore13FlattensTheTrailingAxes) {
  for (const int opset : {11, 13}) {
    TestModel model(opset);
    model.input("x", {"n", "3", "4"}).output("y");
    model.node("Softmax", {"x"}, {"y"}).integer("axis", 1);
    const ir::Graph graph = import_ok(model);
    EXPECT_EQ(op_names(graph), opset == 11 ? "Reshape Softmax Reshape" : "Softmax");
    EXPECT_EQ(output_shape(graph), "[n, 3, 4]");
  }
}

TEST(ImportOps, SoftmaxBefore13OnTheLastAxisNeedsNoReshape) {
  TestModel model(11);
  model.input("x", {"n", "4"}).output("y");
  model.node("Softmax", {"x"}, {"y"});
  EXPECT_EQ(op_names(import_ok(model)), "Softmax");
}

TEST(ImportOps, ClipTakesBoundsAsAttributesThenAsInputs) {
  TestModel old(10);
  old.input("x", {"2"}).output("y");
  old.node("Clip", {"x"}, {"y"}).real("min", 0).real("max", 6);
  const ir::Graph first = import_ok(old);
  ASSERT_NE(find_op<ir::Clip>(first), nullptr);
  EXPECT_EQ(find_op<ir::Clip>(first)->low, 0);
  EXPECT_EQ(find_op<ir::Clip>(first)->high, 6);

  TestModel open(11);
  open.input("x", {"2"}).floats("high", {}, {6}).output("y");
  open.node("Clip", {"x", "", "high"}, {"y"});
  const ir::Graph second = import_ok(open);
  ASSERT_NE(find_op<ir::Clip>(second), nullptr);
  EXPECT_EQ(find_op<ir::Clip>(second)->low, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(find_op<ir::Clip>(second)->high, 6);

  TestModel runtime(13);
  runtime.input("x", {"2"}).input("low", {}).output("y");
  runtime.node("Clip", {"x", "low"}, {"y"});
  EXPECT_EQ(op_names(import_ok(runtime)), "Binary");
}

TEST(ImportOps, ReluIsAClip) {
  TestModel model(13);
  model.input("x", {"2"}).output("y");
  model.node("Relu", {"x"}, {"y"});
  const ir::Graph graph = import_ok(model);
  ASSERT_NE(find_op<ir::Clip>(graph), nullptr);
  EXPECT_EQ(find_op<ir::Clip>(graph)->low, 0);
}

TEST(ImportOps, ResizeOfOpset10UsesAsymmetricCoordinates) {
  TestModel model(10);
  model.input("x", {"n", "3", "h", "w"}).floats("scales", {4}, {1, 1, 2, 2}).output("y");
  model.node("Resize", {"x", "scales"}, {"y"}).text("mode", "linear");
  const ir::Graph graph = import_ok(model);
  const auto* resize = find_op<ir::Resize>(graph);
  ASSERT_NE(resize, nullptr);
  EXPECT_EQ(resize->coordinates, kernels::CoordinateMode::kAsymmetric);
  EXPECT_EQ(resize->mode, kernels::ResizeMode::kLinear);
  EXPECT_EQ(output_shape(graph), "[n, 3, 2*h, 2*w]");
}

TEST(ImportOps, ResizeOfOpset11DefaultsToHalfPixel) {
  TestModel model(11);
  model.input("x", {"1", "3", "5", "7"}).floats("roi", {0}, {}).ints("sizes", {4}, {1, 3, 9, 4});
  model.floats("scales", {0}, {}).output("y");
  model.node("Resize", {"x", "roi", "scales", "sizes"}, {"y"});
  const ir::Graph graph = import_ok(model);
  const auto* resize = find_op<ir::Resize>(graph);
  ASSERT_NE(resize, nullptr);
  EXPECT_EQ(resize->coordinates, kernels::CoordinateMode::kHalfPixel);
  EXPECT_EQ(resize->nearest, kernels::NearestMode::kRoundPreferFloor);
  EXPECT_TRUE(resize->scales.empty());
  EXPECT_EQ(output_shape(graph), "[1, 3, 9, 4]");
}

TEST(ImportOps, ResizeOfOpset18KeepsTheAspectRatio) {
  TestModel model(18);
  model.input("x", {"1", "3", "4", "8"}).ints("sizes", {2}, {8, 8}).output("y");
  model.node("Resize", {"x", "", "", "sizes"}, {"y"})
      .integers("axes", {2, 3})
      .text("keep_aspect_ratio_policy", "not_larger");
  EXPECT_EQ(output_shape(import_ok(model)), "[1, 3, 4, 8]");
}

TEST(ImportOps, UpsampleTakesScalesAsAttributeThenAsInput) {
  TestModel seven(7);
  seven.input("x", {"1", "3", "4", "4"}).output("y");
  seven.node("Upsample", {"x"}, {"y"}).reals("scales", {1, 1, 2, 3});
  EXPECT_EQ(output_shape(import_ok(seven)), "[1, 3, 8, 12]");
  TestModel nine(9);
  nine.input("x", {"1", "3", "4", "4"}).floats("scales", {4}, {1, 1, 2, 3}).output("y");
  nine.node("Upsample", {"x", "scales"}, {"y"});
  EXPECT_EQ(output_shape(import_ok(nine)), "[1, 3, 8, 12]");
}

TEST(ImportOps, SliceTakesBoundsAsAttributesThenAsInputs) {
  TestModel nine(9);
  nine.input("x", {"n", "8"}).output("y");
  nine.node("Slice", {"x"}, {"y"})
      .integers("starts", {1})
      .integers("ends", {INT64_MAX})
      .integers("axes", {1});
  EXPECT_EQ(output_shape(import_ok(nine)), "[n, 7]");
  TestModel ten(10);
  ten.input("x", {"n", "8"}).ints("s", {1}, {-1}).ints("e", {1}, {INT64_MIN}).output("y");
  ten.ints("a", {1}, {-1}).ints("st", {1}, {-3});
  ten.node("Slice", {"x", "s", "e", "a", "st"}, {"y"});
  const ir::Graph graph = import_ok(ten);
  const auto* slice = find_op<ir::Slice>(graph);
  ASSERT_NE(slice, nullptr);
  EXPECT_EQ(slice->start[1], ir::Dim(7));
  EXPECT_EQ(output_shape(graph), "[n, 3]");
}

TEST(ImportOps, SplitDividesEquallyUnlessTold) {
  TestModel model(18);
  model.input("x", {"7", "n"}).output("a").output("c");
  model.node("Split", {"x"}, {"a", "b", "c"}).integer("num_outputs", 3);
  const ir::Graph graph = import_ok(model);
  EXPECT_EQ(output_shape(graph, 0), "[3, n]");
  EXPECT_EQ(output_shape(graph, 1), "[1, n]");
}

TEST(ImportOps, PadTakesItsAmountsAsAttributeThenAsInput) {
  TestModel two(10);
  two.input("x", {"n", "4"}).output("y");
  two.node("Pad", {"x"}, {"y"}).integers("pads", {0, 1, 0, 2}).text("mode", "edge");
  EXPECT_EQ(output_shape(import_ok(two)), "[n, 7]");
  TestModel eighteen(18);
  eighteen.input("x", {"n", "4"}).ints("pads", {2}, {1, -2}).floats("v", {}, {3}).output("y");
  eighteen.ints("axes", {1}, {-1});
  eighteen.node("Pad", {"x", "pads", "v", "axes"}, {"y"});
  const ir::Graph graph = import_ok(eighteen);
  const auto* pad = find_op<ir::Pad>(graph);
  ASSERT_NE(pad, nullptr);
  EXPECT_EQ(pad->value, 3);
  EXPECT_THAT(pad->pads_end, ElementsAre(0, -2));
  EXPECT_EQ(output_shape(graph), "[n, 3]");
}

TEST(ImportOps, ReduceTakesAxesAsAttributeThenAsInput) {
  TestModel eleven(11);
  eleven.input("x", {"n", "3", "4"}).output("y");
  eleven.node("ReduceMean", {"x"}, {"y"}).integers("axes", {-1}).integer("keepdims", 0);
  EXPECT_EQ(output_shape(import_ok(eleven)), "[n, 3]");
  TestModel eighteen(18);
  eighteen.input("x", {"n", "3", "4"}).ints("axes", {1}, {1}).output("y");
  eighteen.node("ReduceMean", {"x", "axes"}, {"y"});
  EXPECT_EQ(output_shape(import_ok(eighteen)), "[n, 1, 4]");
  TestModel none(18);
  none.input("x", {"n", "3"}).output("y");
  none.node("ReduceL1", {"x"}, {"y"}).integer("noop_with_empty_axes", 1);
  EXPECT_EQ(op_names(import_ok(none)), "Unary");
}

TEST(ImportOps, SqueezeWithoutAxesDropsOnes) {
  TestModel model(13);
  model.input("x", {"n", "1", "3", "1"}).output("y");
  model.node("Squeeze", {"x"}, {"y"});
  EXPECT_EQ(output_shape(import_ok(model)), "[n, 3]");
}

TEST(ImportOps, AutoPadKeepsTheSize) {
  TestModel model(13);
  model.input("x", {"n", "3", "h", "7"}).floats("w", {4, 3, 3, 3}).output("y");
  model.node("Conv", {"x", "w"}, {"y"}).text("auto_pad", "SAME_UPPER");
  EXPECT_EQ(output_shape(import_ok(model)), "[n, 4, h, 7]");
  TestModel strided(13);
  strided.input("x", {"n", "3", "8", "7"}).floats("w", {4, 3, 3, 3}).output("y");
  strided.node("Conv", {"x", "w"}, {"y"})
      .text("auto_pad", "SAME_LOWER")
      .integers("strides", {2, 2});
  const ir::Graph graph = import_ok(strided);
  const auto* conv = find_op<ir::Conv>(graph);
  ASSERT_NE(conv, nullptr);
  EXPECT_THAT(conv->pads_begin, ElementsAre(1, 1));
  EXPECT_THAT(conv->pads_end, ElementsAre(0, 1));
  EXPECT_EQ(output_shape(graph), "[n, 4, 4, 4]");
}

TEST(ImportOps, GemmFoldsItsFactorsIntoConstants) {
  TestModel model(13);
  model.input("x", {"n", "2"}).floats("w", {3, 2}, {1, 2, 3, 4, 5, 6}).output("y");
  model.floats("b", {1, 3}, {1, 2, 3});
  model.node("Gemm", {"x", "w", "b"}, {"y"})
      .integer("transB", 1)
      .real("alpha", 2)
      .real("beta", 0.5f);
  const ir::Graph graph = import_ok(model);
  ASSERT_EQ(op_names(graph), "MatMul");
  const ir::Node& node = graph.node(graph.order()[0]);
  ASSERT_EQ(node.inputs.size(), 3u);
  EXPECT_EQ(graph.value(node.inputs[1]).constant->values<float>()[5], 12.0f);
  EXPECT_EQ(ir::to_string(graph.value(node.inputs[2]).shape), "[3]");
  EXPECT_EQ(graph.value(node.inputs[2]).constant->values<float>()[2], 1.5f);
}

TEST(ImportOps, GemmWithABiasPerRowAddsIt) {
  TestModel model(13);
  model.input("x", {"4", "2"}).floats("w", {2, 3}).floats("c", {4, 1}).output("y");
  model.node("Gemm", {"x", "w", "c"}, {"y"});
  EXPECT_EQ(op_names(import_ok(model)), "MatMul Binary");
}

TEST(ImportOps, MatMulOfVectors) {
  TestModel model(13);
  model.input("a", {"4"}).floats("b", {4}).floats("m", {2, 4, 5}).output("y").output("z");
  model.node("MatMul", {"a", "b"}, {"y"});
  model.node("MatMul", {"a", "m"}, {"z"});
  const ir::Graph graph = import_ok(model);
  EXPECT_EQ(output_shape(graph, 0), "[]");
  EXPECT_EQ(output_shape(graph, 1), "[2, 5]");
}

TEST(ImportOps, BatchNormTrainingIsRefused) {
  TestModel model(15);
  model.input("x", {"n", "2", "3"}).output("y");
  model.floats("s", {2}).floats("b", {2}).floats("m", {2}).floats("v", {2});
  model.node("BatchNormalization", {"x", "s", "b", "m", "v"}, {"y"}).integer("training_mode", 1);
  EXPECT_THAT(error_of(model), HasSubstr("training_mode 1; supported: 0"));
}

TEST(ImportOps, LayerNormScalesAfterwardsWhereShapesBroadcast) {
  TestModel exact(17);
  exact.input("x", {"n", "3", "4"}).floats("s", {4}).floats("b", {4}).output("y");
  exact.node("LayerNormalization", {"x", "s", "b"}, {"y"});
  EXPECT_EQ(op_names(import_ok(exact)), "LayerNorm");
  TestModel wide(17);
  wide.input("x", {"n", "3", "4"}).floats("s", {4}).output("y");
  wide.node("LayerNormalization", {"x", "s"}, {"y"}).integer("axis", 1);
  EXPECT_EQ(op_names(import_ok(wide)), "LayerNorm Binary");
}

TEST(ImportOps, DepthToSpaceIsReshapeTransposeReshape) {
  TestModel model(13);
  model.input("x", {"n", "8", "h", "w"}).output("y");
  model.node("DepthToSpace", {"x"}, {"y"}).integer("blocksize", 2).text("mode", "CRD");
  const ir::Graph graph = import_ok(model);
  EXPECT_EQ(op_names(graph), "Reshape Transpose Reshape");
  EXPECT_THAT(find_op<ir::Transpose>(graph)->perm, ElementsAre(0, 1, 4, 2, 5, 3));
  EXPECT_EQ(output_shape(graph), "[n, 2, 2*h, 2*w]");
}

TEST(ImportOps, PReluOfOneSlopeIsLeakyRelu) {
  TestModel model(16);
  model.input("x", {"n", "3"}).floats("slope", {1}, {0.25f}).output("y");
  model.node("PRelu", {"x", "slope"}, {"y"});
  const ir::Graph graph = import_ok(model);
  const auto* unary = find_op<ir::Unary>(graph);
  ASSERT_NE(unary, nullptr);
  EXPECT_EQ(unary->function, kernels::Unary::kLeakyRelu);
  EXPECT_EQ(unary->alpha, 0.25);
}

TEST(ImportOps, VariadicOperatorsBecomeChains) {
  TestModel model(13);
  model.input("a", {"2"}).input("b", {"2"}).input("c", {"2"}).output("y").output("z");
  model.node("Sum", {"a", "b", "c"}, {"y"});
  model.node("Max", {"a"}, {"z"});
  EXPECT_EQ(op_names(import_ok(model)), "Binary Binary Reshape");
}

TEST(ImportOps, ConstantsOfEveryAttribute) {
  TestModel model(13);
  model.output("i").output("is").output("f").output("fs");
  model.node("Constant", {}, {"i"}).integer("value_int", INT64_MAX);
  model.node("Constant", {}, {"is"}).integers("value_ints", {1, 2});
  model.node("Constant", {}, {"f"}).real("value_float", 0.5f);
  model.node("Constant", {}, {"fs"}).reals("value_floats", {1, 2, 3});
  const ir::Graph graph = import_ok(model);
  EXPECT_EQ(graph.value(graph.outputs()[0].value).constant->values<std::int64_t>()[0], INT64_MAX);
  EXPECT_EQ(output_shape(graph, 1), "[2]");
  EXPECT_EQ(output_shape(graph, 2), "[]");
  EXPECT_EQ(output_shape(graph, 3), "[3]");
}

TEST(ImportOps, DropoutPassesThroughWithItsMask) {
  TestModel model(13);
  model.input("x", {"n", "3"}).output("y").output("mask");
  model.node("Dropout", {"x"}, {"y", "mask"});
  const ir::Graph graph = import_ok(model);
  EXPECT_EQ(op_names(graph), "Reshape Expand");
  EXPECT_EQ(graph.value(graph.outputs()[1].value).dtype, DType::kBool);
}

}  // namespace
}  // namespace xinfer::import
