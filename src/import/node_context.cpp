#include "import/node_context.h"

#include <algorithm>
#include <set>

#include "import/emit.h"

namespace xinfer::import {

NodeContext::NodeContext(ImportState& state, const onnx::NodeProto& node)
    : state_(state), node_(node), attributes_(node), name_(node.name()) {
  for (int i = 0; i < node.output_size() && name_.empty(); ++i) name_ = node.output(i);
}

std::string NodeContext::where() const {
  const std::string domain = node_.domain().empty() ? "" : node_.domain() + ".";
  return fmt::format("node \"{}\" ({}{}, opset {})", name_, domain, node_.op_type(), opset());
}

bool NodeContext::has_input(std::size_t index) const {
  return index < input_count() && !input_name(index).empty();
}

bool NodeContext::has_output(std::size_t index) const {
  return index < output_count() && !output_name(index).empty();
}

Result<ir::ValueId> NodeContext::input(std::size_t index) {
  if (!has_input(index)) return invalid("input {} is missing", index);
  return state_.values.materialise(input_name(index));
}

Result<ir::ValueId> NodeContext::optional_input(std::size_t index) {
  if (!has_input(index)) return ir::kNoValue;
  return input(index);
}

Result<std::vector<ir::ValueId>> NodeContext::all_inputs() {
  std::vector<ir::ValueId> values;
  for (std::size_t i = 0; i < input_count(); ++i) {
    XINFER_ASSIGN_OR_RETURN(values.emplace_back(), input(i));
  }
  return values;
}

Result<ir::SymbolicShape> NodeContext::shape(std::size_t index) {
  if (!has_input(index)) return invalid("input {} is missing", index);
  return state_.values.shape(input_name(index));
}

Result<DType> NodeContext::dtype(std::size_t index) {
  if (!has_input(index)) return invalid("input {} is missing", index);
  return state_.values.dtype(input_name(index));
}

const SymbolicTensor* NodeContext::symbolic(std::size_t index) {
  if (!has_input(index)) return nullptr;
  const Result<const SymbolicTensor*> found = state_.values.symbolic(input_name(index));
  // An initializer that cannot be read fails where its elements are needed.
  return found.ok() ? *found : nullptr;
}

Result<const SymbolicTensor*> NodeContext::require_symbolic(std::size_t index, const char* what) {
  if (!has_input(index)) return invalid("input {} ({}) is missing", index, what);
  XINFER_ASSIGN_OR_RETURN(const SymbolicTensor* const found,
                          state_.values.symbolic(input_name(index)));
  if (found == nullptr) {
    return unsupported(
        "{} \"{}\" is computed from data; supported: constants and expressions over dimensions",
        what, input_name(index));
  }
  return found;
}

Result<ir::SymbolicShape> NodeContext::dims(std::size_t index, const char* what) {
  XINFER_ASSIGN_OR_RETURN(const SymbolicTensor* const found, require_symbolic(index, what));
  ir::SymbolicShape dims;
  for (const Number& number : found->elements) {
    const auto dim = number.integer();
    if (!dim) return invalid("{} must be integers, found {}", what, to_string(found->dtype));
    dims.push_back(*dim);
  }
  return dims;
}

Result<std::vector<std::int64_t>> NodeContext::integers(std::size_t index, const char* what) {
  XINFER_ASSIGN_OR_RETURN(const ir::SymbolicShape found, dims(index, what));
  std::vector<std::int64_t> values;
  for (const ir::Dim& dim : found) {
    if (!dim.is_constant()) {
      return unsupported("{} depends on dynamic dimensions ({}); supported: constants", what,
                         dim.to_string());
    }
    values.push_back(dim.constant());
  }
  return values;
}

Result<std::vector<double>> NodeContext::reals(std::size_t index, const char* what) {
  XINFER_ASSIGN_OR_RETURN(const SymbolicTensor* const found, require_symbolic(index, what));
  if (!found->is_constant()) {
    return unsupported("{} depends on dynamic dimensions; supported: constants", what);
  }
  std::vector<double> values;
  for (const Number& number : found->elements) values.push_back(number.constant_value());
  return values;
}

Result<double> NodeContext::scalar(std::size_t index, const char* what) {
  XINFER_ASSIGN_OR_RETURN(const std::vector<double> values, reals(index, what));
  if (values.size() != 1) {
    return invalid("{} has {} elements, needs one", what, values.size());
  }
  return values[0];
}

Result<ir::ValueId> NodeContext::add(const char* suffix, ir::Op op,
                                     std::vector<ir::ValueId> inputs) {
  const std::string base = node_.output_size() > 0 ? output_name(0) : name_;
  return emit(state_.graph, name_ + "/" + suffix, std::move(op), std::move(inputs),
              base + "/" + suffix);
}

ir::ValueId NodeContext::add_constant(const char* suffix, Tensor tensor) {
  const std::string base = node_.output_size() > 0 ? output_name(0) : name_;
  return state_.graph.add_constant(base + "/" + suffix, std::move(tensor));
}

Status NodeContext::output(ir::Op op, std::vector<ir::ValueId> inputs, std::size_t index) {
  if (!has_output(index)) return Status();
  const std::string& result = output_name(index);
  // A node of several outputs is split into one node each: names stay unique.
  const std::string node_name = index == 0 ? name_ : result;
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId id,
                          emit(state_.graph, node_name, std::move(op), std::move(inputs), result));
  KnownValue known_value;
  known_value.id = id;
  return state_.values.define(result, std::move(known_value));
}

