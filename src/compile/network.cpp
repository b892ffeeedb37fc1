// Network: borders, names and demands. network_layers.cpp has the layers.
#include "xinfer/builders/network.h"

#include <algorithm>
#include <cctype>

#include "compile/describe_graph.h"
#include "compile/network_state.h"
#include "import/onnx_import.h"
#include "ir/infer.h"
#include "ir/text.h"
#include "ir/verify.h"

namespace xinfer::builders {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 18 && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
  });
}

ir::Dim parse_input_dim(const std::string& text) {
  if (is_number(text)) return std::stoll(text);
  if (text.empty()) refuse("a dimension is empty; needed: a number or the name of a symbol");
  return ir::Dim::symbol(text);
}

ir::Precision to_ir(Precision precision) {
  switch (precision) {
    case Precision::kInt8:
      return ir::Precision::kInt8;
    case Precision::kFp16:
      return ir::Precision::kFp16;
    case Precision::kFp32:
      break;
  }
  return ir::Precision::kFp32;
}

Precision from_ir(ir::Precision precision) {
  switch (precision) {
    case ir::Precision::kInt8:
      return Precision::kInt8;
    case ir::Precision::kFp16:
      return Precision::kFp16;
    case ir::Precision::kFp32:
      break;
  }
  return Precision::kFp32;
}

}  // namespace

const ir::Value& Network::State::value(Value handle) const {
  if (!handle.exists() || static_cast<std::size_t>(handle.id) >= graph.value_count()) {
    refuse("a value that this network does not have");
  }
  return graph.value(handle.id);
}

Network::Value Network::State::add(ir::Op op, const std::vector<Value>& inputs,
                                   const std::string& name) {
  std::vector<ir::ValueId> ids;
  for (Value input : inputs) {
    if (input.exists()) value(input);
    ids.push_back(input.exists() ? input.id : ir::kNoValue);
  }
  std::string label = name.empty() ? ir::op_name(op) : name;
  const ir::NodeId node = graph.add_node(label, std::move(op), std::move(ids), {label});
  const Status status = ir::infer_node(graph, node);
  if (!status.ok()) {
    graph.remove_node(node);
    status.value();
  }
  return {graph.node(node).outputs[0]};
}

Network::Network(std::string name) : state_(std::make_unique<State>()) {
  state_->graph.name = std::move(name);
}
Network::Network(std::unique_ptr<State> state) : state_(std::move(state)) {}
Network::Network(const Network& other) : state_(std::make_unique<State>(*other.state_)) {}
Network& Network::operator=(const Network& other) {
  *state_ = *other.state_;
  return *this;
}
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;
Network::~Network() = default;

Network Network::from_onnx(const std::filesystem::path& path, std::vector<std::string>* warnings) {
  auto state = std::make_unique<State>();
  state->graph = import_onnx(path, {}, warnings).value();
  state->graph.name = path.stem().string();
  return Network(std::move(state));
}

Network Network::from_onnx(std::span<const std::byte> bytes, std::vector<std::string>* warnings) {
  auto state = std::make_unique<State>();
  state->graph = import_onnx(bytes, {}, warnings).value();
  return Network(std::move(state));
}

std::string Network::to_text() const { return ir::print(graph(), /*inline_limit=*/-1); }

Network Network::from_text(std::string_view text) {
  auto state = std::make_unique<State>();
  state->graph = ir::parse(text).value();
  const Status status = ir::verify(state->graph);
  if (!status.ok()) refuse("the text is no network: " + status.message());
  return Network(std::move(state));
}

Network::Value Network::add_input(const std::string& name, DType dtype,
                                  const std::vector<std::string>& dims) {
  if (name.empty() || find_value(name).exists()) {
    refuse("input \"" + name + "\": needed: a name that no value of the network has");
  }
  ir::SymbolicShape shape;
  for (const std::string& dim : dims) shape.push_back(parse_input_dim(dim));
  return {state_->graph.add_input(name, dtype, std::move(shape))};
}

Network::Value Network::add_constant(Tensor tensor, const std::string& name) {
  return {state_->graph.add_constant(name.empty() ? "constant" : name, std::move(tensor))};
}

