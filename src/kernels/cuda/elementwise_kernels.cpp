#include "kernels/cuda/elementwise_kernels.h"

#include <algorithm>

#include "kernels/cuda/elementwise_types.h"
#include "kernels/cuda/layer_source.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr int kThreads = 256;

/// Whether axis i and the one behind it are one axis for every tensor.
bool can_merge(const ElementwiseProblem& p, std::size_t i) {
  const ElementwiseAxis &outer = p.axes[i], &inner = p.axes[i + 1];
  const bool padded = p.padding != 0 && i + 2 == p.axes.size();
  bool dense = !padded && p.range_axis != static_cast<int>(i) + 1 &&
               outer.y_stride == inner.y_stride * inner.size;
  for (std::size_t k = 0; k < p.operands.size(); ++k) {
    dense = dense && outer.strides[k] == inner.strides[k] * inner.size;
  }
  return dense;
}

void merge_axes(ElementwiseProblem& p) {
  for (std::size_t i = p.axes.size(); i-- > 1;) {
    if (!can_merge(p, i - 1)) continue;
    ElementwiseAxis& inner = p.axes[i];
    if (p.range_axis == static_cast<int>(i) - 1) {
      for (ElementwiseOperand& operand : p.operands) {
        operand.begin *= inner.size;
        operand.end *= inner.size;
      }
    } else if (p.range_axis >= static_cast<int>(i)) {
      --p.range_axis;
    }
    inner.size *= p.axes[i - 1].size;
    p.axes.erase(p.axes.begin() + static_cast<std::ptrdiff_t>(i) - 1);
  }
}

/// Elements before those of operand k that lie at its first position.
std::int64_t offset_of(const ElementwiseProblem& p, std::size_t k) {
  if (p.range_axis < 0) return 0;
  return -p.operands[k].begin * p.axes[static_cast<std::size_t>(p.range_axis)].strides[k];
}

/// Whether `width` neighbours along the last axis can be one access of every tensor.
bool can_take(const ElementwiseProblem& p, std::int64_t width) {
  const auto multiple = [width](std::int64_t value) { return value % width == 0; };
  const ElementwiseAxis& last = p.axes.back();
  const bool ranges = p.range_axis + 1 == static_cast<int>(p.axes.size());
  const auto fits = [&](DType dtype) {
    const auto bytes = width * static_cast<std::int64_t>(size_of(dtype));
    return bytes >= 4 && bytes <= 32;
  };
  bool can = last.y_stride == 1 && multiple(last.size) && multiple(p.padding) &&
             multiple(p.y_image_stride) && fits(p.y_dtype);
  for (std::size_t i = 0; i + 1 < p.axes.size(); ++i) can = can && multiple(p.axes[i].y_stride);
  for (std::size_t k = 0; k < p.operands.size(); ++k) {
    const ElementwiseOperand& operand = p.operands[k];
    if (ranges) can = can && multiple(operand.begin) && multiple(operand.end);
    if (last.strides[k] == 0) continue;
    can = can && last.strides[k] == 1 && multiple(operand.image_stride) &&
          multiple(offset_of(p, k)) && fits(operand.dtype);
    for (std::size_t i = 0; i + 1 < p.axes.size(); ++i) can = can && multiple(p.axes[i].strides[k]);
  }
  return can;
}

/// Elements a thread: up to 16 bytes of the narrowest tensor.
std::int64_t vector_of(const ElementwiseProblem& p) {
  if (p.axes.empty()) return 1;
  std::size_t narrowest = size_of(p.y_dtype);
  for (const ElementwiseOperand& x : p.operands) narrowest = std::min(narrowest, size_of(x.dtype));
  for (auto width = static_cast<std::int64_t>(16 / narrowest); width > 1; width /= 2) {
    if (can_take(p, width)) return width;
  }
  return 1;
}

