// Ops that move elements without computing: they work on any element type, INT8 included.
#include "lower/handlers.h"

namespace xinfer::lower {
namespace {

std::size_t rank_of(const Lowering& lowering, ir::ValueId value) {
  return lowering.graph().value(value).shape.size();
}

/// Per-axis attributes in memory order.
template <typename T>
std::vector<T> in_memory_order(const std::vector<T>& per_axis, Layout layout) {
  std::vector<T> result;
  for (std::int64_t axis : axes_in_memory(static_cast<std::int64_t>(per_axis.size()), layout)) {
    result.push_back(per_axis[static_cast<std::size_t>(axis)]);
  }
  return result;
}

}  // namespace

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Transpose& op) {
  const auto rank = static_cast<std::int64_t>(op.perm.size());
  const Layout from = lowering.native_layout(node.inputs[0]);
  const Layout to =
      lowering.is_wanted_channels_last(node.outputs[0]) ? Layout::kChannelsLast : Layout::kPlain;
  fb::TransposeT params;
  bool identity = true;
  for (std::int64_t axis : axes_in_memory(rank, to)) {
    const std::int64_t source = op.perm[static_cast<std::size_t>(axis)];
    params.perm.push_back(static_cast<std::uint32_t>(physical_axis(source, rank, from)));
    identity = identity && params.perm.back() == params.perm.size() - 1;
  }
  const TensorId input = lowering.operand(node.inputs[0], from);
  if (identity) {
    lowering.define_alias(node.outputs[0], to, input);
    return {};
  }
  const TensorId output = lowering.define(node.outputs[0], to);
  lowering.add_step(node, std::move(params), {input}, {output});
  return {};
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Reshape&) {
  lowering.define_alias(node.outputs[0], Layout::kPlain,
                        lowering.operand(node.inputs[0], Layout::kPlain));
  return {};
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Slice& op) {
  const Layout layout = agnostic_layout(lowering, node);
  fb::SliceT params;
  params.start = lowering.dims(in_memory_order(op.start, layout));
  params.step = in_memory_order(op.step, layout);
  const TensorId input = lowering.operand(node.inputs[0], layout);
  const TensorId output = lowering.define(node.outputs[0], layout);
  lowering.add_step(node, std::move(params), {input}, {output});
  return {};
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Concat& op) {
  const Layout layout = agnostic_layout(lowering, node);
  const auto rank = static_cast<std::int64_t>(rank_of(lowering, node.outputs[0]));
  fb::ConcatT params;
  params.axis = static_cast<std::uint32_t>(physical_axis(op.axis, rank, layout));
  std::vector<TensorId> inputs;
  for (ir::ValueId input : node.inputs) inputs.push_back(lowering.operand(input, layout));
  params.in_place.assign(inputs.size(), false);
  const TensorId output = lowering.define(node.outputs[0], layout);
  lowering.add_step(node, std::move(params), std::move(inputs), {output});
  return {};
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Pad& op) {
  const Layout layout = agnostic_layout(lowering, node);
  fb::PadT params;
  params.mode = static_cast<std::uint8_t>(op.mode);
  params.pads_begin = in_memory_order(op.pads_begin, layout);
  params.pads_end = in_memory_order(op.pads_end, layout);
  params.value = op.value;
  const TensorId input = lowering.operand(node.inputs[0], layout);
  const TensorId output = lowering.define(node.outputs[0], layout);
  lowering.add_step(node, std::move(params), {input}, {output});
  return {};
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Gather& op) {
  // With one index per position along an axis the rank stays, and so may the layout.
  const bool keeps_rank = rank_of(lowering, node.inputs[1]) == 1;
  const Layout layout = keeps_rank ? lowering.native_layout(node.inputs[0]) : Layout::kPlain;
  const auto rank = static_cast<std::int64_t>(rank_of(lowering, node.inputs[0]));
  fb::GatherT params;
  params.axis = static_cast<std::uint32_t>(physical_axis(op.axis, rank, layout));
  std::vector<TensorId> inputs = {lowering.operand(node.inputs[0], layout),
                                  lowering.operand(node.inputs[1], Layout::kPlain)};
  const TensorId output = lowering.define(node.outputs[0], layout);
  lowering.add_step(node, std::move(params), std::move(inputs), {output});
  return {};
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Expand&) {
  const Layout layout = agnostic_layout(lowering, node);
  const TensorId input =
      lowering.operand_of_rank(node.inputs[0], rank_of(lowering, node.outputs[0]), layout);
  const TensorId output = lowering.define(node.outputs[0], layout);
  lowering.add_step(node, fb::ExpandT(), {input}, {output});
  return {};
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::ShapeOf& op) {
  fb::ShapeOfT params;
  params.dims = lowering.dims(op.dims);
  const TensorId output = lowering.define(node.outputs[0], Layout::kPlain);
  lowering.add_step(node, std::move(params), {}, {output});
  return {};
}

}  // namespace xinfer::lower