void Network::mark_output(Value value, const std::string& name) {
  const std::string label = name.empty() ? state_->value(value).name : name;
  for (const ir::GraphOutput& output : state_->graph.outputs()) {
    if (output.name == label) refuse("two outputs are named \"" + label + "\"");
  }
  state_->graph.add_output(label, value.id);
}

void Network::unmark_output(Value value) {
  std::vector<ir::GraphOutput>& outputs = state_->graph.outputs();
  std::erase_if(outputs, [&](const ir::GraphOutput& output) { return output.value == value.id; });
}

Network::Value Network::output_value(std::size_t number) const {
  if (number >= state_->graph.outputs().size()) {
    refuse("output " + std::to_string(number) + "; the network has " +
           std::to_string(state_->graph.outputs().size()));
  }
  return {state_->graph.outputs()[number].value};
}

std::string Network::name() const { return state_->graph.name; }

Network::Value Network::find_value(const std::string& name) const {
  return {state_->graph.find_value(name)};
}

const std::string& Network::name_of(Value value) const { return state_->value(value).name; }

DType Network::dtype_of(Value value) const { return state_->value(value).dtype; }

float Network::scale_of(Value value) const { return state_->value(value).scale; }

std::vector<std::string> Network::dims_of(Value value) const {
  return compile::dims_of(state_->value(value));
}

Tensor Network::constant_of(Value value) const {
  return state_->value(value).constant.value_or(Tensor());
}

std::vector<std::string> Network::constants() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < graph().value_count(); ++i) {
    const ir::Value& value = graph().value(static_cast<ir::ValueId>(i));
    if (value.is_constant()) names.push_back(value.name);
  }
  return names;
}

void Network::set_constant(Value value, Tensor tensor) {
  const ir::Value& found = state_->value(value);
  if (!found.is_constant()) refuse("\"" + found.name + "\" is no constant");
  if (tensor.dtype() != found.constant->dtype() || tensor.shape() != found.constant->shape()) {
    refuse(std::string("constant \"") + found.name + "\": " + to_string(tensor.dtype()) +
           to_string(tensor.shape()) + "; needed: " + to_string(found.constant->dtype()) +
           to_string(found.constant->shape()));
  }
  state_->graph.value(value.id).constant = std::move(tensor);
}

void Network::rename_value(Value value, const std::string& name) {
  const std::string before = state_->value(value).name;
  if (name == before) return;
  if (name.empty() || find_value(name).exists()) {
    refuse("renaming \"" + before + "\" to \"" + name + "\": needed: a name that no value has");
  }
  state_->graph.rename_value(value.id, name);
  for (ir::GraphOutput& output : state_->graph.outputs()) {
    if (output.value == value.id && output.name == before) output.name = name;
  }
}

std::vector<BindingInfo> Network::inputs() const { return compile::describe_inputs(graph()); }
std::vector<BindingInfo> Network::outputs() const { return compile::describe_outputs(graph()); }
std::vector<NodeInfo> Network::layers() const { return compile::describe_nodes(graph()); }

void Network::set_precision(const std::string& layer, Precision precision, bool required) {
  if (state_->graph.find_node(layer) == ir::kNoNode) {
    refuse("the network has no layer \"" + layer + "\"");
  }
  state_->constraints.precisions.push_back({layer, to_ir(precision), required});
}

void Network::set_range(const std::string& value, double low, double high) {
  if (!find_value(value).exists()) refuse("the network has no value \"" + value + "\"");
  if (!(low < high)) refuse("the range of \"" + value + "\" needs low < high");
  state_->constraints.ranges[value] = {low, high};
}

std::map<std::string, std::pair<double, double>> Network::ranges() const {
  std::map<std::string, std::pair<double, double>> ranges;
  for (const auto& [name, range] : state_->constraints.ranges) {
    ranges[name] = {range.low, range.high};
  }
  return ranges;
}

std::vector<LayerPrecision> Network::precisions() const {
  std::vector<LayerPrecision> precisions;
  for (const ir::PrecisionRule& rule : state_->constraints.precisions) {
    precisions.push_back({rule.pattern, from_ir(rule.precision), rule.required});
  }
  return precisions;
}

const ir::Graph& Network::graph() const { return state_->graph; }
const ir::Constraints& Network::constraints() const { return state_->constraints; }

}  // namespace xinfer::builders