/// Constants of the axes, the operands' own, and their types.
Status add_operands(const ElementwiseProblem& p, LayerSource& layer) {
  std::string axes, images, offsets, ranges, types;
  for (std::size_t i = 0; i < p.axes.size(); ++i) {
    const ElementwiseAxis& axis = p.axes[i];
    const std::int64_t padding = i + 1 == p.axes.size() ? p.padding : 0;
    axes += fmt::format("    {{{}, {}, {}, {{{}}}}},\n", axis.size + padding, axis.size,
                        axis.y_stride, fmt::join(axis.strides, ", "));
  }
  for (std::size_t k = 0; k < kMostElementwiseOperands; ++k) {
    const bool present = k < p.operands.size();
    const ElementwiseOperand operand = present ? p.operands[k] : ElementwiseOperand{};
    XINFER_ASSIGN_OR_RETURN(const char* type, stored_type(operand.dtype));
    types += fmt::format("using Operand{} = {};\n", static_cast<char>('A' + k), type);
    images += fmt::format("{}, ", operand.image_stride);
    offsets += fmt::format("{}, ", present ? offset_of(p, k) : 0);
    ranges += fmt::format("{{{}, {}}}, ", operand.begin, operand.end);
  }
  XINFER_ASSIGN_OR_RETURN(const char* result, stored_type(p.y_dtype));
  layer.declare(fmt::format("{}using Result = {};\n", types, result));
  layer.declare(
      fmt::format("struct Axis {{\n  long long size, real, y, x[4];\n}};\n"
                  "constexpr Axis kAxes[] = {{\n{}    {{1, 1, 0, {{0, 0, 0, 0}}}}}};\n",
                  axes));
  layer.declare(fmt::format("constexpr long long kImages[] = {{{}}};\n", images));
  layer.declare(fmt::format("constexpr long long kOffsets[] = {{{}}};\n", offsets));
  layer.declare(
      fmt::format("struct Range {{\n  int begin, end;\n}};\n"
                  "constexpr Range kRanges[] = {{{}}};\n",
                  ranges));
  return Status();
}

}  // namespace

bool is_integer(DType dtype) {
  switch (dtype) {
    case DType::kInt8:
    case DType::kUInt8:
    case DType::kInt16:
    case DType::kUInt16:
    case DType::kInt32:
    case DType::kUInt32:
    case DType::kInt64:
    case DType::kUInt64:
      return true;
    default:
      return false;
  }
}

Result<const char*> stored_type(DType dtype) {
  if (dtype == DType::kFloat16) return "xi::Half";
  if (dtype == DType::kBool) return "xi::Bool";
  if (dtype == DType::kFloat32 || dtype == DType::kFloat64 || is_integer(dtype)) {
    return value_type(dtype);
  }
  return unsupported("elements of {} have no CUDA form", to_string(dtype));
}

const char* value_type(DType dtype) {
  switch (dtype) {
    case DType::kBool:
      return "bool";
    case DType::kInt8:
      return "signed char";
    case DType::kUInt8:
      return "unsigned char";
    case DType::kInt16:
      return "short";
    case DType::kUInt16:
      return "unsigned short";
    case DType::kInt32:
      return "int";
    case DType::kUInt32:
      return "unsigned int";
    case DType::kInt64:
      return "long long";
    case DType::kUInt64:
      return "unsigned long long";
    case DType::kFloat64:
      return "double";
    default:
      return "float";
  }
}

Operand elementwise_operand(std::size_t index) {
  constexpr Operand kOperands[] = {Operand::kInput, Operand::kInput2, Operand::kWeights,
                                   Operand::kMultiplier};
  return kOperands[index];
}

Result<KernelSpec> elementwise_kernel(ElementwiseProblem p, std::string_view name) {
  if (p.operands.empty() || p.operands.size() > kMostElementwiseOperands) {
    return internal_error("a CUDA elementwise kernel of {} operands", p.operands.size());
  }
  merge_axes(p);
  std::int64_t elements = 1;
  for (std::size_t i = 0; i < p.axes.size(); ++i) {
    elements *= p.axes[i].size + (i + 1 == p.axes.size() ? p.padding : 0);
  }
  if (elements < 1 || elements > std::int64_t{1} << 30) {
    return unsupported("a CUDA elementwise kernel of {} elements", elements);
  }
  const std::int64_t vector = vector_of(p);
  LayerSource layer;
  layer.constant("kItems", elements / vector).constant("kVector", vector);
  layer.constant("kOperands", static_cast<std::int64_t>(p.operands.size()));
  layer.constant("kAxisCount", static_cast<std::int64_t>(p.axes.size()));
  layer.constant("kRangeAxis", p.range_axis).constant("kResultImage", p.y_image_stride);
  XINFER_RETURN_IF_ERROR(add_operands(p, layer));
  KernelSpec spec;
  spec.entry = "elementwise";
  spec.source = "elementwise/cuda_elementwise.cuh";
  spec.layer =
      layer.text() + fmt::format("#define XI_EXPRESSION(a, b, c, d, place) ({})\n", p.expression);
  spec.tactic = name;
  spec.grid.items_per_image = elements / vector;
  spec.grid.items_per_tile = kThreads;
  spec.threads = kThreads;
  using Kind = KernelArgument::Kind;
  for (std::size_t k = 0; k < kMostElementwiseOperands; ++k) {
    spec.arguments.push_back({Kind::kPointer, elementwise_operand(k)});
  }
  spec.arguments.push_back({Kind::kPointer, Operand::kOutput});
  spec.arguments.push_back({Kind::kBatch});
  return spec;
}

}  // namespace xinfer::kernels::cuda
