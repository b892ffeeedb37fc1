// Types of operators that cut, pad or resample axes.
#include <algorithm>

#include "ir/infer_rules.h"

namespace xinfer::ir {
namespace {

/// The first and the last element that a slice of one axis reads lie inside it. Only constants can
/// be checked here; profiles check the rest when shapes are bound.
Status check_slice_axis(const Slice& op, std::size_t axis, const Dim& size) {
  if (op.step[axis] == 0) return invalid_model("step of axis {} is 0", axis);
  if (!op.size[axis].is_constant()) return {};
  const std::int64_t count = op.size[axis].constant();
  if (count < 0) return invalid_model("size of axis {} is {}", axis, count);
  if (count == 0) return {};
  const Dim first = op.start[axis];
  const Dim last = first + Dim(count - 1) * Dim(op.step[axis]);
  for (const Dim& index : {first, last}) {
    const Dim behind = size - index;  // > 0 inside
    if ((index.is_constant() && index.constant() < 0) ||
        (behind.is_constant() && behind.constant() <= 0)) {
      return invalid_model("axis {} of {} elements is read at {}", axis, size.to_string(),
                           index.to_string());
    }
  }
  return {};
}

Status check_pad_axis(const Pad& op, std::size_t axis, const Dim& size, const Dim& padded) {
  if (padded.is_constant() && padded.constant() < 0) {
    return invalid_model("pads of axis {} leave {} elements", axis, padded.constant());
  }
  if (!size.is_constant()) return {};
  const std::int64_t most = std::max(op.pads_begin[axis], op.pads_end[axis]);
  const bool too_wide = (op.mode == kernels::PadMode::kReflect && most >= size.constant()) ||
                        (op.mode != kernels::PadMode::kConstant && size.constant() == 0);
  if (most > 0 && too_wide) {
    return invalid_model("axis {} has {} elements, too few for pads of {}", axis, size.to_string(),
                         most);
  }
  return {};
}

}  // namespace

Types infer(const Slice& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, 1));
  const SymbolicShape& from = in[0].shape;
  XINFER_RETURN_IF_ERROR(expect_length("start", op.start.size(), from.size()));
  XINFER_RETURN_IF_ERROR(expect_length("size", op.size.size(), from.size()));
  XINFER_RETURN_IF_ERROR(expect_length("step", op.step.size(), from.size()));
  for (std::size_t axis = 0; axis < from.size(); ++axis) {
    XINFER_RETURN_IF_ERROR(check_slice_axis(op, axis, from[axis]));
  }
  return std::vector{moved(in[0], op.size)};
}

Types infer(const Pad& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, 1));
  const SymbolicShape& from = in[0].shape;
  XINFER_RETURN_IF_ERROR(expect_length("pads_begin", op.pads_begin.size(), from.size()));
  XINFER_RETURN_IF_ERROR(expect_length("pads_end", op.pads_end.size(), from.size()));
  SymbolicShape shape;
  for (std::size_t axis = 0; axis < from.size(); ++axis) {
    shape.push_back(from[axis] + Dim(op.pads_begin[axis]) + Dim(op.pads_end[axis]));
    XINFER_RETURN_IF_ERROR(check_pad_axis(op, axis, from[axis], shape.back()));
  }
  return std::vector{moved(in[0], std::move(shape))};
}

Types infer(const Resize& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, 1));
  const Value& x = in[0];
  const std::size_t rank = x.shape.size();
  XINFER_RETURN_IF_ERROR(expect_length("size", op.size.size(), rank));
  if (!op.scales.empty()) XINFER_RETURN_IF_ERROR(expect_length("scales", op.scales.size(), rank));
  if (op.coordinates == kernels::CoordinateMode::kTfCropAndResize) {
    XINFER_RETURN_IF_ERROR(expect_length("roi", op.roi.size(), 2 * rank));
  }
  for (const Dim& dim : op.size) {
    if (dim.is_constant() && dim.constant() < 0) {
      return invalid_model("size {} has a negative entry", to_string(op.size));
    }
  }
  if (op.mode == kernels::ResizeMode::kNearest) return std::vector{moved(x, op.size)};
  XINFER_RETURN_IF_ERROR(expect_float_or_quantized("x", x));
  return std::vector{computed(x, op.size)};
}

}  // namespace xinfer::ir
