#include "import/free_batch.h"

#include <algorithm>

namespace xinfer::import {
namespace {

using ir::Dim;
using ir::SymbolicShape;

Dim batch() { return Dim::symbol(FreeBatch::kSymbol); }

/// The dimension is a constant times the batch.
bool is_multiple_of_batch(const Dim& dim) {
  return dim.terms().size() == 1 && dim.terms()[0].atoms.size() == 1 &&
         dim.terms()[0].atoms[0]->kind == Dim::Atom::Kind::kSymbol &&
         dim.terms()[0].atoms[0]->name == FreeBatch::kSymbol;
}

Dim product_before(const SymbolicShape& shape, std::size_t axis) {
  return ir::element_count(SymbolicShape(shape.begin(), shape.begin() + static_cast<long>(axis)));
}

/// The only axis that depends on the batch.
std::optional<std::size_t> batch_axis(const SymbolicShape& shape) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (!FreeBatch::depends_on_batch(shape[i])) continue;
    if (found) return {};
    found = i;
  }
  return found;
}

/// True where the op combines or chooses elements along `axis` of its first input.
bool mixes(const ir::Op& op, std::size_t axis, const SymbolicShape& shape) {
  const auto is = [&](std::int64_t other) { return other == static_cast<std::int64_t>(axis); };
  if (const auto* gather = std::get_if<ir::Gather>(&op)) return is(gather->axis);
  if (const auto* concat = std::get_if<ir::Concat>(&op)) return is(concat->axis);
  if (const auto* softmax = std::get_if<ir::Softmax>(&op)) return is(softmax->axis);
  if (const auto* arg = std::get_if<ir::ArgReduce>(&op)) return is(arg->axis);
  if (const auto* reduce = std::get_if<ir::Reduce>(&op)) {
    return std::any_of(reduce->axes.begin(), reduce->axes.end(), is);
  }
  if (const auto* slice = std::get_if<ir::Slice>(&op)) {
    return slice->size[axis] != shape[axis] || slice->step[axis] != 1;
  }
  return false;
}

}  // namespace

bool FreeBatch::depends_on_batch(const Dim& dim) {
  const std::vector<std::string> symbols = dim.symbols();
  return std::find(symbols.begin(), symbols.end(), kSymbol) != symbols.end();
}

bool FreeBatch::depends_on_batch(const SymbolicShape& shape) {
  return std::any_of(shape.begin(), shape.end(),
                     [](const Dim& dim) { return depends_on_batch(dim); });
}

SymbolicShape FreeBatch::single(const SymbolicShape& shape) {
  SymbolicShape result;
  for (const Dim& dim : shape) result.push_back(dim.substitute({{kSymbol, Dim(1)}}));
  return result;
}

std::optional<FreeBatch::Place> FreeBatch::find(const ir::Graph& graph, ir::ValueId id) const {
  const SymbolicShape& shape = graph.value(id).shape;
  const auto axis = batch_axis(shape);
  if (!axis || !is_multiple_of_batch(shape[*axis])) return {};
  if (shape[*axis] != batch() && outermost_.count(id) == 0) return {};
  return Place{*axis, product_before(shape, *axis)};
}

std::optional<SymbolicShape> FreeBatch::place(const ir::Graph& graph, ir::ValueId from,
                                              SymbolicShape target) const {
  const auto source = find(graph, from);
  if (!source) return {};
  for (std::size_t axis = 0; axis < target.size(); ++axis) {
    if (product_before(target, axis) != source->prefix) continue;
    target[axis] = target[axis] * batch();
    return target;
  }
  return {};
}

bool FreeBatch::keeps_order(const ir::Graph& graph, const ir::Node& node, std::size_t axis,
                            const SymbolicShape& shape) const {
  if (std::holds_alternative<ir::Reshape>(node.op)) {
    const auto source = find(graph, node.inputs[0]);
    return source && product_before(shape, axis) == source->prefix;
  }
  // Elsewhere an axis is moved as a whole or not at all.
  return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ir::ValueId input) {
    if (input == ir::kNoValue) return true;
    const SymbolicShape& from = graph.value(input).shape;
    if (!depends_on_batch(from)) return true;
    const auto source = find(graph, input);
    return source && from[source->axis] == shape[axis];
  });
}

Status FreeBatch::observe(const ir::Graph& graph, ir::NodeId id) {
  if (!active_) return Status();
  const ir::Node& node = graph.node(id);
  for (const ir::ValueId input : node.inputs) {
    if (input == ir::kNoValue) continue;
    const SymbolicShape& shape = graph.value(input).shape;
    const auto axis = batch_axis(shape);
    if (axis && mixes(node.op, *axis, shape)) {
      return unsupported(
          "node \"{}\" ({}) works across the samples of a batch (axis {} of {}); the model serves "
          "its fixed batch only",
          node.name, ir::op_name(node.op), *axis, ir::to_string(shape));
    }
    // Only the first input of these ops lies along the axis; Concat's inputs all do.
    if (!std::holds_alternative<ir::Concat>(node.op)) break;
  }
  for (const ir::ValueId output : node.outputs) {
    if (output == ir::kNoValue) continue;
    const SymbolicShape& shape = graph.value(output).shape;
    const auto axis = batch_axis(shape);
    if (axis && keeps_order(graph, node, *axis, shape)) outermost_.insert(output);
  }
  return Status();
}

Status FreeBatch::check_output(const std::string& name, const ir::Value& value) const {
  if (!active_ || depends_on_batch(value.shape)) return Status();
  return unsupported(
      "output \"{}\" of shape {} does not grow with the batch; the model serves its fixed batch "
      "only",
      name, ir::to_string(value.shape));
}

}  // namespace xinfer::import
