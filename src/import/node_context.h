// One ONNX node while it is imported: what a handler reads from it and how it answers.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "core/status.h"
#include "import/attributes.h"
#include "import/free_batch.h"
#include "import/known_values.h"
#include "ir/graph.h"

namespace xinfer::import {

/// Everything that lives as long as the import of one model.
struct ImportState {
  ir::Graph& graph;
  KnownValues& values;
  FreeBatch& free_batch;
  std::vector<std::string>& warnings;
  int opset = 0;
};

class NodeContext {
 public:
  NodeContext(ImportState& state, const onnx::NodeProto& node);

  // --- the node ---
  const onnx::NodeProto& proto() const { return node_; }
  const std::string& op_type() const { return node_.op_type(); }
  int opset() const { return state_.opset; }
  /// The node's name, or its first output's.
  const std::string& name() const { return name_; }
  /// `node "up1" (Resize, opset 13)`
  std::string where() const;
  Attributes& attributes() { return attributes_; }
  ImportState& state() { return state_; }

  // --- inputs ---
  std::size_t input_count() const { return static_cast<std::size_t>(node_.input_size()); }
  /// Given and not the empty name.
  bool has_input(std::size_t index) const;
  /// The input as data of the graph.
  Result<ir::ValueId> input(std::size_t index);
  /// kNoValue if absent.
  Result<ir::ValueId> optional_input(std::size_t index);
  Result<std::vector<ir::ValueId>> all_inputs();
  Result<ir::SymbolicShape> shape(std::size_t index);
  Result<DType> dtype(std::size_t index);
  /// The input as numbers known at import; null if absent, large or known only at run time.
  const SymbolicTensor* symbolic(std::size_t index);
  /// The elements of an input that must be known at import: constants, or expressions.
  /// `what` names the operand in the message.
  Result<std::vector<std::int64_t>> integers(std::size_t index, const char* what);
  Result<ir::SymbolicShape> dims(std::size_t index, const char* what);
  Result<std::vector<double>> reals(std::size_t index, const char* what);
  Result<double> scalar(std::size_t index, const char* what);

  // --- outputs ---
  std::size_t output_count() const { return static_cast<std::size_t>(node_.output_size()); }
  bool has_output(std::size_t index) const;
  const ir::Value& value(ir::ValueId id) const { return state_.graph.value(id); }
  /// Adds a helper node whose output is called "<first output>/<suffix>".
  Result<ir::ValueId> add(const char* suffix, ir::Op op, std::vector<ir::ValueId> inputs);
  ir::ValueId add_constant(const char* suffix, Tensor tensor);
  /// Adds the node that gives the ONNX node's output `index`, under its name.
  Status output(ir::Op op, std::vector<ir::ValueId> inputs, std::size_t index = 0);
  /// As output, for an op that gives all outputs of the node.
  Status outputs(ir::Op op, std::vector<ir::ValueId> inputs);
  /// Output `index` has the elements of `from` (a Reshape to the same shape).
  Status same(ir::ValueId from, std::size_t index = 0);
  /// The first output is x quantised with that scale and zero point 0.
  Status quantized_output(DType dtype, float scale, ir::ValueId x);
  /// Output `index` is known at import.
  Status known(Tensor tensor, std::size_t index = 0);
  Status known(SymbolicTensor symbolic, std::size_t index = 0);

  // --- refusals ---
  /// `node "up1" (Resize, opset 13): ` and the message.
  template <typename... Args>
  Status unsupported(fmt::format_string<Args...> format, Args&&... args) const {
    return Status(ErrorCode::kUnsupported,
                  where() + ": " + fmt::format(format, std::forward<Args>(args)...));
  }
  template <typename... Args>
  Status invalid(fmt::format_string<Args...> format, Args&&... args) const {
    return Status(ErrorCode::kInvalidModel,
                  where() + ": " + fmt::format(format, std::forward<Args>(args)...));
  }
  void warn(const std::string& message);

  /// A possibly negative axis made non-negative; `rank` dimensions.
  Result<std::int64_t> axis(std::int64_t value, std::size_t rank) const;
  Result<std::vector<std::int64_t>> axes(std::vector<std::int64_t> values, std::size_t rank) const;

 private:
  const std::string& input_name(std::size_t index) const {
    return node_.input(static_cast<int>(index));
  }
  const std::string& output_name(std::size_t index) const {
    return node_.output(static_cast<int>(index));
  }
  Result<const SymbolicTensor*> require_symbolic(std::size_t index, const char* what);

  ImportState& state_;
  const onnx::NodeProto& node_;
  Attributes attributes_;
  std::string name_;
};

}  // namespace xinfer::import
