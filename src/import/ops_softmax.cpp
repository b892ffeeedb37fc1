// Softmax, LogSoftmax.
#include "import/registry.h"

namespace xinfer::import {
namespace {

Status convert_softmax_as(NodeContext& node, bool log) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  const std::size_t rank = node.value(x).shape.size();
  XINFER_ASSIGN_OR_RETURN(const std::int64_t axis,
                          node.axis(node.attributes().integer("axis", -1), rank));
  return node.output(ir::Softmax{axis, log}, {x});
}

/// Before opset 13 the axes from `axis` on are one: softmax over the rows of a matrix.
Status convert_flat_softmax_as(NodeContext& node, bool log) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  const ir::SymbolicShape shape = node.value(x).shape;
  XINFER_ASSIGN_OR_RETURN(const std::int64_t axis,
                          node.axis(node.attributes().integer("axis", 1), shape.size()));
  const ir::SymbolicShape outer(shape.begin(), shape.begin() + axis);
  const ir::SymbolicShape inner(shape.begin() + axis, shape.end());
  if (ir::element_count(inner) == inner[0]) return node.output(ir::Softmax{axis, log}, {x});
  const ir::SymbolicShape matrix{ir::element_count(outer), ir::element_count(inner)};
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId flat, node.add("flat", ir::Reshape{matrix}, {x}));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId rows, node.add("rows", ir::Softmax{1, log}, {flat}));
  return node.output(ir::Reshape{shape}, {rows});
}

Status convert_softmax(NodeContext& node) { return convert_softmax_as(node, false); }
Status convert_log_softmax(NodeContext& node) { return convert_softmax_as(node, true); }
Status convert_flat_softmax(NodeContext& node) { return convert_flat_softmax_as(node, false); }
Status convert_flat_log_softmax(NodeContext& node) { return convert_flat_softmax_as(node, true); }

constexpr OpEntry kOps[] = {
    {"Softmax", 1, 12, 1, 1, convert_flat_softmax},
    {"Softmax", 13, kStillValid, 1, 1, convert_softmax},
    {"LogSoftmax", 1, 12, 1, 1, convert_flat_log_softmax},
    {"LogSoftmax", 13, kStillValid, 1, 1, convert_log_softmax},
};

}  // namespace

OpList softmax_ops() { return kOps; }

}  // namespace xinfer::import
