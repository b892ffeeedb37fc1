// Builds small ONNX models in memory, for tests.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "import/onnx_import.h"
#include "xinfer_onnx/onnx.pb.h"

namespace xinfer::import {

/// One node under construction; setters return the node so that calls can be chained.
class TestNode {
 public:
  explicit TestNode(onnx::NodeProto* node) : node_(node) {}
  TestNode& integer(const char* name, std::int64_t value);
  TestNode& integers(const char* name, const std::vector<std::int64_t>& values);
  TestNode& real(const char* name, float value);
  TestNode& reals(const char* name, const std::vector<float>& values);
  TestNode& text(const char* name, const char* value);
  /// An int64 tensor.
  TestNode& tensor(const char* name, const std::vector<std::int64_t>& dims,
                   const std::vector<std::int64_t>& values);
  onnx::NodeProto& proto() { return *node_; }

 private:
  onnx::AttributeProto* add(const char* name, onnx::AttributeProto::AttributeType type);
  onnx::NodeProto* node_;
};

class TestModel {
 public:
  explicit TestModel(int opset);

  /// A float input; a dimension is a number, or a symbol's name.
  TestModel& input(const char* name, std::initializer_list<const char*> dims,
                   int type = onnx::TensorProto::FLOAT);
  TestModel& floats(const char* name, const std::vector<std::int64_t>& dims,
                    std::vector<float> values = {});  ///< zeros if no values are given
  TestModel& ints(const char* name, const std::vector<std::int64_t>& dims,
                  const std::vector<std::int64_t>& values);
  TestNode node(const char* op, const std::vector<std::string>& inputs,
                const std::vector<std::string>& outputs);
  TestModel& output(const char* name);

  onnx::ModelProto& proto() { return model_; }
  std::string bytes() const { return model_.SerializeAsString(); }
  Result<ir::Graph> import(const ImportOptions& options = {},
                           std::vector<std::string>* warnings = nullptr) const;

 private:
  onnx::ModelProto model_;
};

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span<const char>(text));
}

/// The shape of the graph's output `index` as text: "[batch, 3]".
std::string output_shape(const ir::Graph& graph, std::size_t index = 0);

/// Operator names of the nodes in order: "Conv Clip Reshape".
std::string op_names(const ir::Graph& graph);

/// The only node whose op is a T.
template <typename T>
const T* find_op(const ir::Graph& graph) {
  const T* found = nullptr;
  for (const ir::NodeId id : graph.order()) {
    if (const T* op = std::get_if<T>(&graph.node(id).op)) found = op;
  }
  return found;
}

}  // namespace xinfer::import
