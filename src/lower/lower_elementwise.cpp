// Elementwise ops, casts and the borders between float32 and INT8.
#include <algorithm>
#include <functional>

#include "kernels/elementwise/unary.h"
#include "kernels/quantize/quantize.h"
#include "lower/absorbed_scaling.h"
#include "lower/handlers.h"
#include "quant/quantize.h"
#include "quant/requantize.h"
#include "quant/table.h"

namespace xinfer::lower {
namespace {

/// The only clip of a Binary's epilogue, if there is one; more is not fused into Binary steps.
struct ClipBounds {
  bool present = false;
  double low = 0, high = 0;
};

Result<ClipBounds> only_clip(const ir::Node& node, const std::vector<ir::EpilogueOp>& epilogue) {
  if (epilogue.empty()) return ClipBounds{};
  if (epilogue.size() > 1 || epilogue[0].kind != ir::EpilogueOp::Kind::kClip) {
    return internal_error("node \"{}\": an elementwise step takes one clip at most", node.name);
  }
  return ClipBounds{true, epilogue[0].low, epilogue[0].high};
}

std::vector<TensorId> broadcast_operands(Lowering& lowering, const ir::Node& node, Layout layout) {
  const std::size_t rank = lowering.graph().value(node.outputs[0]).shape.size();
  std::vector<TensorId> operands;
  for (ir::ValueId input : node.inputs) {
    operands.push_back(lowering.operand_of_rank(input, rank, layout));
  }
  return operands;
}

template <typename Params>
Status lower_unary_step(Lowering& lowering, const ir::Node& node, Params params) {
  const Layout layout = agnostic_layout(lowering, node);
  const TensorId input = lowering.operand(node.inputs[0], layout);
  const TensorId output = lowering.define(node.outputs[0], layout);
  lowering.add_step(node, std::move(params), {input}, {output});
  return {};
}

Status lower_byte_table(Lowering& lowering, const ir::Node& node,
                        const std::function<double(double)>& function) {
  const ir::Value& x = lowering.graph().value(node.inputs[0]);
  const ir::Value& y = lowering.graph().value(node.outputs[0]);
  const quant::Table table = quant::build_table(function, {x.dtype, x.scale}, {y.dtype, y.scale});
  fb::ByteTableT params;
  params.table = lowering.blobs().add(std::span<const std::uint8_t>(table));
  return lower_unary_step(lowering, node, std::move(params));
}

Status lower_convert(Lowering& lowering, const ir::Node& node) {
  const ir::Value& x = lowering.graph().value(node.inputs[0]);
  const auto rank = static_cast<std::int64_t>(x.shape.size());
  const Layout from = lowering.native_layout(node.inputs[0]);
  // The layout change a neighbour wants costs nothing here.
  Layout to = from;
  if (lowering.is_wanted_channels_last(node.outputs[0])) to = Layout::kChannelsLast;
  if (lowering.graph().is_graph_output(node.outputs[0])) to = Layout::kPlain;
  fb::QuantizeT params;
  for (std::int64_t axis : axes_in_memory(rank, to)) {
    params.perm.push_back(static_cast<std::uint32_t>(physical_axis(axis, rank, from)));
  }
  const TensorId input = lowering.operand(node.inputs[0], from);
  const TensorId output = lowering.define(node.outputs[0], to);
  lowering.add_step(node, std::move(params), {input}, {output});
  return {};
}

}  // namespace

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Unary& op) {
  const ir::Value& x = lowering.graph().value(node.inputs[0]);
  const ir::Value& y = lowering.graph().value(node.outputs[0]);
  if (x.is_quantized() && y.is_quantized()) {
    return lower_byte_table(lowering, node, [&](double v) {
      return kernels::unary_reference(op.function, v + op.input_offset, op.alpha, op.beta) +
             op.offset;
    });
  }
  if (op.input_offset != 0 || op.offset != 0) {
    return internal_error("node \"{}\": a function with an offset has no table", node.name);
  }
  fb::UnaryT params;
  params.function = static_cast<std::uint8_t>(op.function);
  params.alpha = static_cast<float>(op.alpha);
  params.beta = static_cast<float>(op.beta);
  return lower_unary_step(lowering, node, std::move(params));
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Clip& op) {
  const ir::Value& x = lowering.graph().value(node.inputs[0]);
  const ir::Value& y = lowering.graph().value(node.outputs[0]);
  if (x.is_quantized() && y.is_quantized()) {
    return lower_byte_table(lowering, node,
                            [&](double v) { return std::min(std::max(v, op.low), op.high); });
  }
  fb::ClipT params;
  params.low = op.low;
  params.high = op.high;
  return lower_unary_step(lowering, node, std::move(params));
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Cast&) {
  return lower_unary_step(lowering, node, fb::CastT());
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Binary& op) {
  const ir::Graph& graph = lowering.graph();
  if (const ir::ValueId x = absorbed_operand(graph, node); x != ir::kNoValue) {
    const Layout native = lowering.native_layout(x);
    lowering.define_alias(node.outputs[0], native, lowering.operand(x, native));
    return {};
  }
  const Layout layout = agnostic_layout(lowering, node);
  XINFER_ASSIGN_OR_RETURN(const ClipBounds clip, only_clip(node, op.epilogue));
  const ir::Value& y = graph.value(node.outputs[0]);
  std::vector<TensorId> inputs = broadcast_operands(lowering, node, layout);
  const TensorId output = lowering.define(node.outputs[0], layout);
  if (graph.value(node.inputs[0]).is_quantized() && graph.value(node.inputs[1]).is_quantized()) {
    if (op.function != kernels::Binary::kAdd && op.function != kernels::Binary::kMul) {
      return internal_error("node \"{}\": only Add and Mul have INT8 kernels", node.name);
    }
    const float space = y.is_quantized() ? y.scale : 1.0f;
    fb::QuantizedBinaryT params;
    params.multiply = op.function == kernels::Binary::kMul;
    params.clip = clip.present;
    params.low = clip.present ? quant::rescale_factor(clip.low, space) : 0.0f;
    params.high = clip.present ? quant::rescale_factor(clip.high, space) : 0.0f;
    lowering.add_step(node, std::move(params), std::move(inputs), {output});
    return {};
  }
  fb::BinaryT params;
  params.function = static_cast<std::uint8_t>(op.function);
  params.clip = clip.present;
  params.low = clip.low;
  params.high = clip.high;
  lowering.add_step(node, std::move(params), std::move(inputs), {output});
  return {};
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Select&) {
  const Layout layout = agnostic_layout(lowering, node);
  std::vector<TensorId> inputs = broadcast_operands(lowering, node, layout);
  const TensorId output = lowering.define(node.outputs[0], layout);
  lowering.add_step(node, fb::SelectT(), std::move(inputs), {output});
  return {};
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Quantize&) {
  return lower_convert(lowering, node);
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Dequantize&) {
  return lower_convert(lowering, node);
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::ConvertImage& op) {
  const ir::Value& y = lowering.graph().value(node.outputs[0]);
  const DType entry = y.is_quantized() ? y.dtype : DType::kFloat32;
  const auto channels = static_cast<std::int64_t>(op.mean.size());
  std::vector<std::byte> tables(op.mean.size() * 256 * size_of(entry));
  kernels::make_image_tables(channels, op.pixel_scale, op.mean.data(), op.deviation.data(), entry,
                             y.scale, tables.data());
  fb::ConvertImageT params;
  params.tables = lowering.blobs().add(std::span<const std::byte>(tables));
  const TensorId input = lowering.operand(node.inputs[0], Layout::kPlain);
  // [N, H, W, C] in memory, as the image is.
  const TensorId output =
      lowering.define(node.outputs[0], op.channels_first ? Layout::kChannelsLast : Layout::kPlain);
  lowering.add_step(node, std::move(params), {input}, {output});
  return {};
}

}  // namespace xinfer::lower
