#include "ir/verify.h"

#include <cmath>
#include <string>
#include <unordered_set>
#include <vector>

#include "ir/infer.h"

namespace xinfer::ir {
namespace {

/// One walk over a graph; every check assumes that those before it passed.
class Verifier {
 public:
  explicit Verifier(const Graph& graph)
      : graph_(graph), defined_(graph.value_count(), false), seen_(graph.node_count(), false) {}

  Status run() {
    XINFER_RETURN_IF_ERROR(check_inputs());
    define_constants();
    for (NodeId id : graph_.order()) {
      XINFER_RETURN_IF_ERROR(check_placement(id));
      XINFER_RETURN_IF_ERROR(check_operands(id));
      XINFER_RETURN_IF_ERROR(check_results(id));
    }
    XINFER_RETURN_IF_ERROR(check_completeness());
    for (std::size_t i = 0; i < graph_.value_count(); ++i) {
      if (defined_[i]) XINFER_RETURN_IF_ERROR(check_value(static_cast<ValueId>(i)));
    }
    for (NodeId id : graph_.order()) XINFER_RETURN_IF_ERROR(check_types(id));
    return check_outputs();
  }

 private:
  bool in_range(ValueId id) const {
    return id >= 0 && static_cast<std::size_t>(id) < graph_.value_count();
  }
  bool defined(ValueId id) const { return defined_[static_cast<std::size_t>(id)]; }
  void define(ValueId id) { defined_[static_cast<std::size_t>(id)] = true; }
  std::string label(NodeId id) const {
    const Node& node = graph_.node(id);
    return fmt::format("node \"{}\" ({})", node.name, op_name(node.op));
  }

  Status check_inputs() {
    for (ValueId id : graph_.inputs()) {
      if (!in_range(id)) return internal_error("graph input has value id {}, out of range", id);
      const Value& value = graph_.value(id);
      if (value.producer != kNoNode || value.is_constant()) {
        return internal_error("graph input \"{}\" is a {} as well", value.name,
                              value.is_constant() ? "constant" : "node's output");
      }
      if (defined(id)) return internal_error("graph input \"{}\" is listed twice", value.name);
      define(id);
    }
    return {};
  }

  void define_constants() {
    for (std::size_t i = 0; i < graph_.value_count(); ++i) {
      const Value& value = graph_.value(static_cast<ValueId>(i));
      if (value.producer == kNoNode && value.is_constant()) defined_[i] = true;
    }
  }

  Status check_placement(NodeId id) {
    if (id < 0 || static_cast<std::size_t>(id) >= graph_.node_count()) {
      return internal_error("the execution order holds node id {}, out of range", id);
    }
    if (graph_.node(id).removed) return internal_error("{} is removed, but in order", label(id));
    if (seen_[static_cast<std::size_t>(id)]) {
      return internal_error("{} is in the execution order twice", label(id));
    }
    seen_[static_cast<std::size_t>(id)] = true;
    const NodeId found = graph_.find_node(graph_.node(id).name);
    if (found == id) return {};
    return internal_error("{}: its name {}", label(id),
                          found == kNoNode ? "is not indexed (rename_node does that)"
                                           : "belongs to another node as well");
  }

  Status check_operands(NodeId id) const {
    const Node& node = graph_.node(id);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId input = node.inputs[i];
      if (input == kNoValue) continue;
      if (!in_range(input)) {
        return internal_error("{}: input {} has value id {}, out of range", label(id), i, input);
      }
      if (!defined(input)) {
        return internal_error("{}: input {} (\"{}\") is not produced before it", label(id), i,
                              graph_.value(input).name);
      }
    }
    return {};
  }

  Status check_results(NodeId id) {
    const Node& node = graph_.node(id);
    if (node.outputs.empty()) return internal_error("{}: has no outputs", label(id));
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      const ValueId output = node.outputs[i];
      if (output == kNoValue) continue;
      if (!in_range(output)) {
        return internal_error("{}: output {} has value id {}, out of range", label(id), i, output);
      }
      const Value& value = graph_.value(output);
      if (defined(output)) {
        return internal_error("{}: output \"{}\" is defined a second time", label(id), value.name);
      }
      if (value.producer != id || value.producer_output != static_cast<int>(i)) {
        return internal_error("{}: output {} (\"{}\") names node {}, output {} as its producer",
                              label(id), i, value.name, value.producer, value.producer_output);
      }
      if (value.is_constant()) {
        return internal_error("{}: output \"{}\" is a constant", label(id), value.name);
      }
      define(output);
    }
    return {};
  }

