// Convolutions, and matrix products with a constant second operand: weights quantised and packed.
#include <algorithm>
#include <optional>

#include "kernels/conv/conv.h"
#include "kernels/depthwise/depthwise.h"
#include "lower/absorbed_scaling.h"
#include "lower/constants.h"
#include "lower/handlers.h"
#include "quant/requantize.h"
#include "quant/weights.h"

namespace xinfer::lower {
namespace {

using kernels::ConvShape;
using kernels::ConvType;

ConvType conv_type(DType x) {
  return x == DType::kUInt8  ? ConvType::kU8S8
         : x == DType::kInt8 ? ConvType::kS8S8
                             : ConvType::kF32;
}

/// Weights ready for a kernel: packed bytes, and for INT8 the scales of the output channels.
struct ReadyWeights {
  fb::Blob blob;
  std::vector<float> scales;
};

/// `rows` is [out_channels, taps, inputs] float32 in the kernels' order.
Result<ReadyWeights> prepare_weights(Lowering& lowering, const ConvShape& shape, ConvType type,
                                     bool depthwise, const Tensor& rows) {
  ReadyWeights ready;
  const void* source = rows.data();
  quant::QuantizedWeights quantized;
  if (type != ConvType::kF32) {
    const std::int64_t taps = shape.kernel_h * shape.kernel_w;
    const std::int64_t inputs = shape.in_channels / shape.groups;
    const std::int64_t row_size = taps * inputs;
    XINFER_ASSIGN_OR_RETURN(
        quantized,
        quant::quantize_weights({static_cast<const float*>(rows.data()), shape.out_channels, taps,
                                 inputs, row_size, inputs, 1}));
    XINFER_RETURN_IF_ERROR(
        quant::check_accumulator(quant::largest_weight_sum(quantized.values, row_size),
                                 type == ConvType::kU8S8 ? DType::kUInt8 : DType::kInt8));
    source = quantized.values.data();
    ready.scales = std::move(quantized.scales);
  }
  if (lowering.weight_form() == WeightForm::kRows) {
    const std::size_t bytes = type == ConvType::kF32 ? rows.size_bytes() : quantized.values.size();
    ready.blob = lowering.blobs().add(std::span(static_cast<const std::byte*>(source), bytes));
    return ready;
  }
  std::vector<std::byte> packed(depthwise ? kernels::packed_depthwise_size(shape, type)
                                          : kernels::packed_weights_size(shape, type));
  if (depthwise) {
    kernels::pack_depthwise_weights(shape, type, source, packed.data());
  } else {
    kernels::pack_weights(shape, type, source, packed.data());
  }
  ready.blob = lowering.blobs().add(std::span<const std::byte>(packed));
  return ready;
}

std::span<const float> bias_of(const Lowering& lowering, const ir::Node& node, unsigned index) {
  if (index >= node.inputs.size() || node.inputs[index] == ir::kNoValue) return {};
  const ir::Value& bias = lowering.graph().value(node.inputs[index]);
  return bias.constant->values<float>();
}

/// Multiplier and bias of the epilogue: folded scales for INT8, the plain bias for float32.
void set_constants(Lowering& lowering, fb::EpilogueT& epilogue, const ir::Value& x,
                   const std::vector<float>& weight_scales, std::span<const float> bias,
                   float space) {
  if (!x.is_quantized()) {
    if (!bias.empty()) epilogue.bias = lowering.blobs().add(bias);
    return;
  }
  const quant::RequantizeConstants constants =
      quant::requantize_constants(x.scale, weight_scales, space, bias);
  epilogue.multiplier = lowering.add_floats(constants.multiplier);
  epilogue.bias = lowering.add_floats(constants.bias);
}

bool is_constant_or_absent(const Lowering& lowering, const ir::Node& node, unsigned index) {
  return index >= node.inputs.size() || node.inputs[index] == ir::kNoValue ||
         lowering.graph().value(node.inputs[index]).is_constant();
}

/// Weights [M, C/g, spatial…] as [M, spatial…, C/g].
Tensor channels_innermost(const Tensor& weights) {
  const auto rank = static_cast<std::int64_t>(weights.shape().size());
  std::vector<std::int64_t> axes = {0};
  for (std::int64_t axis = 2; axis < rank; ++axis) axes.push_back(axis);
  axes.push_back(1);
  return permuted(weights, axes);
}

bool has_depthwise_kernel(const ConvShape& shape) {
  return shape.groups > 1 && shape.groups == shape.in_channels &&
         shape.out_channels % shape.groups == 0;
}

}  // namespace

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Conv& op) {
  const ir::Graph& graph = lowering.graph();
  const ir::Value& x = graph.value(node.inputs[0]);
  const ir::Value& w = graph.value(node.inputs[1]);
  const ir::Value& y = graph.value(node.outputs[0]);
  if (op.kernel.empty() || op.kernel.size() > 2) {
    return unsupported_node(node,
                            fmt::format("{} spatial axes; supported: 1, 2", op.kernel.size()));
  }
  if (!w.is_constant() || !is_constant_or_absent(lowering, node, 2)) {
    return unsupported_node(node, "weights or bias computed at run time; supported: constants");
  }
  if (w.dtype != DType::kFloat32) {
    return unsupported_node(
        node, fmt::format("weights of type {}; supported: float32", to_string(w.dtype)));
  }
  ConvShape shape;
  shape.groups = op.groups;
  shape.in_channels = w.constant->shape()[1] * op.groups;
  shape.out_channels = w.constant->shape()[0];
  shape.kernel_h = op.kernel.size() == 2 ? op.kernel[0] : 1;
  shape.kernel_w = op.kernel.back();

  fb::ConvT conv;
  const ConvType type = conv_type(x.dtype);
  conv.type = static_cast<std::uint8_t>(type);
  conv.depthwise = has_depthwise_kernel(shape);
  conv.groups = op.groups;
  conv.kernel = op.kernel;
  conv.strides = op.strides;
  conv.dilations = op.dilations;
  conv.pads_begin = op.pads_begin;
  conv.in_channels = shape.in_channels;
  conv.out_channels = shape.out_channels;
  conv.epilogue = std::make_unique<fb::EpilogueT>();
  XINFER_ASSIGN_OR_RETURN(
      const ReadyWeights weights,
      prepare_weights(lowering, shape, type, conv.depthwise, channels_innermost(*w.constant)));
  conv.weights = weights.blob;
  set_constants(lowering, *conv.epilogue, x, weights.scales, bias_of(lowering, node, 2),
                accumulator_space(op.epilogue, y));

  std::vector<TensorId> inputs = {lowering.kernel_operand(node.inputs[0], Layout::kChannelsLast)};
  XINFER_RETURN_IF_ERROR(
      lower_epilogue(lowering, node, op.epilogue, Layout::kChannelsLast, inputs, *conv.epilogue));
  const TensorId output = lowering.define(node.outputs[0], Layout::kChannelsLast);
  lowering.add_step(node, std::move(conv), std::move(inputs), {output});
  return {};
}

