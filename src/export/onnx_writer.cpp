#include "export/onnx_writer.h"

#include <fmt/format.h>

#include "export/onnx_export.h"
#include "xinfer/core/version.h"

namespace xinfer::exporting {
namespace {

/// The newest IR version that belongs to the opset.
constexpr int kIrVersion = 8;

void set_attribute(onnx::AttributeProto& proto, const Attribute& value) {
  switch (value.kind) {
    case Attribute::Kind::kInteger:
      proto.set_type(onnx::AttributeProto::INT);
      proto.set_i(value.integer);
      break;
    case Attribute::Kind::kReal:
      proto.set_type(onnx::AttributeProto::FLOAT);
      proto.set_f(static_cast<float>(value.real));
      break;
    case Attribute::Kind::kText:
      proto.set_type(onnx::AttributeProto::STRING);
      proto.set_s(value.text);
      break;
    case Attribute::Kind::kNumbers:
      proto.set_type(onnx::AttributeProto::INTS);
      for (const std::int64_t entry : value.numbers) proto.add_ints(entry);
      break;
  }
}

}  // namespace

int onnx_type(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return onnx::TensorProto::FLOAT;
    case DType::kFloat16:
      return onnx::TensorProto::FLOAT16;
    case DType::kBFloat16:
      return onnx::TensorProto::BFLOAT16;
    case DType::kFloat64:
      return onnx::TensorProto::DOUBLE;
    case DType::kInt8:
      return onnx::TensorProto::INT8;
    case DType::kUInt8:
      return onnx::TensorProto::UINT8;
    case DType::kInt16:
      return onnx::TensorProto::INT16;
    case DType::kUInt16:
      return onnx::TensorProto::UINT16;
    case DType::kInt32:
      return onnx::TensorProto::INT32;
    case DType::kUInt32:
      return onnx::TensorProto::UINT32;
    case DType::kInt64:
      return onnx::TensorProto::INT64;
    case DType::kUInt64:
      return onnx::TensorProto::UINT64;
    case DType::kBool:
      return onnx::TensorProto::BOOL;
  }
  return onnx::TensorProto::UNDEFINED;
}

OnnxWriter::OnnxWriter(const ir::Graph& graph, bool quantized_biases)
    : graph_(graph), quantized_biases_(quantized_biases) {
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    if (graph.is_live(static_cast<ir::ValueId>(i))) {
      taken_[graph.value(static_cast<ir::ValueId>(i)).name] = 1;
    }
  }
  for (const ir::GraphOutput& output : graph.outputs()) taken_[output.name] = 1;
  model_.set_ir_version(kIrVersion);
  model_.set_producer_name("xinfer");
  model_.set_producer_version(kVersion);
  model_.add_opset_import()->set_version(kExportOpset);
  model_.mutable_graph()->set_name(graph.name.empty() ? "graph" : graph.name);
}

std::string OnnxWriter::unused(const std::string& base) {
  int& count = taken_[base];
  if (count++ == 0) return base;
  return unused(fmt::format("{}_{}", base, count));
}

std::string OnnxWriter::add(const std::string& op, const Names& inputs, const std::string& output,
                            const Attributes& attributes) {
  onnx::NodeProto& node = *model_.mutable_graph()->add_node();
  node.set_op_type(op);
  node.set_name(output);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(output);
  for (const auto& [name, value] : attributes) {
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    set_attribute(attribute, value);
  }
  return output;
}

std::string OnnxWriter::add_step(const std::string& op, const Names& inputs,
                                 const std::string& base, const Attributes& attributes) {
  return add(op, inputs, unused(base), attributes);
}

std::string OnnxWriter::constant(const Tensor& tensor, const std::string& base) {
  onnx::TensorProto& proto = *model_.mutable_graph()->add_initializer();
  proto.set_name(unused(base));
  proto.set_data_type(onnx_type(tensor.dtype()));
  for (const std::int64_t size : tensor.shape()) proto.add_dims(size);
  proto.set_raw_data(tensor.data(), tensor.size_bytes());
  return proto.name();
}

std::string OnnxWriter::integers(const Numbers& values, const std::string& base) {
  return constant(
      Tensor({static_cast<std::int64_t>(values.size())}, std::span<const std::int64_t>(values)),
      base);
}

std::string OnnxWriter::scalar(double value, DType dtype, const std::string& base) {
  Tensor tensor(dtype, {});
  switch (dtype) {
    case DType::kFloat32:
      tensor.values<float>()[0] = static_cast<float>(value);
      break;
    case DType::kFloat64:
      tensor.values<double>()[0] = value;
      break;
    case DType::kInt64:
      tensor.values<std::int64_t>()[0] = static_cast<std::int64_t>(value);
      break;
    case DType::kInt32:
      tensor.values<std::int32_t>()[0] = static_cast<std::int32_t>(value);
      break;
    default:
      tensor.values<std::uint8_t>()[0] = static_cast<std::uint8_t>(value);
      break;
  }
  return constant(tensor, base);
}

Names OnnxWriter::grid_of(const ir::Value& value) {
  Tensor zero(value.dtype, {});
  *static_cast<std::uint8_t*>(zero.data()) = 0;
  return {scalar(static_cast<double>(value.scale), DType::kFloat32, value.name + "_scale"),
          constant(zero, value.name + "_zero_point")};
}

std::string OnnxWriter::read(ir::ValueId id) {
  if (id == ir::kNoValue) return "";
  const ir::Value& value = graph_.value(id);
  if (value.is_constant()) {
    const auto [it, added] = constants_.try_emplace(id, "");
    if (added) {
      taken_.erase(value.name);
      it->second = constant(*value.constant, value.name);
    }
    return it->second;
  }
  if (!value.is_quantized()) return value.name;
  Names inputs = {value.name};
  for (const std::string& name : grid_of(value)) inputs.push_back(name);
  return add_step("DequantizeLinear", inputs, value.name + "_real");
}

void OnnxWriter::describe(onnx::ValueInfoProto& info, const std::string& name,
                          const ir::Value& value) {
  info.set_name(name);
  onnx::TypeProto::Tensor& type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx_type(value.dtype));
  onnx::TensorShapeProto& shape = *type.mutable_shape();
  for (const ir::Dim& dim : value.shape) {
    onnx::TensorShapeProto::Dimension& entry = *shape.add_dim();
    if (dim.is_constant()) {
      entry.set_dim_value(dim.constant());
    } else {
      entry.set_dim_param(dim.to_string());
    }
  }
}

std::string OnnxWriter::finish() {
  onnx::GraphProto& graph = *model_.mutable_graph();
  for (const ir::ValueId id : graph_.inputs()) {
    describe(*graph.add_input(), graph_.value(id).name, graph_.value(id));
  }
  for (const ir::GraphOutput& output : graph_.outputs()) {
    const ir::Value& value = graph_.value(output.value);
    if (value.name != output.name || value.is_constant()) {
      add("Identity", {read(output.value)}, output.name);
    }
    describe(*graph.add_output(), output.name, value);
  }
  return model_.SerializeAsString();
}

}  // namespace xinfer::exporting