  Status check_completeness() const {
    for (std::size_t i = 0; i < graph_.node_count(); ++i) {
      const auto id = static_cast<NodeId>(i);
      if (!graph_.node(id).removed && !seen_[i]) {
        return internal_error("{} is not in the execution order", label(id));
      }
    }
    return {};
  }

  Status check_value(ValueId id) const {
    const Value& value = graph_.value(id);
    if (value.name.empty()) return internal_error("value {} has no name", id);
    const ValueId found = graph_.find_value(value.name);
    if (found != id) {
      return internal_error("value \"{}\": its name {}", value.name,
                            found == kNoValue ? "is not indexed (rename_value does that)"
                                              : "belongs to another value as well");
    }
    if (value.is_quantized()) {
      if (!std::isfinite(value.scale) || value.scale < 0) {
        return internal_error("value \"{}\" has scale {}, needs a finite positive one", value.name,
                              value.scale);
      }
      if (value.dtype != DType::kInt8 && value.dtype != DType::kUInt8) {
        return internal_error("value \"{}\" has scale {}, but is {}", value.name, value.scale,
                              to_string(value.dtype));
      }
    }
    for (const Dim& dim : value.shape) {
      if (dim.is_constant() && dim.constant() < 0) {
        return internal_error("value \"{}\" has shape {}", value.name, to_string(value.shape));
      }
    }
    return value.is_constant() ? check_constant(value) : Status();
  }

  static Status check_constant(const Value& value) {
    const Tensor& tensor = *value.constant;
    if (tensor.empty()) return internal_error("constant \"{}\" has no elements", value.name);
    const SymbolicShape shape(tensor.shape().begin(), tensor.shape().end());
    if (tensor.dtype() == value.dtype && shape == value.shape) return {};
    return internal_error("constant \"{}\" is {}{}, its tensor {}{}", value.name,
                          to_string(value.dtype), to_string(value.shape), to_string(tensor.dtype()),
                          to_string(shape));
  }

  Status check_types(NodeId id) const {
    const Result<std::vector<TensorType>> types = infer_types(graph_, id);
    if (!types.ok()) return Status(ErrorCode::kInternal, types.status().message());
    const Node& node = graph_.node(id);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      const Value& value = graph_.value(node.outputs[i]);
      if (value.shape != (*types)[i].shape) {
        return internal_error("{}: output \"{}\" has shape {}, inference says {}", label(id),
                              value.name, to_string(value.shape), to_string((*types)[i].shape));
      }
      XINFER_RETURN_IF_ERROR(check_type(id, value, (*types)[i]));
    }
    return {};
  }

  Status check_type(NodeId id, const Value& value, const TensorType& type) const {
    using Quantization = TensorType::Quantization;
    if (type.quantization == Quantization::kAsTheInput) {
      if (value.dtype == type.dtype && value.scale == type.scale) return {};
      return internal_error("{}: output \"{}\" is {} with scale {}, its input {} with scale {}",
                            label(id), value.name, to_string(value.dtype), value.scale,
                            to_string(type.dtype), type.scale);
    }
    if (value.is_quantized() && type.quantization == Quantization::kNever) {
      return internal_error("{}: output \"{}\" has scale {}, but this op gives {}", label(id),
                            value.name, value.scale, to_string(type.dtype));
    }
    if (value.is_quantized()) return {};
    if (type.quantization == Quantization::kRequired) {
      return internal_error("{}: output \"{}\" has no scale", label(id), value.name);
    }
    if (value.dtype == type.dtype) return {};
    return internal_error("{}: output \"{}\" is {}, inference says {}", label(id), value.name,
                          to_string(value.dtype), to_string(type.dtype));
  }

  Status check_outputs() const {
    std::unordered_set<std::string> names;
    for (const GraphOutput& output : graph_.outputs()) {
      if (!in_range(output.value) || !defined(output.value)) {
        return internal_error("graph output \"{}\" is not produced", output.name);
      }
      if (!names.insert(output.name).second) {
        return internal_error("two graph outputs are named \"{}\"", output.name);
      }
    }
    return {};
  }

  const Graph& graph_;
  std::vector<bool> defined_;  ///< by value: a graph input, a constant, or produced so far
  std::vector<bool> seen_;     ///< by node
};

}  // namespace

Status verify(const Graph& graph) { return Verifier(graph).run(); }

}  // namespace xinfer::ir