Status NodeContext::outputs(ir::Op op, std::vector<ir::ValueId> inputs) {
  std::vector<std::string> names(node_.output().begin(), node_.output().end());
  XINFER_ASSIGN_OR_RETURN(const ir::NodeId node,
                          emit_node(state_.graph, name_, std::move(op), std::move(inputs), names));
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) continue;
    KnownValue known_value;
    known_value.id = state_.graph.node(node).outputs[i];
    XINFER_RETURN_IF_ERROR(state_.values.define(names[i], std::move(known_value)));
  }
  return Status();
}

Status NodeContext::same(ir::ValueId from, std::size_t index) {
  return output(ir::Reshape{value(from).shape}, {from}, index);
}

Status NodeContext::quantized_output(DType dtype, float scale, ir::ValueId x) {
  XINFER_RETURN_IF_ERROR(output(ir::Quantize{}, {x}));
  if (!has_output(0)) return Status();
  ir::Value& quantized = state_.graph.value(state_.values.find(output_name(0))->id);
  quantized.dtype = dtype;
  quantized.scale = scale;
  return Status();
}

Status NodeContext::known(Tensor tensor, std::size_t index) {
  if (!has_output(index)) return Status();
  KnownValue known_value;
  known_value.tensor = std::move(tensor);
  return state_.values.define(output_name(index), std::move(known_value));
}

Status NodeContext::known(SymbolicTensor symbolic, std::size_t index) {
  if (!has_output(index)) return Status();
  KnownValue known_value;
  known_value.symbolic = std::move(symbolic);
  return state_.values.define(output_name(index), std::move(known_value));
}

void NodeContext::warn(const std::string& message) {
  state_.warnings.push_back(where() + ": " + message);
}

Result<std::int64_t> NodeContext::axis(std::int64_t value, std::size_t rank) const {
  const auto limit = static_cast<std::int64_t>(rank);
  if (value < -limit || value >= limit) {
    return invalid("axis {} is out of range for {} dimensions", value, rank);
  }
  return value < 0 ? value + limit : value;
}

Result<std::vector<std::int64_t>> NodeContext::axes(std::vector<std::int64_t> values,
                                                    std::size_t rank) const {
  for (std::int64_t& value : values) {
    XINFER_ASSIGN_OR_RETURN(value, axis(value, rank));
  }
  if (std::set<std::int64_t>(values.begin(), values.end()).size() != values.size()) {
    return invalid("an axis is named twice");
  }
  return values;
}

}  // namespace xinfer::import
