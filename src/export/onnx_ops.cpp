// Every op as ONNX nodes: what computes over windows, axes and scales here, the rest in the files
// beside.
#include "export/onnx_ops.h"

#include <algorithm>
#include <utility>

namespace xinfer::exporting {
namespace {

Status write_pool(OnnxWriter& writer, const ir::Node& node, const ir::Pool& op,
                  const std::string& output) {
  const bool is_max = op.kind == kernels::PoolKind::kMax;
  Attributes attributes = {{"kernel_shape", op.kernel},
                           {"strides", op.strides},
                           {"pads", joined(op.pads_begin, op.pads_end)},
                           {"ceil_mode", std::int64_t{op.ceil_mode}}};
  const bool dilated = std::any_of(op.dilations.begin(), op.dilations.end(),
                                   [](std::int64_t dilation) { return dilation != 1; });
  if (is_max) attributes.emplace_back("dilations", op.dilations);
  if (!is_max && dilated) return inexpressible(node, "average pooling with dilations");
  if (!is_max) attributes.emplace_back("count_include_pad", std::int64_t{op.count_include_pad});
  if (node.outputs.size() > 1 && node.outputs[1] != ir::kNoValue) {
    return inexpressible(node, "indices of a pooling");
  }
  writer.add(is_max ? "MaxPool" : "AveragePool", {writer.read(node.inputs[0])}, output, attributes);
  return Status();
}

const char* reduction_name(kernels::ReduceKind kind) {
  switch (kind) {
    case kernels::ReduceKind::kSum:
      return "ReduceSum";
    case kernels::ReduceKind::kMean:
      return "ReduceMean";
    case kernels::ReduceKind::kMax:
      return "ReduceMax";
    case kernels::ReduceKind::kMin:
      return "ReduceMin";
    case kernels::ReduceKind::kProd:
      return "ReduceProd";
    case kernels::ReduceKind::kL1:
      return "ReduceL1";
    case kernels::ReduceKind::kL2:
      return "ReduceL2";
    case kernels::ReduceKind::kLogSum:
      return "ReduceLogSum";
    case kernels::ReduceKind::kLogSumExp:
      return "ReduceLogSumExp";
    case kernels::ReduceKind::kSumSquare:
      return "ReduceSumSquare";
  }
  return "ReduceSum";
}

/// Until opset 18 only ReduceSum takes its axes as an input. The mean over all spatial axes is
/// GlobalAveragePool, which runtimes know best.
void write_reduce(OnnxWriter& writer, const ir::Node& node, const ir::Reduce& op,
                  const std::string& output) {
  const std::size_t rank = writer.graph().value(node.inputs[0]).shape.size();
  const std::string x = writer.read(node.inputs[0]);
  const std::int64_t keep = op.keep_dims ? 1 : 0;
  Numbers spatial;
  for (std::size_t axis = 2; axis < rank; ++axis)
    spatial.push_back(static_cast<std::int64_t>(axis));
  if (op.kind == kernels::ReduceKind::kMean && op.keep_dims && !spatial.empty() &&
      op.axes == spatial) {
    writer.add("GlobalAveragePool", {x}, output);
  } else if (op.kind == kernels::ReduceKind::kSum) {
    writer.add("ReduceSum", {x, writer.integers(op.axes, output + "_axes")}, output,
               {{"keepdims", keep}});
  } else {
    writer.add(reduction_name(op.kind), {x}, output, {{"axes", op.axes}, {"keepdims", keep}});
  }
}

/// Scale and bias are optional here, the scale is not in ONNX.
void write_layer_norm(OnnxWriter& writer, const ir::Node& node, const ir::LayerNorm& op,
                      const std::string& output) {
  const ir::Value& x = writer.graph().value(node.inputs[0]);
  Names inputs = {writer.read(node.inputs[0])};
  const auto operand = [&](std::size_t i) {
    return i < node.inputs.size() ? writer.read(node.inputs[i]) : std::string();
  };
  std::string scale = operand(1);
  if (scale.empty()) {
    Shape shape;
    for (auto i = static_cast<std::size_t>(op.axis); i < x.shape.size(); ++i) {
      shape.push_back(x.shape[i].is_constant() ? x.shape[i].constant() : 1);
    }
    Tensor ones(DType::kFloat32, shape);
    std::fill(ones.values<float>().begin(), ones.values<float>().end(), 1.0f);
    scale = writer.constant(ones, output + "_ones");
  }
  inputs.push_back(scale);
  if (const std::string bias = operand(2); !bias.empty()) inputs.push_back(bias);
  writer.add("LayerNormalization", inputs, output, {{"axis", op.axis}, {"epsilon", op.epsilon}});
}

/// One overload an op.
struct NodeWriter {
  OnnxWriter& writer;
  const ir::Node& node;
  const std::string& output;

