// Types of convolutions and poolings: sliding windows over the spatial axes of [N, C, spatial…].
#include <algorithm>
#include <limits>

#include "ir/infer_rules.h"

namespace xinfer::ir {
namespace {

/// Numbers beyond this are no window geometry, and sums of a few of them cannot overflow.
constexpr std::int64_t kLimit = std::int64_t{1} << 31;

/// The fields that Conv and Pool share.
template <typename Op>
Status check_window(const Op& op, const Value& x) {
  if (x.shape.size() < 3) {
    return invalid_model("x \"{}\" has shape {}, needs [N, C, spatial…]", x.name,
                         to_string(x.shape));
  }
  const std::size_t spatial = x.shape.size() - 2;
  XINFER_RETURN_IF_ERROR(expect_length("kernel", op.kernel.size(), spatial));
  XINFER_RETURN_IF_ERROR(expect_length("strides", op.strides.size(), spatial));
  XINFER_RETURN_IF_ERROR(expect_length("dilations", op.dilations.size(), spatial));
  XINFER_RETURN_IF_ERROR(expect_length("pads_begin", op.pads_begin.size(), spatial));
  XINFER_RETURN_IF_ERROR(expect_length("pads_end", op.pads_end.size(), spatial));
  const auto within = [](std::int64_t low) {
    return [low](std::int64_t number) { return number >= low && number < kLimit; };
  };
  for (const auto* list : {&op.kernel, &op.strides, &op.dilations}) {
    if (!std::all_of(list->begin(), list->end(), within(1))) {
      return invalid_model("kernel, strides and dilations must be positive");
    }
  }
  for (const auto* list : {&op.pads_begin, &op.pads_end}) {
    if (!std::all_of(list->begin(), list->end(), within(0))) {
      return invalid_model("pads must not be negative");
    }
  }
  return {};
}

/// Elements from the first to the last that a window touches.
template <typename Op>
std::int64_t extent(const Op& op, std::size_t axis) {
  return (op.kernel[axis] - 1) * op.dilations[axis] + 1;
}

/// Windows along one axis. With ceil_mode a last, partial window counts if it starts inside the
/// input or the padding before it (PyTorch's rule, ONNX's since AveragePool 19).
template <typename Op>
Result<Dim> window_count(const Op& op, std::size_t axis, const Value& x, bool ceil_mode) {
  const Dim& size = x.shape[axis + 2];
  const std::int64_t stride = op.strides[axis];
  const Dim padded = size + Dim(op.pads_begin[axis]) + Dim(op.pads_end[axis]);
  const Dim room = padded - Dim(extent(op, axis));
  if (room.is_constant() && room.constant() < 0) {
    return invalid_model("kernel covers {} elements of spatial axis {}, x \"{}\" has {} with pads",
                         extent(op, axis), axis, x.name, padded.to_string());
  }
  if (!ceil_mode) return floordiv(room, Dim(stride)) + Dim(1);
  return ceildiv(min(room + Dim(stride), size + Dim(op.pads_begin[axis])), Dim(stride));
}

Status check_channels(const Conv& op, const Value& x, const Value& w) {
  const Dim groups(op.groups);
  const Dim& per_group = w.shape[1];
  const Dim& channels = x.shape[1];
  const bool fits = !(per_group.is_constant() && channels.is_constant()) ||
                    per_group.constant() * op.groups == channels.constant();
  if (!fits) {
    return invalid_model("weight has {} input channels per group, x has {} channels in {} group{}",
                         per_group.to_string(), channels.to_string(), op.groups,
                         op.groups == 1 ? "" : "s");
  }
  if (w.shape[0].is_constant() && w.shape[0].constant() % op.groups != 0) {
    return invalid_model("{} output channels are not divisible by {} groups", w.shape[0].constant(),
                         op.groups);
  }
  return {};
}

Status check_weight(const Conv& op, const Value& x, const Value& w) {
  XINFER_RETURN_IF_ERROR(expect_float("weight", w));
  if (w.shape.size() != x.shape.size()) {
    return invalid_model("weight \"{}\" has rank {}, x has rank {}", w.name, w.shape.size(),
                         x.shape.size());
  }
  if (op.groups < 1 || op.groups >= kLimit) {
    return invalid_model("groups is {}, needs a positive number", op.groups);
  }
  for (std::size_t i = 0; i < op.kernel.size(); ++i) {
    if (!unify(w.shape[i + 2], Dim(op.kernel[i])).ok()) {
      return invalid_model("weight \"{}\" has shape {}, kernel is {} on spatial axis {}", w.name,
                           to_string(w.shape), op.kernel[i], i);
    }
  }
  if (x.is_quantized() && !w.is_constant()) {
    return invalid_model("x is {}, so weight \"{}\" must be a constant", describe(x), w.name);
  }
  return check_channels(op, x, w);
}

}  // namespace

Status check_bias(const Value& bias, const Dim& channels) {
  XINFER_RETURN_IF_ERROR(expect_float("bias", bias));
  if (bias.shape.size() == 1 && unify(bias.shape[0], channels).ok()) return {};
  return invalid_model("bias \"{}\" has shape {}, needs [{}]", bias.name, to_string(bias.shape),
                       channels.to_string());
}

Types infer(const Conv& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(2, std::numeric_limits<std::size_t>::max()));
  const Value& x = in[0];
  const Value& w = in[1];
  XINFER_RETURN_IF_ERROR(expect_float_or_quantized("x", x));
  XINFER_RETURN_IF_ERROR(check_window(op, x));
  XINFER_RETURN_IF_ERROR(check_weight(op, x, w));
  if (in.has(2)) XINFER_RETURN_IF_ERROR(check_bias(in[2], w.shape[0]));
  SymbolicShape shape = {x.shape[0], w.shape[0]};
  for (std::size_t axis = 0; axis < op.kernel.size(); ++axis) {
    XINFER_ASSIGN_OR_RETURN(Dim count, window_count(op, axis, x, false));
    shape.push_back(std::move(count));
  }
  XINFER_RETURN_IF_ERROR(check_epilogue(op.epilogue, in, 3, shape));
  return std::vector{computed(x, std::move(shape))};
}

Types infer(const Pool& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, 1));
  const Value& x = in[0];
  const bool is_max = op.kind == kernels::PoolKind::kMax;
  if (!is_max) XINFER_RETURN_IF_ERROR(expect_float_or_quantized("x", x));
  if (x.dtype == DType::kBool) return invalid_model("x \"{}\" is bool", x.name);
  XINFER_RETURN_IF_ERROR(check_window(op, x));
  SymbolicShape shape = {x.shape[0], x.shape[1]};
  for (std::size_t axis = 0; axis < op.kernel.size(); ++axis) {
    if (std::max(op.pads_begin[axis], op.pads_end[axis]) >= extent(op, axis)) {
      return invalid_model("pads of spatial axis {} must be smaller than the kernel", axis);
    }
    XINFER_ASSIGN_OR_RETURN(Dim count, window_count(op, axis, x, op.ceil_mode));
    shape.push_back(std::move(count));
  }
  if (!is_max) return std::vector{computed(x, std::move(shape))};
  TensorType indices{DType::kInt64, shape, TensorType::Quantization::kNever, 0};
  return std::vector{moved(x, std::move(shape)), std::move(indices)};
}

}  // namespace xinfer::ir
