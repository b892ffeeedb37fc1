// Ops that compute, as ONNX nodes.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numbers>

#include "export/onnx_writer.h"
#include "ir/enum_names.h"
#include "quant/weights.h"

namespace xinfer::exporting {
namespace {

using kernels::Binary;
using kernels::Unary;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Numbers joined(const Numbers& begin, const Numbers& end) {
  Numbers both;
  both.reserve(begin.size() + end.size());
  std::copy(begin.begin(), begin.end(), std::back_inserter(both));
  std::copy(end.begin(), end.end(), std::back_inserter(both));
  return both;
}

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
  Tensor values(DType::kInt32, {bias.constant->size()});
  std::vector<float> units(scales.size());
  for (std::size_t i = 0; i < scales.size(); ++i) {
    units[i] = input_scale * scales[i];
    const double q = std::nearbyint(static_cast<double>(bias.constant->values<float>()[i]) /
                                    static_cast<double>(units[i]));
    if (!(std::abs(q) < 2147483647.0)) return writer.read(id);
    values.values<std::int32_t>()[i] = static_cast<std::int32_t>(q);
  }
  return dequantized(writer, values, units, 0, bias.name);
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

Status write_pool(OnnxWriter& writer, const ir::Node& node, const ir::Pool& op,
                  const std::string& output) {
  const bool is_max = op.kind == kernels::PoolKind::kMax;
  Attributes attributes = {{"kernel_shape", op.kernel},
                           {"strides", op.strides},
                           {"pads", joined(op.pads_begin, op.pads_end)},
                           {"ceil_mode", std::int64_t{op.ceil_mode}}};
  const bool dilated = std::any_of(op.dilations.begin(), op.dilations.end(),
                                   [](std::int64_t dilation) { return dilation != 1; });
  if (is_max) attributes.emplace_back("dilations", op.dilations);
  if (!is_max && dilated) return inexpressible(node, "average pooling with dilations");
  if (!is_max) attributes.emplace_back("count_include_pad", std::int64_t{op.count_include_pad});
  if (node.outputs.size() > 1 && node.outputs[1] != ir::kNoValue) {
    return inexpressible(node, "indices of a pooling");
  }
  writer.add(is_max ? "MaxPool" : "AveragePool", {writer.read(node.inputs[0])}, output, attributes);
  return Status();
}

/// x · f(x) and other sums of operators that this opset lacks.
Status write_composed(OnnxWriter& writer, const ir::Node& node, const ir::Unary& op,
                      const std::string& x, const std::string& output) {
  const auto number = [&](double value) {
    return writer.scalar(value, DType::kFloat32, output + "_constant");
  };
  const auto step = [&](const char* type, const Names& inputs) {
    return writer.add_step(type, inputs, output + "_step");
  };
  switch (op.function) {
    case Unary::kSilu:
      writer.add("Mul", {x, step("Sigmoid", {x})}, output);
      return Status();
    case Unary::kSwish:
      writer.add("Mul", {x, step("Sigmoid", {step("Mul", {x, number(op.alpha)})})}, output);
      return Status();
    case Unary::kMish:
      writer.add("Mul", {x, step("Tanh", {step("Softplus", {x})})}, output);
      return Status();
    case Unary::kGelu: {
      const std::string bent = step("Erf", {step("Div", {x, number(std::numbers::sqrt2)})});
      const std::string half = step("Mul", {x, number(0.5)});
      writer.add("Mul", {half, step("Add", {bent, number(1)})}, output);
      return Status();
    }
    case Unary::kGeluTanh: {
      const std::string cube =
          step("Mul", {step("Mul", {step("Mul", {x, x}), x}), number(0.044715)});
      const std::string inner =
          step("Mul", {step("Add", {x, cube}), number(std::sqrt(2 / std::numbers::pi))});
      const std::string half = step("Mul", {x, number(0.5)});
      writer.add("Mul", {half, step("Add", {step("Tanh", {inner}), number(1)})}, output);
      return Status();
    }
    default:
      return inexpressible(node, std::string(ir::enum_name(op.function)));
  }
}

struct UnaryName {
  Unary function;
  const char* onnx;
  const char* alpha;  ///< the attributes' names; null where there is none
  const char* beta;
};

constexpr UnaryName kUnaryNames[] = {
    {Unary::kIdentity, "Identity", nullptr, nullptr},
    {Unary::kAbs, "Abs", nullptr, nullptr},
    {Unary::kNeg, "Neg", nullptr, nullptr},
    {Unary::kExp, "Exp", nullptr, nullptr},
    {Unary::kLog, "Log", nullptr, nullptr},
    {Unary::kSqrt, "Sqrt", nullptr, nullptr},
    {Unary::kReciprocal, "Reciprocal", nullptr, nullptr},
    {Unary::kFloor, "Floor", nullptr, nullptr},
    {Unary::kCeil, "Ceil", nullptr, nullptr},
    {Unary::kRound, "Round", nullptr, nullptr},
    {Unary::kSign, "Sign", nullptr, nullptr},
    {Unary::kErf, "Erf", nullptr, nullptr},
    {Unary::kTanh, "Tanh", nullptr, nullptr},
    {Unary::kSigmoid, "Sigmoid", nullptr, nullptr},
    {Unary::kHardSigmoid, "HardSigmoid", "alpha", "beta"},
    {Unary::kHardSwish, "HardSwish", nullptr, nullptr},
    {Unary::kRelu, "Relu", nullptr, nullptr},
    {Unary::kLeakyRelu, "LeakyRelu", "alpha", nullptr},
    {Unary::kElu, "Elu", "alpha", nullptr},
    {Unary::kSelu, "Selu", "alpha", "gamma"},
    {Unary::kCelu, "Celu", "alpha", nullptr},
    {Unary::kThresholdedRelu, "ThresholdedRelu", "alpha", nullptr},
    {Unary::kSoftplus, "Softplus", nullptr, nullptr},
    {Unary::kSoftsign, "Softsign", nullptr, nullptr},
    {Unary::kShrink, "Shrink", "lambd", "bias"},
    {Unary::kSin, "Sin", nullptr, nullptr},
    {Unary::kCos, "Cos", nullptr, nullptr},
    {Unary::kTan, "Tan", nullptr, nullptr},
    {Unary::kAsin, "Asin", nullptr, nullptr},
    {Unary::kAcos, "Acos", nullptr, nullptr},
    {Unary::kAtan, "Atan", nullptr, nullptr},
    {Unary::kSinh, "Sinh", nullptr, nullptr},
    {Unary::kCosh, "Cosh", nullptr, nullptr},
    {Unary::kAsinh, "Asinh", nullptr, nullptr},
    {Unary::kAcosh, "Acosh", nullptr, nullptr},
    {Unary::kAtanh, "Atanh", nullptr, nullptr},
    {Unary::kNot, "Not", nullptr, nullptr},
};

Status write_unary(OnnxWriter& writer, const ir::Node& node, const ir::Unary& op,
                   const std::string& output) {
  const std::string x = writer.read(node.inputs[0]);
  for (const UnaryName& name : kUnaryNames) {
    if (name.function != op.function) continue;
    Attributes attributes;
    if (name.alpha != nullptr) attributes.emplace_back(name.alpha, op.alpha);
    if (name.beta != nullptr) attributes.emplace_back(name.beta, op.beta);
    writer.add(name.onnx, {x}, output, attributes);
    return Status();
  }
  return write_composed(writer, node, op, x, output);
}

const char* binary_name(Binary function) {
  switch (function) {
    case Binary::kAdd:
      return "Add";
    case Binary::kSub:
      return "Sub";
    case Binary::kMul:
      return "Mul";
    case Binary::kDiv:
      return "Div";
    case Binary::kPow:
      return "Pow";
    case Binary::kMin:
      return "Min";
    case Binary::kMax:
      return "Max";
    case Binary::kMod:
    case Binary::kFmod:
      return "Mod";
    case Binary::kPRelu:
      return "PRelu";
    case Binary::kEqual:
      return "Equal";
    case Binary::kLess:
      return "Less";
    case Binary::kLessOrEqual:
      return "LessOrEqual";
    case Binary::kGreater:
      return "Greater";
    case Binary::kGreaterOrEqual:
      return "GreaterOrEqual";
    case Binary::kAnd:
      return "And";
    case Binary::kOr:
      return "Or";
    case Binary::kXor:
      return "Xor";
    default:
      return nullptr;
  }
}

Status write_binary(OnnxWriter& writer, const ir::Node& node, const ir::Binary& op,
                    const std::string& output) {
  const char* name = binary_name(op.function);
  if (name == nullptr) return inexpressible(node, std::string(ir::enum_name(op.function)));
  Attributes attributes;
  if (op.function == Binary::kFmod) attributes.emplace_back("fmod", std::int64_t{1});
  writer.add(name, {writer.read(node.inputs[0]), writer.read(node.inputs[1])}, output, attributes);
  return Status();
}

void write_clip(OnnxWriter& writer, const ir::Node& node, const ir::Clip& op,
                const std::string& output) {
  const DType dtype = writer.graph().value(node.outputs[0]).dtype;
  const std::string x = writer.read(node.inputs[0]);
  if (op.low == 0 && op.high == kInfinity && dtype == DType::kFloat32) {
    writer.add("Relu", {x}, output);
    return;
  }
  const auto bound = [&](double value) {
    return std::isinf(value) ? std::string() : writer.scalar(value, dtype, output + "_bound");
  };
  Names inputs = {x, bound(op.low), bound(op.high)};
  while (inputs.back().empty()) inputs.pop_back();
  writer.add("Clip", inputs, output);
}

const char* reduction_name(kernels::ReduceKind kind) {
  switch (kind) {
    case kernels::ReduceKind::kSum:
      return "ReduceSum";
    case kernels::ReduceKind::kMean:
      return "ReduceMean";
    case kernels::ReduceKind::kMax:
      return "ReduceMax";
    case kernels::ReduceKind::kMin:
      return "ReduceMin";
    case kernels::ReduceKind::kProd:
      return "ReduceProd";
    case kernels::ReduceKind::kL1:
      return "ReduceL1";
    case kernels::ReduceKind::kL2:
      return "ReduceL2";
    case kernels::ReduceKind::kLogSum:
      return "ReduceLogSum";
    case kernels::ReduceKind::kLogSumExp:
      return "ReduceLogSumExp";
    case kernels::ReduceKind::kSumSquare:
      return "ReduceSumSquare";
  }
  return "ReduceSum";
}

/// Until opset 18 only ReduceSum takes its axes as an input. The mean over all spatial axes is
/// GlobalAveragePool, which runtimes know best.
void write_reduce(OnnxWriter& writer, const ir::Node& node, const ir::Reduce& op,
                  const std::string& output) {
  const std::size_t rank = writer.graph().value(node.inputs[0]).shape.size();
  const std::string x = writer.read(node.inputs[0]);
  const std::int64_t keep = op.keep_dims ? 1 : 0;
  Numbers spatial;
  for (std::size_t axis = 2; axis < rank; ++axis)
    spatial.push_back(static_cast<std::int64_t>(axis));
  if (op.kind == kernels::ReduceKind::kMean && op.keep_dims && !spatial.empty() &&
      op.axes == spatial) {
    writer.add("GlobalAveragePool", {x}, output);
  } else if (op.kind == kernels::ReduceKind::kSum) {
    writer.add("ReduceSum", {x, writer.integers(op.axes, output + "_axes")}, output,
               {{"keepdims", keep}});
  } else {
    writer.add(reduction_name(op.kind), {x}, output, {{"axes", op.axes}, {"keepdims", keep}});
  }
}

/// Scale and bias are optional here, the scale is not in ONNX.
void write_layer_norm(OnnxWriter& writer, const ir::Node& node, const ir::LayerNorm& op,
                      const std::string& output) {
  const ir::Value& x = writer.graph().value(node.inputs[0]);
  Names inputs = {writer.read(node.inputs[0])};
  const auto operand = [&](std::size_t i) {
    return i < node.inputs.size() ? writer.read(node.inputs[i]) : std::string();
  };
  std::string scale = operand(1);
  if (scale.empty()) {
    Shape shape;
    for (auto i = static_cast<std::size_t>(op.axis); i < x.shape.size(); ++i) {
      shape.push_back(x.shape[i].is_constant() ? x.shape[i].constant() : 1);
    }
    Tensor ones(DType::kFloat32, shape);
    std::fill(ones.values<float>().begin(), ones.values<float>().end(), 1.0f);
    scale = writer.constant(ones, output + "_ones");
  }
  inputs.push_back(scale);
  if (const std::string bias = operand(2); !bias.empty()) inputs.push_back(bias);
  writer.add("LayerNormalization", inputs, output, {{"axis", op.axis}, {"epsilon", op.epsilon}});
}

/// One overload an op; what moves elements is in onnx_ops_shape.cpp.
struct NodeWriter {
  OnnxWriter& writer;
  const ir::Node& node;
  const std::string& output;