  Names inputs() const {
    Names names;
    for (const ir::ValueId id : node.inputs) names.push_back(writer.read(id));
    return names;
  }

  Status operator()(const ir::Conv& op) const { return write_conv(writer, node, op, output); }
  Status operator()(const ir::MatMul& op) const { return write_matmul(writer, node, op, output); }
  Status operator()(const ir::Pool& op) const { return write_pool(writer, node, op, output); }
  Status operator()(const ir::Unary& op) const { return write_unary(writer, node, op, output); }
  Status operator()(const ir::Binary& op) const { return write_binary(writer, node, op, output); }
  Status operator()(const ir::BatchNorm& op) const {
    writer.add("BatchNormalization", inputs(), output, {{"epsilon", op.epsilon}});
    return Status();
  }
  Status operator()(const ir::LayerNorm& op) const {
    write_layer_norm(writer, node, op, output);
    return Status();
  }
  Status operator()(const ir::Softmax& op) const {
    writer.add(op.log ? "LogSoftmax" : "Softmax", inputs(), output, {{"axis", op.axis}});
    return Status();
  }
  Status operator()(const ir::Select&) const {
    writer.add("Where", inputs(), output);
    return Status();
  }
  Status operator()(const ir::Clip& op) const {
    write_clip(writer, node, op, output);
    return Status();
  }
  Status operator()(const ir::Cast& op) const {
    writer.add("Cast", inputs(), output, {{"to", std::int64_t{onnx_type(op.to)}}});
    return Status();
  }
  Status operator()(const ir::Reduce& op) const {
    write_reduce(writer, node, op, output);
    return Status();
  }
  Status operator()(const ir::ArgReduce& op) const {
    writer.add(op.max ? "ArgMax" : "ArgMin", inputs(), output,
               {{"axis", op.axis},
                {"keepdims", std::int64_t{op.keep_dims}},
                {"select_last_index", std::int64_t{op.select_last_index}}});
    return Status();
  }
  Status operator()(const ir::Quantize&) const {
    Names names = {writer.read(node.inputs[0])};
    for (const std::string& name : writer.grid_of(writer.graph().value(node.outputs[0]))) {
      names.push_back(name);
    }
    writer.add("QuantizeLinear", names, output);
    return Status();
  }
  Status operator()(const ir::Dequantize&) const {
    const ir::Value& input = writer.graph().value(node.inputs[0]);
    Names names = {input.name};
    for (const std::string& name : writer.grid_of(input)) names.push_back(name);
    writer.add("DequantizeLinear", names, output);
    return Status();
  }
  template <typename Op>
  Status operator()(const Op&) const {
    return write_movement(writer, node);
  }
};

}  // namespace

Status inexpressible(const ir::Node& node, const std::string& what) {
  return unsupported("node \"{}\" ({}): {} cannot be written as ONNX of opset 17", node.name,
                     ir::op_name(node.op), what);
}

Status write_node(OnnxWriter& writer, const ir::Node& node) {
  const std::string& output = writer.graph().value(node.outputs[0]).name;
  return std::visit(NodeWriter{writer, node, output}, node.op);
}

}  // namespace xinfer::exporting
