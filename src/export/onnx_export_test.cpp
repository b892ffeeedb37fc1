// Exported models, read back as protobuf: forms of quantisation, names, and what ONNX cannot say.
#include "export/onnx_export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "ir/build.h"
#include "xinfer_onnx/onnx.pb.h"

namespace xinfer {
namespace {

using ir::GraphBuilder;
using ir::ValueId;
using kernels::Unary;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const ir::Dim kBatch = ir::Dim::symbol("batch");
constexpr float kInputScale = 0.05f;

onnx::GraphProto exported(const ir::Graph& graph, const ExportOptions& options = {}) {
  const Result<std::string> bytes = export_onnx(graph, options);
  EXPECT_TRUE(bytes.ok()) << bytes.status().message();
  onnx::ModelProto model;
  EXPECT_TRUE(bytes.ok() && model.ParseFromString(*bytes));
  if (model.opset_import_size() != 1) return {};
  EXPECT_EQ(model.opset_import(0).version(), kExportOpset);
  return model.graph();
}

/// "output = Op(inputs)" of every node, in order.
std::vector<std::string> nodes_of(const onnx::GraphProto& graph) {
  std::vector<std::string> lines;
  for (const onnx::NodeProto& node : graph.node()) {
    std::string line = node.output(0) + " = " + node.op_type() + "(";
    for (int i = 0; i < node.input_size(); ++i) line += (i > 0 ? ", " : "") + node.input(i);
    lines.push_back(line + ")");
  }
  return lines;
}

const onnx::TensorProto& constant(const onnx::GraphProto& graph, const std::string& name) {
  for (const onnx::TensorProto& tensor : graph.initializer()) {
    if (tensor.name() == name) return tensor;
  }
  ADD_FAILURE() << "no constant " << name;
  return graph.initializer(0);
}

template <typename T>
std::vector<T> values_of(const onnx::TensorProto& tensor) {
  const auto* first = reinterpret_cast<const T*>(tensor.raw_data().data());
  return std::vector<T>(first, first + tensor.raw_data().size() / sizeof(T));
}

const onnx::NodeProto& node(const onnx::GraphProto& graph, const std::string& type) {
  for (const onnx::NodeProto& found : graph.node()) {
    if (found.op_type() == type) return found;
  }
  ADD_FAILURE() << "no node " << type;
  return graph.node(0);
}

/// x quantised, a 1x1 convolution with two output channels and a bias.
ir::Graph quantised_convolution() {
  GraphBuilder b;
  const ValueId x = b.quantize(b.input("x", {kBatch, 2, 4, 4}), DType::kInt8, kInputScale, "q");
  const ValueId w = b.constant({2, 2, 1, 1}, {1.0f, -0.5f, 0.25f, 0.125f}, "w");
  const ValueId bias = b.constant({2}, {0.5f, -0.25f}, "bias");
  b.output(b.conv(x, w, bias, {}, "y"));
  return b.finish();
}

TEST(ExportOnnx, ConvolutionOfAQuantisedValueHasWeightsPerOutputChannel) {
  const onnx::GraphProto graph = exported(quantised_convolution());
  EXPECT_THAT(nodes_of(graph),
              ElementsAre("q = QuantizeLinear(x, q_scale, q_zero_point)",
                          "q_real = DequantizeLinear(q, q_scale_2, q_zero_point_2)",
                          "w_real = DequantizeLinear(w_quantized, w_scale)",
                          "bias_real = DequantizeLinear(bias_quantized, bias_scale)",
                          "y = Conv(q_real, w_real, bias_real)"));
  EXPECT_FLOAT_EQ(values_of<float>(constant(graph, "q_scale"))[0], kInputScale);
  EXPECT_EQ(constant(graph, "q_zero_point").data_type(), onnx::TensorProto::INT8);
  const onnx::TensorProto& weights = constant(graph, "w_quantized");
  EXPECT_EQ(weights.data_type(), onnx::TensorProto::INT8);
  const std::vector<float> scales = values_of<float>(constant(graph, "w_scale"));
  ASSERT_EQ(scales.size(), 2u);
  const std::vector<float> real = {1.0f, -0.5f, 0.25f, 0.125f};
  const auto q = values_of<std::int8_t>(weights);
  for (std::size_t i = 0; i < real.size(); ++i) {
    // Half a step is rounding's; balanced rounding may move a weight by a whole one.
    EXPECT_NEAR(q[i] * scales[i / 2], real[i], scales[i / 2]) << "weight " << i;
  }
}

TEST(ExportOnnx, BiasesAreInt32OfTheProductsScaleOrFloat) {
  const onnx::GraphProto fused = exported(quantised_convolution());
  const onnx::TensorProto& bias = constant(fused, "bias_quantized");
  EXPECT_EQ(bias.data_type(), onnx::TensorProto::INT32);
  const std::vector<float> units = values_of<float>(constant(fused, "bias_scale"));
  const std::vector<float> scales = values_of<float>(constant(fused, "w_scale"));
  for (std::size_t i = 0; i < units.size(); ++i) {
    EXPECT_FLOAT_EQ(units[i], kInputScale * scales[i]);
    EXPECT_NEAR(static_cast<float>(values_of<std::int32_t>(bias)[i]) * units[i],
                i == 0 ? 0.5f : -0.25f, units[i] / 2);
  }
  const onnx::GraphProto plain = exported(quantised_convolution(), {.quantized_biases = false});
  EXPECT_EQ(node(plain, "Conv").input(2), "bias");
  EXPECT_EQ(constant(plain, "bias").data_type(), onnx::TensorProto::FLOAT);
}

TEST(ExportOnnx, EveryReaderOfAQuantisedValueHasADequantizeOfItsOwn) {
  GraphBuilder b;
  const ValueId x = b.quantize(b.input("x", {kBatch, 4}), DType::kUInt8, kInputScale, "q");
  b.output(b.matmul(x, b.random_constant({4, 3}, 1, "w1"), ir::kNoValue, "y1"));
  b.output(b.matmul(x, b.random_constant({4, 3}, 2, "w2"), ir::kNoValue, "y2"));
  const onnx::GraphProto graph = exported(b.finish());
  std::map<std::string, int> readers;
  std::set<std::string> names;
  for (const onnx::NodeProto& found : graph.node()) {
    EXPECT_TRUE(names.insert(found.output(0)).second) << found.output(0) << " is written twice";
    for (const std::string& input : found.input()) ++readers[input];
  }
  EXPECT_EQ(readers["q"], 2);
  EXPECT_EQ(readers["q_real"], 1);
  EXPECT_EQ(constant(graph, "q_zero_point").data_type(), onnx::TensorProto::UINT8);
}

TEST(ExportOnnx, FunctionsOfLaterOpsetsAreComposed) {
  for (const Unary function : {Unary::kSilu, Unary::kMish, Unary::kGelu, Unary::kGeluTanh}) {
    GraphBuilder b;
    b.output(b.unary(function, b.input("x", {kBatch, 4}), "y"));
    const onnx::GraphProto graph = exported(b.finish());
    ASSERT_GT(graph.node_size(), 1);
    EXPECT_EQ(graph.node(graph.node_size() - 1).output(0), "y");
  }
}

TEST(ExportOnnx, ClipIsReluWhereItIsOne) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 4});
  b.output(b.relu(x, "r"));
  b.output(b.clip(x, -INFINITY, 6, "c"));
  EXPECT_THAT(nodes_of(exported(b.finish())), ElementsAre("r = Relu(x)", "c = Clip(x, , c_bound)"));
}

