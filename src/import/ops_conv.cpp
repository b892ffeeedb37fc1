// Conv.
#include "import/registry.h"
#include "import/window.h"

namespace xinfer::import {
namespace {

Status convert_conv(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId weight, node.input(1));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId bias, node.optional_input(2));
  const ir::SymbolicShape& weight_shape = node.value(weight).shape;
  if (weight_shape.size() < 3) {
    return node.invalid("weight has {} dimensions, needs at least 3", weight_shape.size());
  }
  std::vector<std::int64_t> kernel;
  for (std::size_t i = 2; i < weight_shape.size(); ++i) {
    if (!weight_shape[i].is_constant()) {
      return node.unsupported("weight of dynamic shape {}; supported: constant kernel sizes",
                              ir::to_string(weight_shape));
    }
    kernel.push_back(weight_shape[i].constant());
  }
  XINFER_ASSIGN_OR_RETURN(const Window window, read_window(node, node.value(x).shape, kernel));
  ir::Conv conv;
  conv.kernel = window.kernel;
  conv.strides = window.strides;
  conv.dilations = window.dilations;
  conv.pads_begin = window.pads_begin;
  conv.pads_end = window.pads_end;
  conv.groups = node.attributes().integer("group", 1);
  if (conv.groups < 1) return node.invalid("group is {}", conv.groups);
  std::vector<ir::ValueId> inputs{x, weight};
  if (bias != ir::kNoValue) inputs.push_back(bias);
  return node.output(std::move(conv), std::move(inputs));
}

constexpr OpEntry kOps[] = {
    {"Conv", 1, kStillValid, 2, 3, convert_conv, nullptr, "any number of spatial axes"},
};

}  // namespace

OpList conv_ops() { return kOps; }

}  // namespace xinfer::import
