// QuantizeLinear and DequantizeLinear: what becomes INT8, what is computed at import, what stays
// float, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/test_model.h"
#include "ir/verify.h"

namespace xinfer::import {
namespace {

using onnx::TensorProto;
using testing::ElementsAre;
using testing::HasSubstr;

ir::Graph import_ok(const TestModel& model, std::vector<std::string>* warnings = nullptr) {
  auto graph = model.import({}, warnings);
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

/// An initializer of an integer type.
void add_integers(TestModel& model, const char* name, int type,
                  const std::vector<std::int64_t>& dims, const std::vector<int>& values) {
  TensorProto& tensor = *model.proto().mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(type);
  for (const std::int64_t dim : dims) tensor.add_dims(dim);
  for (const int value : values) tensor.add_int32_data(value);
}

/// y = DequantizeLinear(QuantizeLinear(x)) with that scale and zero point.
TestModel round_trip(int zero_point_type, int zero_point, int opset = 13) {
  TestModel model(opset);
  model.input("x", {"n", "3", "4"}).floats("scale", {}, {0.25f}).output("y");
  add_integers(model, "zero", zero_point_type, {}, {zero_point});
  model.node("QuantizeLinear", {"x", "scale", "zero"}, {"q"});
  model.node("DequantizeLinear", {"q", "scale", "zero"}, {"y"});
  return model;
}

TEST(ImportQuantize, OneScaleWithZeroPointZeroIsTheGraphsOwn) {
  for (const int opset : {10, 13, 19, 21}) {
    std::vector<std::string> warnings;
    const ir::Graph graph = import_ok(round_trip(TensorProto::INT8, 0, opset), &warnings);
    EXPECT_EQ(op_names(graph), "Quantize Dequantize") << opset;
    const ir::Value& q = graph.value(graph.find_value("q"));
    EXPECT_EQ(q.dtype, DType::kInt8);
    EXPECT_EQ(q.scale, 0.25f);
    EXPECT_EQ(output_shape(graph), "[n, 3, 4]");
    EXPECT_THAT(warnings, ElementsAre());
  }
  const ir::Graph graph = import_ok(round_trip(TensorProto::UINT8, 0));
  EXPECT_EQ(graph.value(graph.find_value("q")).dtype, DType::kUInt8);
}

TEST(ImportQuantize, WithoutAZeroPointTheTypeIsUint8OrTheAttributes) {
  for (const int type : {0, static_cast<int>(TensorProto::INT8)}) {
    TestModel model(21);
    model.input("x", {"2"}).floats("scale", {1}, {0.5f}).output("y");
    TestNode quantize = model.node("QuantizeLinear", {"x", "scale"}, {"q"});
    if (type != 0) quantize.integer("output_dtype", type);
    model.node("DequantizeLinear", {"q", "scale"}, {"y"});
    const ir::Graph graph = import_ok(model);
    EXPECT_EQ(graph.value(graph.find_value("q")).dtype, type == 0 ? DType::kUInt8 : DType::kInt8);
  }
}

TEST(ImportQuantize, AnotherZeroPointIsFloatArithmeticAndSaysSoOnce) {
  TestModel model = round_trip(TensorProto::UINT8, 128);
  model.node("QuantizeLinear", {"y", "scale", "zero"}, {"q2"});
  model.node("DequantizeLinear", {"q2", "scale", "zero"}, {"y2"});
  model.output("y2");
  std::vector<std::string> warnings;
  const ir::Graph graph = import_ok(model, &warnings);
  EXPECT_EQ(find_op<ir::Quantize>(graph), nullptr);
  EXPECT_THAT(op_names(graph), HasSubstr("Binary Unary"));
  EXPECT_THAT(warnings,
              ElementsAre(HasSubstr("its zero point is not 0, so it is computed in float")));
}

TEST(ImportQuantize, ConstantWeightsAreDequantisedChannelByChannel) {
  TestModel model(13);
  model.input("x", {"2", "2"}).floats("scales", {3}, {0.5f, 0.25f, 2.0f}).output("y");
  add_integers(model, "w", TensorProto::INT8, {2, 3}, {1, 2, 3, -4, 5, -127});
  add_integers(model, "zeros", TensorProto::INT8, {3}, {0, 0, 1});
  model.node("DequantizeLinear", {"w", "scales", "zeros"}, {"real"}).integer("axis", 1);
  model.node("MatMul", {"x", "real"}, {"y"});
  const ir::Graph graph = import_ok(model);
  EXPECT_EQ(op_names(graph), "MatMul");
  const ir::Value& weights = graph.value(graph.find_value("real"));
  ASSERT_TRUE(weights.is_constant());
  EXPECT_THAT(weights.constant->values<float>(),
              ElementsAre(0.5f, 0.5f, 4.0f, -2.0f, 1.25f, -256.0f));
}

TEST(ImportQuantize, ConstantsAreRoundedHalfToEvenAndClamped) {
  TestModel model(13);
  model.input("x", {"5"}).floats("scale", {}, {0.5f}).output("y");
  model.floats("w", {5}, {0.25f, 0.75f, -0.25f, 1000.0f, -1000.0f});
  add_integers(model, "zero", TensorProto::INT8, {}, {0});
  model.node("QuantizeLinear", {"w", "scale", "zero"}, {"q"});
  model.node("DequantizeLinear", {"q", "scale", "zero"}, {"real"});
  model.node("Add", {"x", "real"}, {"y"});
  const ir::Graph graph = import_ok(model);
  const ir::Value& real = graph.value(graph.find_value("real"));
  ASSERT_TRUE(real.is_constant());
  EXPECT_THAT(real.constant->values<float>(), ElementsAre(0.0f, 1.0f, 0.0f, 63.5f, -64.0f));
}

TEST(ImportQuantize, AnIntegerInputIsDequantisedInFloat) {
  TestModel model(13);
  model.input("x", {"2", "2"}, TensorProto::INT8).floats("scale", {}, {0.5f}).output("y");
  model.node("DequantizeLinear", {"x", "scale"}, {"y"});
  EXPECT_EQ(op_names(import_ok(model)), "Cast Binary");
}

TEST(ImportQuantize, RefusesWhatItCannotHonour) {
  TestModel other(13);
  other.input("x", {"2"}).floats("a", {}, {0.5f}).floats("b", {}, {0.25f}).output("y");
  add_integers(other, "zero", TensorProto::INT8, {}, {0});
  other.node("QuantizeLinear", {"x", "a", "zero"}, {"q"});
  other.node("DequantizeLinear", {"q", "b", "zero"}, {"y"});
  EXPECT_THAT(error_of(other), HasSubstr("\"q\" was quantised with scale 0.5 and zero point 0"));

  TestModel blocks(21);
  blocks.input("x", {"2", "4"}).floats("scale", {2, 2}).output("y");
  blocks.node("QuantizeLinear", {"x", "scale"}, {"y"}).integer("block_size", 2);
  EXPECT_THAT(error_of(blocks), HasSubstr("block_size 2; supported: one scale, or one a channel"));

  TestModel channels(13);
  channels.input("x", {"2", "4"}).floats("scale", {3}).output("y");
  channels.node("QuantizeLinear", {"x", "scale"}, {"y"});
  EXPECT_THAT(error_of(channels), HasSubstr("3 scales for 4 channels of axis 1"));
}

}  // namespace
}  // namespace xinfer::import
