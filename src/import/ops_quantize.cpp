// QuantizeLinear, DequantizeLinear. One scale with zero point 0 becomes the graph's own Quantize
// and Dequantize, which builds run in INT8; constants are computed here, as ONNX defines them;
// everything else becomes float arithmetic of the same results.
#include <algorithm>
#include <cmath>

#include "import/registry.h"
#include "import/tensor_proto.h"
#include "quant/quantize.h"

namespace xinfer::import {
namespace {

using kernels::Binary;
using kernels::Unary;

/// The operands that both operators share.
struct Grid {
  ir::ValueId scale = ir::kNoValue;
  ir::ValueId zero_point = ir::kNoValue;
  DType dtype = DType::kUInt8;  ///< of the quantised side
  std::int64_t axis = -1;       ///< of the channels; -1 for one scale
};

struct IntegerLimits {
  double low, high;
};

/// Of the integers that hold quantised values; nothing for other types.
std::optional<IntegerLimits> limits_of(DType dtype) {
  switch (dtype) {
    case DType::kInt8:
      return IntegerLimits{-128, 127};
    case DType::kUInt8:
      return IntegerLimits{0, 255};
    case DType::kInt16:
      return IntegerLimits{-32768, 32767};
    case DType::kUInt16:
      return IntegerLimits{0, 65535};
    case DType::kInt32:
      return IntegerLimits{-2147483648.0, 2147483647.0};
    default:
      return std::nullopt;
  }
}

const Tensor* constant_of(NodeContext& node, ir::ValueId id) {
  if (id == ir::kNoValue || !node.value(id).is_constant()) return nullptr;
  return &*node.value(id).constant;
}

/// An element of an integer tensor, or of a float32 one.
double element(const Tensor& tensor, std::int64_t index) {
  const auto i = static_cast<std::size_t>(index);
  switch (tensor.dtype()) {
    case DType::kInt8:
      return tensor.values<std::int8_t>()[i];
    case DType::kUInt8:
      return tensor.values<std::uint8_t>()[i];
    case DType::kInt16:
      return tensor.values<std::int16_t>()[i];
    case DType::kUInt16:
      return tensor.values<std::uint16_t>()[i];
    case DType::kInt32:
      return tensor.values<std::int32_t>()[i];
    default:
      return static_cast<double>(tensor.values<float>()[i]);
  }
}

void set_element(Tensor& tensor, std::int64_t index, double value) {
  const auto i = static_cast<std::size_t>(index);
  switch (tensor.dtype()) {
    case DType::kInt8:
      tensor.values<std::int8_t>()[i] = static_cast<std::int8_t>(value);
      break;
    case DType::kUInt8:
      tensor.values<std::uint8_t>()[i] = static_cast<std::uint8_t>(value);
      break;
    case DType::kInt16:
      tensor.values<std::int16_t>()[i] = static_cast<std::int16_t>(value);
      break;
    case DType::kUInt16:
      tensor.values<std::uint16_t>()[i] = static_cast<std::uint16_t>(value);
      break;
    case DType::kInt32:
      tensor.values<std::int32_t>()[i] = static_cast<std::int32_t>(value);
      break;
    default:
      tensor.values<float>()[i] = static_cast<float>(value);
      break;
  }
}

/// Sets the channels' axis, and checks the shapes and types of scale and zero point against x.
Status check_grid(NodeContext& node, ir::ValueId x, Grid& grid) {
  if (const std::int64_t block = node.attributes().integer("block_size", 0); block != 0) {
    return node.unsupported("block_size {}; supported: one scale, or one a channel", block);
  }
  if (!limits_of(grid.dtype)) {
    return node.unsupported("quantised type {}; supported: int8, uint8, int16, uint16, int32",
                            to_string(grid.dtype));
  }
  const std::int64_t axis = node.attributes().integer("axis", 1);
  const ir::Value& scale = node.value(grid.scale);
  if (scale.dtype != DType::kFloat32) {
    return node.unsupported("scale of {}; supported: float", to_string(scale.dtype));
  }
  // ONNX Runtime writes [1] beside a scalar.
  if (grid.zero_point != ir::kNoValue &&
      ir::element_count(node.value(grid.zero_point).shape) != ir::element_count(scale.shape)) {
    return node.invalid("scale has shape {}, zero point {}", ir::to_string(scale.shape),
                        ir::to_string(node.value(grid.zero_point).shape));
  }
  if (ir::element_count(scale.shape) == ir::Dim(1)) return Status();
  if (scale.shape.size() != 1) {
    return node.invalid("scale has shape {}; needs one dimension", ir::to_string(scale.shape));
  }
  const ir::SymbolicShape& shape = node.value(x).shape;
  XINFER_ASSIGN_OR_RETURN(grid.axis, node.axis(axis, shape.size()));
  const ir::Dim& channels = shape[static_cast<std::size_t>(grid.axis)];
  if (scale.shape[0] == channels) return Status();
  return node.invalid("{} scales for {} channels of axis {}", scale.shape[0].to_string(),
                      channels.to_string(), grid.axis);
}

/// True if the zero point is absent or 0 everywhere.
bool is_symmetric(NodeContext& node, const Grid& grid) {
  if (grid.zero_point == ir::kNoValue) return true;
  const Tensor* zero = constant_of(node, grid.zero_point);
  if (zero == nullptr) return false;
  for (std::int64_t i = 0; i < zero->size(); ++i) {
    if (element(*zero, i) != 0) return false;
  }
  return true;
}

/// The scale if the graph's own Quantize and Dequantize can have it.
std::optional<float> plain_scale(NodeContext& node, const Grid& grid) {
  const Tensor* scale = constant_of(node, grid.scale);
  const bool is_int8 = grid.dtype == DType::kInt8 || grid.dtype == DType::kUInt8;
  if (scale == nullptr || grid.axis >= 0 || !is_int8 || !is_symmetric(node, grid)) {
    return std::nullopt;
  }
  const float value = scale->values<float>()[0];
  return quant::is_usable_scale(value) ? std::optional(value) : std::nullopt;
}

/// Says once a model why its quantisation does not lead to INT8.
void warn_of_float(NodeContext& node, const Grid& grid) {
  constexpr const char* kReason = "so it is computed in float32, as is every node like it";
  const auto said = [&](const std::string& text) { return text.find(kReason) != text.npos; };
  const std::vector<std::string>& warnings = node.state().warnings;
  if (std::any_of(warnings.begin(), warnings.end(), said)) return;
  const char* found = "its scale or zero point is no constant";
  if (grid.axis >= 0) found = "it has a scale a channel";
  if (constant_of(node, grid.scale) != nullptr && !is_symmetric(node, grid)) {
    found = "its zero point is not 0";
  }
  node.warn(
      fmt::format("INT8 activations have one scale and zero point 0; {}, {}", found, kReason));
}

/// f(element of x, its scale, its zero point) for every element of constants; null operands where
/// any is computed.
template <typename Function>
std::optional<Tensor> map_constant(NodeContext& node, ir::ValueId x, const Grid& grid, DType result,
                                   Function&& function) {
  const Tensor* values = constant_of(node, x);
  const Tensor* scale = constant_of(node, grid.scale);
  const Tensor* zero = constant_of(node, grid.zero_point);
  const bool known =
      values != nullptr && scale != nullptr && (zero != nullptr || grid.zero_point == ir::kNoValue);
  if (!known) return std::nullopt;
  std::int64_t inner = 1;
  for (auto i = static_cast<std::size_t>(grid.axis + 1); i < values->shape().size(); ++i) {
    inner *= values->shape()[i];
  }
  Tensor mapped(result, values->shape());
  for (std::int64_t i = 0; i < values->size(); ++i) {
    const std::int64_t channel = grid.axis < 0 ? 0 : i / inner % scale->size();
    set_element(mapped, i,
                function(element(*values, i), scale->values<float>()[channel],
                         zero == nullptr ? 0.0 : element(*zero, channel)));
  }
  return mapped;
}

/// A scale or zero point as a float operand that broadcasts against x.
Result<ir::ValueId> operand(NodeContext& node, const char* suffix, ir::ValueId id, ir::ValueId x,
                            const Grid& grid) {
  ir::SymbolicShape shape;
  if (grid.axis >= 0) {
    shape.assign(node.value(x).shape.size(), ir::Dim(1));
    shape[static_cast<std::size_t>(grid.axis)] = node.value(id).shape[0];
  }
  if (const Tensor* known = constant_of(node, id)) {
    Shape sizes;
    for (const ir::Dim& dim : shape) sizes.push_back(dim.constant());
    Tensor real(DType::kFloat32, std::move(sizes));
    for (std::int64_t i = 0; i < real.size(); ++i) set_element(real, i, element(*known, i));
    return node.add_constant(suffix, std::move(real));
  }
  if (node.value(id).dtype != DType::kFloat32) {
    XINFER_ASSIGN_OR_RETURN(id, node.add(suffix, ir::Cast{DType::kFloat32}, {id}));
  }
  return node.add(suffix, ir::Reshape{std::move(shape)}, {id});
}

Status quantize_in_float(NodeContext& node, ir::ValueId x, const Grid& grid) {
  warn_of_float(node, grid);
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId scale, operand(node, "scale", grid.scale, x, grid));
  XINFER_ASSIGN_OR_RETURN(ir::ValueId y,
                          node.add("steps", ir::Binary{Binary::kDiv, {}}, {x, scale}));
  XINFER_ASSIGN_OR_RETURN(y, node.add("rounded", ir::Unary{Unary::kRound, 0, 0}, {y}));
  if (!is_symmetric(node, grid)) {
    XINFER_ASSIGN_OR_RETURN(const ir::ValueId zero,
                            operand(node, "zero_point", grid.zero_point, x, grid));
    XINFER_ASSIGN_OR_RETURN(y, node.add("shifted", ir::Binary{Binary::kAdd, {}}, {y, zero}));
  }
  const IntegerLimits limits = *limits_of(grid.dtype);
  XINFER_ASSIGN_OR_RETURN(y, node.add("clamped", ir::Clip{limits.low, limits.high}, {y}));
  return node.output(ir::Cast{grid.dtype}, {y});
}

Status dequantize_in_float(NodeContext& node, ir::ValueId x, const Grid& grid) {
  warn_of_float(node, grid);
  XINFER_ASSIGN_OR_RETURN(ir::ValueId y, node.add("real", ir::Cast{DType::kFloat32}, {x}));
  if (!is_symmetric(node, grid)) {
    XINFER_ASSIGN_OR_RETURN(const ir::ValueId zero,
                            operand(node, "zero_point", grid.zero_point, x, grid));
    XINFER_ASSIGN_OR_RETURN(y, node.add("shifted", ir::Binary{Binary::kSub, {}}, {y, zero}));
  }
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId scale, operand(node, "scale", grid.scale, x, grid));
  return node.output(ir::Binary{Binary::kMul, {}}, {y, scale});
}

