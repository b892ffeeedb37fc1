// Pooling, reductions, resizing, normalisation: ops that combine elements of one tensor.
#include <algorithm>

#include "lower/handlers.h"

namespace xinfer::lower {
namespace {

std::int64_t rank_of(const Lowering& lowering, ir::ValueId value) {
  return static_cast<std::int64_t>(lowering.graph().value(value).shape.size());
}

}  // namespace

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Pool& op) {
  fb::PoolT params;
  params.kind = static_cast<std::uint8_t>(op.kind);
  params.kernel = op.kernel;
  params.strides = op.strides;
  params.dilations = op.dilations;
  params.pads_begin = op.pads_begin;
  params.pads_end = op.pads_end;
  params.ceil_mode = op.ceil_mode;
  params.count_include_pad = op.count_include_pad;
  params.column_major_indices = op.column_major_indices;
  const TensorId input = lowering.operand(node.inputs[0], Layout::kChannelsLast);
  std::vector<TensorId> outputs;
  for (ir::ValueId output : node.outputs) {
    outputs.push_back(output == ir::kNoValue ? kNoTensor
                                             : lowering.define(output, Layout::kChannelsLast));
  }
  lowering.add_step(node, std::move(params), {input}, std::move(outputs));
  return {};
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Reduce& op) {
  const std::int64_t rank = rank_of(lowering, node.inputs[0]);
  Layout layout = lowering.native_layout(node.inputs[0]);
  Layout result = layout;
  if (!op.keep_dims) {
    // Only all spatial axes leave a plain [N, C] behind; anything else wants plain input.
    const bool spatial =
        static_cast<std::int64_t>(op.axes.size()) == rank - 2 &&
        std::all_of(op.axes.begin(), op.axes.end(), [](std::int64_t axis) { return axis >= 2; });
    if (!spatial) layout = Layout::kPlain;
    result = Layout::kPlain;
  }
  fb::ReduceT params;
  params.kind = static_cast<std::uint8_t>(op.kind);
  for (std::int64_t axis : op.axes) {
    params.axes.push_back(static_cast<std::uint32_t>(physical_axis(axis, rank, layout)));
  }
  std::sort(params.axes.begin(), params.axes.end());
  const TensorId input = lowering.operand(node.inputs[0], layout);
  const TensorId output = lowering.define(node.outputs[0], result);
  lowering.add_step(node, std::move(params), {input}, {output});
  return {};
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::ArgReduce& op) {
  fb::ArgReduceT params;
  params.max = op.max;
  params.axis = static_cast<std::uint32_t>(op.axis);
  params.select_last_index = op.select_last_index;
  const TensorId input = lowering.operand(node.inputs[0], Layout::kPlain);
  const TensorId output = lowering.define(node.outputs[0], Layout::kPlain);
  lowering.add_step(node, std::move(params), {input}, {output});
  return {};
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Softmax& op) {
  const Layout layout = agnostic_layout(lowering, node);
  fb::SoftmaxT params;
  params.axis =
      static_cast<std::uint32_t>(physical_axis(op.axis, rank_of(lowering, node.inputs[0]), layout));
  params.log = op.log;
  const TensorId input = lowering.operand(node.inputs[0], layout);
  const TensorId output = lowering.define(node.outputs[0], layout);
  lowering.add_step(node, std::move(params), {input}, {output});
  return {};
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::LayerNorm& op) {
  fb::LayerNormT params;
  params.axis = static_cast<std::uint32_t>(op.axis);
  params.epsilon = static_cast<float>(op.epsilon);
  std::vector<TensorId> inputs;
  for (ir::ValueId input : node.inputs) inputs.push_back(lowering.operand(input, Layout::kPlain));
  inputs.resize(3, kNoTensor);
  const TensorId output = lowering.define(node.outputs[0], Layout::kPlain);
  lowering.add_step(node, std::move(params), std::move(inputs), {output});
  return {};
}

Status lower_op(Lowering&, const ir::Node& node, const ir::BatchNorm&) {
  return internal_error("node \"{}\": simplify leaves no BatchNorm behind", node.name);
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Resize& op) {
  const std::int64_t rank = rank_of(lowering, node.inputs[0]);
  const Layout layout = rank == 4 ? Layout::kChannelsLast : Layout::kPlain;
  fb::ResizeT params;
  params.mode = static_cast<std::uint8_t>(op.mode);
  params.coordinates = static_cast<std::uint8_t>(op.coordinates);
  params.nearest = static_cast<std::uint8_t>(op.nearest);
  params.cubic_coefficient = op.cubic_coefficient;
  params.exclude_outside = op.exclude_outside;
  params.antialias = op.antialias;
  params.extrapolation_value = op.extrapolation_value;
  for (std::int64_t axis : axes_in_memory(rank, layout)) {
    const auto at = static_cast<std::size_t>(axis);
    if (!op.scales.empty()) params.scales.push_back(op.scales[at]);
  }
  for (std::size_t half = 0; half < 2 && !op.roi.empty(); ++half) {
    for (std::int64_t axis : axes_in_memory(rank, layout)) {
      params.roi.push_back(
          op.roi[half * static_cast<std::size_t>(rank) + static_cast<std::size_t>(axis)]);
    }
  }
  const TensorId input = lowering.operand(node.inputs[0], layout);
  const TensorId output = lowering.define(node.outputs[0], layout);
  lowering.add_step(node, std::move(params), {input}, {output});
  return {};
}

}  // namespace xinfer::lower
