#include "lower/layout.h"

namespace xinfer::lower {
namespace {

bool has_channels_last_form(std::size_t rank) { return rank >= 3 && rank <= 5; }

template <typename... Ops>
bool is_any_of(const ir::Op& op) {
  return (std::holds_alternative<Ops>(op) || ...);
}

bool reduces_keeping_layout(const ir::Graph& graph, const ir::Node& node) {
  const auto* reduce = std::get_if<ir::Reduce>(&node.op);
  if (reduce == nullptr) return false;
  const auto rank = static_cast<std::int64_t>(graph.value(node.inputs[0]).shape.size());
  if (reduce->keep_dims) return true;
  // All spatial axes: [N, spatial…, C] becomes [N, C], which is plain.
  if (static_cast<std::int64_t>(reduce->axes.size()) != rank - 2) return false;
  for (std::int64_t axis : reduce->axes) {
    if (axis < 2) return false;
  }
  return true;
}

}  // namespace

std::int64_t physical_axis(std::int64_t axis, std::int64_t rank, Layout layout) {
  if (layout == Layout::kPlain || axis == 0) return axis;
  return axis == 1 ? rank - 1 : axis - 1;
}

std::vector<std::int64_t> axes_in_memory(std::int64_t rank, Layout layout) {
  std::vector<std::int64_t> axes(static_cast<std::size_t>(rank));
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    axes[static_cast<std::size_t>(physical_axis(axis, rank, layout))] = axis;
  }
  return axes;
}

ir::SymbolicShape physical_shape(const ir::SymbolicShape& shape, Layout layout) {
  ir::SymbolicShape result;
  for (std::int64_t axis : axes_in_memory(static_cast<std::int64_t>(shape.size()), layout)) {
    result.push_back(shape[static_cast<std::size_t>(axis)]);
  }
  return result;
}

bool layouts_coincide(const ir::SymbolicShape& shape) {
  if (!has_channels_last_form(shape.size())) return true;
  if (shape[1] == ir::Dim(1)) return true;
  for (std::size_t axis = 2; axis < shape.size(); ++axis) {
    if (shape[axis] != ir::Dim(1)) return false;
  }
  return true;
}

bool demands_channels_last(const ir::Graph& graph, ir::NodeId id) {
  const ir::Node& node = graph.node(id);
  if (node.inputs.empty() || node.inputs[0] == ir::kNoValue) return false;
  if (!has_channels_last_form(graph.value(node.inputs[0]).shape.size())) return false;
  return is_any_of<ir::Conv, ir::Pool>(node.op) ||
         (is_any_of<ir::Resize>(node.op) && graph.value(node.inputs[0]).shape.size() == 4);
}

bool accepts_any_layout(const ir::Op& op) {
  return is_any_of<ir::Unary, ir::Binary, ir::Select, ir::Clip, ir::Cast, ir::Concat, ir::Slice,
                   ir::Pad, ir::Softmax, ir::Reduce, ir::Quantize, ir::Dequantize, ir::Expand>(op);
}

std::vector<bool> wanted_channels_last(const ir::Graph& graph) {
  std::vector<bool> wanted(graph.value_count(), false);
  const auto& order = graph.order();
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const ir::Node& node = graph.node(*it);
    if (demands_channels_last(graph, *it)) {
      wanted[static_cast<std::size_t>(node.inputs[0])] = true;
      continue;
    }
    if (!accepts_any_layout(node.op) || node.outputs[0] == ir::kNoValue) continue;
    if (std::holds_alternative<ir::Reduce>(node.op) && !reduces_keeping_layout(graph, node))
      continue;
    const bool output_wanted = wanted[static_cast<std::size_t>(node.outputs[0])];
    for (ir::ValueId input : node.inputs) {
      if (output_wanted && input != ir::kNoValue &&
          has_channels_last_form(graph.value(input).shape.size())) {
        wanted[static_cast<std::size_t>(input)] = true;
      }
    }
  }
  return wanted;
}

}  // namespace xinfer::lower