/// The quantised type: the zero point's, or what the attribute says; uint8 where nothing does.
Result<DType> quantised_type(NodeContext& node, const Grid& grid) {
  const std::int64_t attribute = node.attributes().integer("output_dtype", 0);
  if (grid.zero_point != ir::kNoValue) return node.value(grid.zero_point).dtype;
  if (attribute == 0) return DType::kUInt8;
  Result<DType> found = dtype_of_onnx(static_cast<int>(attribute));
  if (!found.ok()) return node.unsupported("output_dtype {}", attribute);
  return found;
}

Status convert_quantize(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(ir::ValueId x, node.input(0));
  Grid grid;
  XINFER_ASSIGN_OR_RETURN(grid.scale, node.input(1));
  XINFER_ASSIGN_OR_RETURN(grid.zero_point, node.optional_input(2));
  XINFER_ASSIGN_OR_RETURN(grid.dtype, quantised_type(node, grid));
  node.attributes().flag("saturate", true);   // of 8-bit floats
  node.attributes().integer("precision", 0);  // of the division
  XINFER_RETURN_IF_ERROR(check_grid(node, x, grid));
  if (node.value(x).dtype != DType::kFloat32) {
    XINFER_ASSIGN_OR_RETURN(x, node.add("real", ir::Cast{DType::kFloat32}, {x}));
  }
  const IntegerLimits limits = *limits_of(grid.dtype);
  auto known = map_constant(node, x, grid, grid.dtype, [&](double v, float scale, double zero) {
    const double steps = std::nearbyint(static_cast<double>(static_cast<float>(v) / scale));
    return std::isnan(steps) ? limits.low : std::clamp(steps + zero, limits.low, limits.high);
  });
  if (known) return node.known(*std::move(known));
  const std::optional<float> scale = plain_scale(node, grid);
  if (!scale) return quantize_in_float(node, x, grid);
  return node.quantized_output(grid.dtype, *scale, x);
}