  Names inputs() const {
    Names names;
    for (const ir::ValueId id : node.inputs) names.push_back(writer.read(id));
    return names;
  }

  Status operator()(const ir::Conv& op) const { return write_conv(writer, node, op, output); }
  Status operator()(const ir::MatMul& op) const { return write_matmul(writer, node, op, output); }
  Status operator()(const ir::Pool& op) const { return write_pool(writer, node, op, output); }
  Status operator()(const ir::Unary& op) const { return write_unary(writer, node, op, output); }
  Status operator()(const ir::Binary& op) const { return write_binary(writer, node, op, output); }
  Status operator()(const ir::BatchNorm& op) const {
    writer.add("BatchNormalization", inputs(), output, {{"epsilon", op.epsilon}});
    return Status();
  }
  Status operator()(const ir::LayerNorm& op) const {
    write_layer_norm(writer, node, op, output);
    return Status();
  }
  Status operator()(const ir::Softmax& op) const {
    writer.add(op.log ? "LogSoftmax" : "Softmax", inputs(), output, {{"axis", op.axis}});
    return Status();
  }
  Status operator()(const ir::Select&) const {
    writer.add("Where", inputs(), output);
    return Status();
  }
  Status operator()(const ir::Clip& op) const {
    write_clip(writer, node, op, output);
    return Status();
  }
  Status operator()(const ir::Cast& op) const {
    writer.add("Cast", inputs(), output, {{"to", std::int64_t{onnx_type(op.to)}}});
    return Status();
  }
  Status operator()(const ir::Reduce& op) const {
    write_reduce(writer, node, op, output);
    return Status();
  }
  Status operator()(const ir::ArgReduce& op) const {
    writer.add(op.max ? "ArgMax" : "ArgMin", inputs(), output,
               {{"axis", op.axis},
                {"keepdims", std::int64_t{op.keep_dims}},
                {"select_last_index", std::int64_t{op.select_last_index}}});
    return Status();
  }
  Status operator()(const ir::Quantize&) const {
    Names names = {writer.read(node.inputs[0])};
    for (const std::string& name : writer.grid_of(writer.graph().value(node.outputs[0]))) {
      names.push_back(name);
    }
    writer.add("QuantizeLinear", names, output);
    return Status();
  }
  Status operator()(const ir::Dequantize&) const {
    const ir::Value& input = writer.graph().value(node.inputs[0]);
    Names names = {input.name};
    for (const std::string& name : writer.grid_of(input)) names.push_back(name);
    writer.add("DequantizeLinear", names, output);
    return Status();
  }
  template <typename Op>
  Status operator()(const Op&) const {
    return write_movement(writer, node);
  }
};

}  // namespace

Status inexpressible(const ir::Node& node, const std::string& what) {
  return unsupported("node \"{}\" ({}): {} cannot be written as ONNX of opset 17", node.name,
                     ir::op_name(node.op), what);
}

Status write_node(OnnxWriter& writer, const ir::Node& node) {
  const std::string& output = writer.graph().value(node.outputs[0]).name;
  return std::visit(NodeWriter{writer, node, output}, node.op);
}

}  // namespace xinfer::exporting
