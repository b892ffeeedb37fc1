#include "import/test_model.h"

#include <cctype>
#include <cstdlib>

namespace xinfer::import {

onnx::AttributeProto* TestNode::add(const char* name, onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto* attribute = node_->add_attribute();
  attribute->set_name(name);
  attribute->set_type(type);
  return attribute;
}

TestNode& TestNode::integer(const char* name, std::int64_t value) {
  add(name, onnx::AttributeProto::INT)->set_i(value);
  return *this;
}

TestNode& TestNode::integers(const char* name, const std::vector<std::int64_t>& values) {
  onnx::AttributeProto* attribute = add(name, onnx::AttributeProto::INTS);
  attribute->mutable_ints()->Add(values.begin(), values.end());
  return *this;
}

TestNode& TestNode::real(const char* name, float value) {
  add(name, onnx::AttributeProto::FLOAT)->set_f(value);
  return *this;
}

TestNode& TestNode::reals(const char* name, const std::vector<float>& values) {
  onnx::AttributeProto* attribute = add(name, onnx::AttributeProto::FLOATS);
  attribute->mutable_floats()->Add(values.begin(), values.end());
  return *this;
}

TestNode& TestNode::text(const char* name, const char* value) {
  add(name, onnx::AttributeProto::STRING)->set_s(value);
  return *this;
}

TestNode& TestNode::tensor(const char* name, const std::vector<std::int64_t>& dims,
                           const std::vector<std::int64_t>& values) {
  onnx::TensorProto* tensor = add(name, onnx::AttributeProto::TENSOR)->mutable_t();
  tensor->set_data_type(onnx::TensorProto::INT64);
  tensor->mutable_dims()->Add(dims.begin(), dims.end());
  tensor->mutable_int64_data()->Add(values.begin(), values.end());
  return *this;
}

TestModel::TestModel(int opset) {
  model_.set_ir_version(8);
  model_.add_opset_import()->set_version(opset);
  model_.mutable_graph()->set_name("test");
}

TestModel& TestModel::input(const char* name, std::initializer_list<const char*> dims, int type) {
  onnx::ValueInfoProto* input = model_.mutable_graph()->add_input();
  input->set_name(name);
  auto* tensor = input->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  tensor->mutable_shape();
  for (const char* dim : dims) {
    auto* entry = tensor->mutable_shape()->add_dim();
    if (std::isdigit(static_cast<unsigned char>(dim[0]))) {
      entry->set_dim_value(std::atoll(dim));
    } else {
      entry->set_dim_param(dim);
    }
  }
  return *this;
}

TestModel& TestModel::floats(const char* name, const std::vector<std::int64_t>& dims,
                             std::vector<float> values) {
  onnx::TensorProto* tensor = model_.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(onnx::TensorProto::FLOAT);
  std::int64_t count = 1;
  for (const std::int64_t dim : dims) {
    tensor->add_dims(dim);
    count *= dim;
  }
  if (values.empty()) values.assign(static_cast<std::size_t>(count), 0.0f);
  tensor->mutable_float_data()->Add(values.begin(), values.end());
  return *this;
}

TestModel& TestModel::ints(const char* name, const std::vector<std::int64_t>& dims,
                           const std::vector<std::int64_t>& values) {
  onnx::TensorProto* tensor = model_.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(onnx::TensorProto::INT64);
  tensor->mutable_dims()->Add(dims.begin(), dims.end());
  tensor->mutable_int64_data()->Add(values.begin(), values.end());
  return *this;
}

TestNode TestModel::node(const char* op, const std::vector<std::string>& inputs,
                         const std::vector<std::string>& outputs) {
  onnx::NodeProto* node = model_.mutable_graph()->add_node();
  node->set_op_type(op);
  node->set_name(fmt::format("{}{}", op, model_.graph().node_size()));
  for (const std::string& name : inputs) node->add_input(name);
  for (const std::string& name : outputs) node->add_output(name);
  return TestNode(node);
}

TestModel& TestModel::output(const char* name) {
  model_.mutable_graph()->add_output()->set_name(name);
  return *this;
}

Result<ir::Graph> TestModel::import(const ImportOptions& options,
                                    std::vector<std::string>* warnings) const {
  return import_onnx(as_bytes(bytes()), options, warnings);
}

std::string output_shape(const ir::Graph& graph, std::size_t index) {
  return ir::to_string(graph.value(graph.outputs()[index].value).shape);
}

std::string op_names(const ir::Graph& graph) {
  std::string text;
  for (const ir::NodeId id : graph.order()) {
    text += fmt::format("{}{}", text.empty() ? "" : " ", ir::op_name(graph.node(id).op));
  }
  return text;
}

}  // namespace xinfer::import