TEST(ExportOnnx, DynamicDimensionsKeepTheirNames) {
  GraphBuilder b;
  b.output(b.relu(b.input("x", {kBatch, 4}), "y"));
  const onnx::GraphProto graph = exported(b.finish());
  for (const onnx::ValueInfoProto& border : {graph.input(0), graph.output(0)}) {
    EXPECT_EQ(border.type().tensor_type().shape().dim(0).dim_param(), "batch");
    EXPECT_EQ(border.type().tensor_type().shape().dim(1).dim_value(), 4);
  }
}

TEST(ExportOnnx, WhatOnnxCannotSayNamesTheNode) {
  GraphBuilder b;
  ir::Pool op;
  op.kind = kernels::PoolKind::kAverage;
  op.kernel = {2, 2};
  op.strides = {1, 1};
  op.dilations = {2, 2};
  op.pads_begin = op.pads_end = {0, 0};
  b.output(b.add(op, {b.input("x", {kBatch, 4, 8, 8})}, "wide"));
  const Result<std::string> bytes = export_onnx(b.finish());
  ASSERT_FALSE(bytes.ok());
  EXPECT_EQ(bytes.status().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(bytes.status().message(), HasSubstr("\"wide\""));
  EXPECT_THAT(bytes.status().message(), HasSubstr("average pooling with dilations"));
}

}  // namespace
}  // namespace xinfer