Status lower_gemm(Lowering& lowering, const ir::Node& node, const ir::MatMul& op) {
  const ir::Graph& graph = lowering.graph();
  const ir::Value& x = graph.value(node.inputs[0]);
  const ir::Value& b = graph.value(node.inputs[1]);
  const ir::Value& y = graph.value(node.outputs[0]);
  const Tensor rows = op.transpose_b ? *b.constant : permuted(*b.constant, {1, 0});  // [N, K]
  ConvShape shape;
  shape.out_channels = rows.shape()[0];
  shape.in_channels = rows.shape()[1];

  fb::GemmT gemm;
  const ConvType type = conv_type(x.dtype);
  gemm.type = static_cast<std::uint8_t>(type);
  gemm.n = shape.out_channels;
  gemm.k = shape.in_channels;
  gemm.epilogue = std::make_unique<fb::EpilogueT>();
  XINFER_ASSIGN_OR_RETURN(const ReadyWeights weights,
                          prepare_weights(lowering, shape, type, /*depthwise=*/false, rows));
  gemm.weights = weights.blob;
  set_constants(lowering, *gemm.epilogue, x, weights.scales, bias_of(lowering, node, 2),
                accumulator_space(op.epilogue, y));

  std::vector<TensorId> inputs = {lowering.kernel_operand(node.inputs[0], Layout::kPlain)};
  XINFER_RETURN_IF_ERROR(
      lower_epilogue(lowering, node, op.epilogue, Layout::kPlain, inputs, *gemm.epilogue));
  const TensorId output = lowering.define(node.outputs[0], Layout::kPlain);
  lowering.add_step(node, std::move(gemm), std::move(inputs), {output});
  return {};
}

