// Shape arithmetic is folded: shapes of the graph are expressions over the inputs' symbols.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/test_model.h"
#include "ir/verify.h"

namespace xinfer::import {
namespace {

using onnx::TensorProto;
using testing::HasSubstr;

/// Imports, verifies and gives the first output's shape; the error message if that fails.
std::string shape_of(const TestModel& model) {
  const auto graph = model.import();
  if (!graph.ok()) return graph.status().message();
  const Status verified = ir::verify(*graph);
  return verified.ok() ? output_shape(*graph) : verified.message();
}

/// Reshape of x [batch, 255, h, w] to [batch, 3, 85, h, w], as YOLO's heads do it.
TEST(ShapeArithmetic, GatherUnsqueezeConcatReshape) {
  TestModel model(12);
  model.input("x", {"batch", "255", "h", "w"}).output("y");
  model.ints("three", {1}, {3}).ints("fields", {1}, {85});
  std::vector<std::string> parts;
  for (int axis : {0, 2, 3}) {
    const std::string id = fmt::format("{}", axis);
    model.ints(("i" + id).c_str(), {}, {axis});
    model.node("Shape", {"x"}, {"s" + id});
    model.node("Gather", {"s" + id, "i" + id}, {"g" + id}).integer("axis", 0);
    model.node("Unsqueeze", {"g" + id}, {"u" + id}).integers("axes", {0});
  }
  model.node("Concat", {"u0", "three", "fields", "u2", "u3"}, {"shape"}).integer("axis", 0);
  model.node("Reshape", {"x", "shape"}, {"y"});
  EXPECT_EQ(shape_of(model), "[batch, 3, 85, h, w]");
  const auto graph = model.import();
  ASSERT_TRUE(graph.ok());
  EXPECT_EQ(op_names(*graph), "Reshape");
}

/// Cast to float, times two, floor, cast back: the size of an upsampled map.
TEST(ShapeArithmetic, FloatChainToResizeSizes) {
  TestModel model(12);
  model.input("x", {"n", "8", "h", "w"}).output("y").floats("two", {}, {2});
  model.ints("a0", {1}, {0}).ints("a2", {1}, {2}).ints("a4", {1}, {4});
  model.node("Shape", {"x"}, {"s"});
  model.node("Slice", {"s", "a2", "a4", "a0"}, {"hw"});
  model.node("Slice", {"s", "a0", "a2", "a0"}, {"nc"});
  model.node("Cast", {"hw"}, {"f"}).integer("to", TensorProto::FLOAT);
  model.node("Mul", {"f", "two"}, {"d"});
  model.node("Floor", {"d"}, {"fl"});
  model.node("Cast", {"fl"}, {"hw2"}).integer("to", TensorProto::INT64);
  model.node("Concat", {"nc", "hw2"}, {"sizes"}).integer("axis", 0);
  model.node("Resize", {"x", "", "", "sizes"}, {"y"});
  EXPECT_EQ(shape_of(model), "[n, 8, 2*h, 2*w]");
}

/// PyTorch's Expand: Where(shape == -1, 1, shape).
TEST(ShapeArithmetic, EqualWhereConstantOfShapeExpand) {
  TestModel model(13);
  model.input("x", {"n", "3"}).input("c", {"1", "1", "4"}).output("y");
  model.ints("i0", {1}, {0}).ints("minus", {1}, {-1}).ints("one", {1}, {1}).ints("three", {1}, {3});
  model.node("Shape", {"x"}, {"s"});
  model.node("Gather", {"s", "i0"}, {"n"}).integer("axis", 0);
  model.node("Concat", {"n", "minus", "minus"}, {"shape"}).integer("axis", 0);
  model.node("ConstantOfShape", {"three"}, {"ones"}).tensor("value", {1}, {1});
  model.node("Mul", {"ones", "minus"}, {"minuses"});
  model.node("Equal", {"shape", "minuses"}, {"is_open"});
  model.node("Where", {"is_open", "ones", "shape"}, {"target"});
  model.node("Expand", {"c", "target"}, {"y"});
  EXPECT_EQ(shape_of(model), "[n, 1, 4]");
}

TEST(ShapeArithmetic, ReshapeCancelsExactly) {
  TestModel model(13);
  model.input("x", {"n", "h", "w", "64"}).output("y").ints("shape", {4}, {0, 0, -1, 16});
  model.node("Reshape", {"x", "shape"}, {"y"});
  EXPECT_EQ(shape_of(model), "[n, h, 4*w, 16]");
}

TEST(ShapeArithmetic, ShapeOfAPartAndReduceProd) {
  TestModel model(15);
  model.input("x", {"n", "h", "w"}).output("y").ints("axes", {1}, {0});
  model.node("Shape", {"x"}, {"hw"}).integer("start", 1);
  model.node("ReduceProd", {"hw"}, {"count"}).integer("keepdims", 1);
  model.node("Shape", {"x"}, {"n"}).integer("end", -2);
  model.node("Concat", {"n", "count"}, {"shape"}).integer("axis", 0);
  model.node("Reshape", {"x", "shape"}, {"y"});
  EXPECT_EQ(shape_of(model), "[n, h*w]");
}

TEST(ShapeArithmetic, ResultsThatAreDataBecomeShapeOf) {
  TestModel model(13);
  model.input("x", {"n", "h"}).output("y");
  model.node("Shape", {"x"}, {"s"});
  model.node("Cast", {"s"}, {"y"}).integer("to", TensorProto::FLOAT);
  const auto graph = model.import();
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(op_names(*graph), "ShapeOf Cast");
  EXPECT_EQ(graph->value(graph->outputs()[0].value).dtype, DType::kFloat32);
  EXPECT_TRUE(ir::verify(*graph).ok());
}

TEST(ShapeArithmetic, FractionsThatAreDataAreDivided) {
  TestModel model(13);
  model.input("x", {"n", "h"}).floats("half", {}, {0.5f}).output("y");
  model.node("Shape", {"x"}, {"s"});
  model.node("Cast", {"s"}, {"f"}).integer("to", TensorProto::FLOAT);
  model.node("Mul", {"f", "half"}, {"y"});
  const auto graph = model.import();
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(op_names(*graph), "ShapeOf Cast Binary");
  EXPECT_TRUE(ir::verify(*graph).ok());
}

TEST(ShapeArithmetic, SplitSizesAndTileRepeats) {
  TestModel model(13);
  model.input("x", {"n", "10"}).output("c").output("t");
  model.ints("sizes", {2}, {3, 7}).ints("repeats", {2}, {2, 3});
  model.node("Split", {"x", "sizes"}, {"a", "b"}).integer("axis", 1);
  model.node("Concat", {"b", "a"}, {"c"}).integer("axis", -1);
  model.node("Tile", {"x", "repeats"}, {"t"});
  const auto graph = model.import();
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(output_shape(*graph, 0), "[n, 10]");
  EXPECT_EQ(output_shape(*graph, 1), "[2*n, 30]");
}

TEST(ShapeArithmetic, ShapesComputedFromDataAreRefusedByName) {
  TestModel model(13);
  model.input("x", {"n", "4"}).input("shape", {"2"}, TensorProto::INT64).output("y");
  model.node("Reshape", {"x", "shape"}, {"y"}).proto().set_name("free");
  EXPECT_THAT(shape_of(model), HasSubstr("node \"free\" (Reshape, opset 13): shape \"shape\""));
}

TEST(ShapeArithmetic, ShapesOfTooManyElementsAreRefusedByName) {
  TestModel model(13);
  constexpr std::int64_t kMega = 1 << 20, kGiga = 1 << 30;
  model.input("x", {"1", "0", "0", "0"}).output("y");
  model.ints("pads", {8}, {0, 0, 0, 0, 0, kMega, kMega, 2 * kGiga});
  model.node("Pad", {"x", "pads"}, {"y"});
  EXPECT_THAT(shape_of(model),  // 2^71 elements
              HasSubstr("value \"y\" of shape [1, 1048576, 1048576, 2147483648] is too large"));
}

TEST(ShapeArithmetic, IfWithAKnownConditionIsInlined) {
  TestModel model(13);
  model.input("x", {"n", "1"}).output("y").ints("i1", {}, {1}).ints("one", {}, {1});
  model.node("Shape", {"x"}, {"s"});
  model.node("Gather", {"s", "i1"}, {"d"}).integer("axis", 0);
  model.node("Equal", {"d", "one"}, {"is_one"});
  TestNode branch = model.node("If", {"is_one"}, {"y"});
  for (const char* name : {"then_branch", "else_branch"}) {
    auto* attribute = branch.proto().add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::GRAPH);
    auto* node = attribute->mutable_g()->add_node();
    node->set_op_type(name[0] == 't' ? "Neg" : "Abs");
    node->add_input("x");
    node->add_output("inner");
    attribute->mutable_g()->add_output()->set_name("inner");
  }
  const auto graph = model.import();
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  ASSERT_EQ(graph->order().size(), 1u);
  const auto* unary = find_op<ir::Unary>(*graph);
  ASSERT_NE(unary, nullptr);
  EXPECT_EQ(unary->function, kernels::Unary::kNeg);
}

TEST(ShapeArithmetic, IfOnDataIsRefused) {
  TestModel model(13);
  model.input("x", {"2"}).input("c", {}, TensorProto::BOOL).output("y");
  model.node("If", {"c"}, {"y"});
  EXPECT_THAT(shape_of(model), HasSubstr("the condition is computed from data"));
}

}  // namespace
}  // namespace xinfer::import