Status convert_dequantize(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  Grid grid;
  XINFER_ASSIGN_OR_RETURN(grid.scale, node.input(1));
  XINFER_ASSIGN_OR_RETURN(grid.zero_point, node.optional_input(2));
  grid.dtype = node.value(x).dtype;
  node.attributes().integer("output_dtype", 0);  // float types are one here
  XINFER_RETURN_IF_ERROR(check_grid(node, x, grid));
  auto known = map_constant(node, x, grid, DType::kFloat32, [](double q, float scale, double zero) {
    return static_cast<double>(static_cast<float>(q - zero) * scale);
  });
  if (known) return node.known(*std::move(known));
  const ir::Value& value = node.value(x);
  if (!value.is_quantized()) return dequantize_in_float(node, x, grid);
  const std::optional<float> scale = plain_scale(node, grid);
  if (scale == value.scale) return node.output(ir::Dequantize{}, {x});
  return node.unsupported(
      "\"{}\" was quantised with scale {} and zero point 0; supported: the same here", value.name,
      value.scale);
}

constexpr OpEntry kOps[] = {
    {"DequantizeLinear", 10, kStillValid, 2, 3, convert_dequantize, nullptr,
     "8, 16 and 32-bit integers, no blocks"},
    {"QuantizeLinear", 10, kStillValid, 2, 3, convert_quantize, nullptr,
     "8 and 16-bit integers, no blocks; INT8 with one scale and zero point 0"},
};

}  // namespace

OpList quantize_ops() { return kOps; }

}  // namespace xinfer::import
