// Convolutions and matrix products as ONNX nodes, with their weights quantised per output channel.
#include <algorithm>
#include <iterator>

#include "export/onnx_ops.h"
#include "quant/bias.h"
#include "quant/weights.h"

namespace xinfer::exporting {
namespace {

Tensor transposed(const Tensor& matrix) {
  const std::int64_t rows = matrix.shape()[0], columns = matrix.shape()[1];
  Tensor result(matrix.dtype(), {columns, rows});
  const std::size_t size = size_of(matrix.dtype());
  const auto* from = static_cast<const std::byte*>(matrix.data());
  auto* to = static_cast<std::byte*>(result.data());
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      std::copy_n(from + static_cast<std::size_t>(r * columns + c) * size, size,
                  to + static_cast<std::size_t>(c * rows + r) * size);
    }
  }
  return result;
}

/// Weights as s8 behind a DequantizeLinear, output channels first; their scales.
struct RealWeights {
  Tensor values;
  std::vector<float> scales;
};

Result<RealWeights> quantized(const Tensor& weights) {
  const std::int64_t channels = weights.shape()[0];
  const std::int64_t inputs = weights.shape()[1];
  const std::int64_t row = weights.size() / std::max<std::int64_t>(channels, 1);
  const std::int64_t taps = row / std::max<std::int64_t>(inputs, 1);
  XINFER_ASSIGN_OR_RETURN(quant::QuantizedWeights found,
                          quant::quantize_weights({weights.values<float>().data(), channels, taps,
                                                   inputs, row, 1, taps}));
  Tensor values(DType::kInt8, weights.shape());
  // From [channels][taps][inputs] to ONNX's [channels][inputs][taps].
  std::int8_t* out = values.values<std::int8_t>().data();
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t i = 0; i < inputs; ++i) {
      for (std::int64_t t = 0; t < taps; ++t) {
        *out++ = found.values[static_cast<std::size_t>(c * row + t * inputs + i)];
      }
    }
  }
  return RealWeights{std::move(values), std::move(found.scales)};
}

std::string dequantized(OnnxWriter& writer, const Tensor& values, const std::vector<float>& scales,
                        std::int64_t axis, const std::string& name) {
  const Tensor scale({static_cast<std::int64_t>(scales.size())}, std::span<const float>(scales));
  const Names inputs = {writer.constant(values, name + "_quantized"),
                        writer.constant(scale, name + "_scale")};
  return writer.add_step("DequantizeLinear", inputs, name + "_real", {{"axis", axis}});
}

/// The bias as int32 in units of the products' scale where it fits, else as it is.
std::string write_bias(OnnxWriter& writer, ir::ValueId id, float input_scale,
                       const std::vector<float>& scales) {
  const ir::Value& bias = writer.graph().value(id);
  const bool fits_form = writer.quantized_biases() && bias.is_constant() &&
                         bias.constant->size() == static_cast<std::int64_t>(scales.size());
  if (!fits_form) return writer.read(id);
  const auto gridded = quant::grid_bias(bias.constant->values<float>(), input_scale, scales);
  if (!gridded) return writer.read(id);
  Tensor steps(DType::kInt32, {bias.constant->size()});
  std::copy(gridded->steps.begin(), gridded->steps.end(), steps.values<std::int32_t>().begin());
  return dequantized(writer, steps, gridded->scales, 0, bias.name);
}

/// A matrix operand with its last two axes as MatMul wants them.
std::string matrix(OnnxWriter& writer, ir::ValueId id, bool transpose) {
  const ir::Value& value = writer.graph().value(id);
  if (!transpose) return writer.read(id);
  Numbers axes(value.shape.size());
  for (std::size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<std::int64_t>(i);
  std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
  return writer.add_step("Transpose", {writer.read(id)}, value.name + "_transposed",
                         {{"perm", axes}});
}

}  // namespace

Numbers joined(const Numbers& begin, const Numbers& end) {
  Numbers both;
  both.reserve(begin.size() + end.size());
  std::copy(begin.begin(), begin.end(), std::back_inserter(both));
  std::copy(end.begin(), end.end(), std::back_inserter(both));
  return both;
}

Status write_conv(OnnxWriter& writer, const ir::Node& node, const ir::Conv& op,
                  const std::string& output) {
  const ir::Graph& graph = writer.graph();
  const ir::Value& x = graph.value(node.inputs[0]);
  const ir::Value& weights = graph.value(node.inputs[1]);
  const ir::ValueId bias = node.inputs.size() > 2 ? node.inputs[2] : ir::kNoValue;
  Names inputs = {writer.read(node.inputs[0])};
  if (x.is_quantized() && weights.is_constant()) {
    XINFER_ASSIGN_OR_RETURN(const RealWeights real, quantized(*weights.constant));
    inputs.push_back(dequantized(writer, real.values, real.scales, 0, weights.name));
    if (bias != ir::kNoValue) inputs.push_back(write_bias(writer, bias, x.scale, real.scales));
  } else {
    inputs.push_back(writer.read(node.inputs[1]));
    if (bias != ir::kNoValue) inputs.push_back(writer.read(bias));
  }
  writer.add("Conv", inputs, output,
             {{"kernel_shape", op.kernel},
              {"strides", op.strides},
              {"dilations", op.dilations},
              {"pads", joined(op.pads_begin, op.pads_end)},
              {"group", op.groups}});
  return Status();
}

Status write_matmul(OnnxWriter& writer, const ir::Node& node, const ir::MatMul& op,
                    const std::string& output) {
  const ir::Graph& graph = writer.graph();
  const ir::Value& a = graph.value(node.inputs[0]);
  const ir::Value& b = graph.value(node.inputs[1]);
  const ir::ValueId bias = node.inputs.size() > 2 ? node.inputs[2] : ir::kNoValue;
  const bool per_channel = a.is_quantized() && b.is_constant() && b.shape.size() == 2;
  const std::string left = matrix(writer, node.inputs[0], op.transpose_a);
  std::string right;
  std::vector<float> scales;
  if (per_channel) {
    const Tensor rows = op.transpose_b ? *b.constant : transposed(*b.constant);
    XINFER_ASSIGN_OR_RETURN(RealWeights real, quantized(rows));
    right = dequantized(writer, transposed(real.values), real.scales, 1, b.name);
    scales = std::move(real.scales);
  } else {
    right = matrix(writer, node.inputs[1], op.transpose_b);
  }
  if (bias == ir::kNoValue) {
    writer.add("MatMul", {left, right}, output);
  } else if (a.shape.size() == 2 && b.shape.size() == 2) {
    const std::string offset =
        per_channel ? write_bias(writer, bias, a.scale, scales) : writer.read(bias);
    writer.add("Gemm", {left, right, offset}, output);
  } else {
    const std::string product = writer.add_step("MatMul", {left, right}, output + "_product");
    writer.add("Add", {product, writer.read(bias)}, output);
  }
  return Status();
}

}  // namespace xinfer::exporting