Status lower_runtime_matmul(Lowering& lowering, const ir::Node& node, const ir::MatMul& op) {
  const ir::Graph& graph = lowering.graph();
  const ir::Value& a = graph.value(node.inputs[0]);
  const ir::Value& b = graph.value(node.inputs[1]);
  const ir::Value& y = graph.value(node.outputs[0]);
  if (!is_constant_or_absent(lowering, node, 2)) {
    return unsupported_node(node, "a bias computed at run time; supported: a constant");
  }
  fb::MatMulT matmul;
  matmul.type = static_cast<std::uint8_t>(conv_type(a.dtype));
  matmul.transpose_a = op.transpose_a;
  matmul.transpose_b = op.transpose_b;
  matmul.epilogue = std::make_unique<fb::EpilogueT>();
  const std::span<const float> bias = bias_of(lowering, node, 2);
  const std::optional<float> factor = absorbed_factor(graph, node);
  if (a.is_quantized()) {
    // One scale for the whole second operand: as many equal entries as there are columns.
    const ir::Dim& columns = y.shape.back();
    if (!columns.is_constant()) {
      return unsupported_node(node, "INT8 product with a dynamic number of columns");
    }
    const std::vector<float> scales(static_cast<std::size_t>(columns.constant()), b.scale);
    // In units of 1 / factor the result is what the Mul behind it makes of it.
    const float space = accumulator_space(op.epilogue, y) / factor.value_or(1.0f);
    set_constants(lowering, *matmul.epilogue, a, scales, bias, space);
  } else if (!bias.empty()) {
    matmul.epilogue->bias = lowering.blobs().add(bias);
  }
  std::vector<TensorId> inputs = {lowering.kernel_operand(node.inputs[0], Layout::kPlain),
                                  lowering.kernel_operand(node.inputs[1], Layout::kPlain)};
  XINFER_RETURN_IF_ERROR(
      lower_epilogue(lowering, node, op.epilogue, Layout::kPlain, inputs, *matmul.epilogue));
  const TensorId output = lowering.define(node.outputs[0], Layout::kPlain);
  // The unscaled result exists nowhere: its tensor gets the name of the scaled one.
  if (factor) lowering.plan().tensors[static_cast<std::size_t>(output)]->names.clear();
  lowering.add_step(node, std::move(matmul), std::move(inputs), {output});
  return {};
}

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::MatMul& op) {
  const ir::Graph& graph = lowering.graph();
  const ir::Value& b = graph.value(node.inputs[1]);
  const bool gemm = b.is_constant() && b.shape.size() == 2 && !op.transpose_a &&
                    b.dtype == DType::kFloat32 && is_constant_or_absent(lowering, node, 2);
  return gemm ? lower_gemm(lowering, node, op) : lower_runtime_matmul(lowering, node, op);
}

}  // namespace xinfer::lower
