// Types of reductions.
#include <algorithm>

#include "ir/infer_rules.h"

namespace xinfer::ir {
namespace {

using kernels::ReduceKind;

SymbolicShape reduced(const SymbolicShape& shape, const std::vector<std::int64_t>& axes,
                      bool keep_dims) {
  SymbolicShape result;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool gone =
        std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(i)) != axes.end();
    if (!gone) {
      result.push_back(shape[i]);
    } else if (keep_dims) {
      result.push_back(Dim(1));
    }
  }
  return result;
}

/// Reductions that need division, roots or logarithms.
bool is_float_only(ReduceKind kind) {
  return kind == ReduceKind::kL2 || kind == ReduceKind::kLogSum || kind == ReduceKind::kLogSumExp;
}

}  // namespace

Types infer(const Reduce& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, 1));
  const Value& x = in[0];
  XINFER_RETURN_IF_ERROR(expect_axes(op.axes, x.shape));
  const bool compares = op.kind == ReduceKind::kMax || op.kind == ReduceKind::kMin;
  if (is_float_only(op.kind)) XINFER_RETURN_IF_ERROR(expect_float("x", x));
  if (x.is_quantized() && !compares && op.kind != ReduceKind::kMean) {
    return invalid_model("x \"{}\" is {}: only Mean, Max and Min take INT8", x.name, describe(x));
  }
  if (x.dtype == DType::kBool && !compares) return invalid_model("x \"{}\" is bool", x.name);
  SymbolicShape shape = reduced(x.shape, op.axes, op.keep_dims);
  return std::vector{compares ? moved(x, std::move(shape)) : computed(x, std::move(shape))};
}

Types infer(const ArgReduce& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, 1));
  const Value& x = in[0];
  if (x.dtype == DType::kBool) return invalid_model("x \"{}\" is bool", x.name);
  XINFER_RETURN_IF_ERROR(expect_axis(op.axis, x.shape));
  return std::vector{TensorType{DType::kInt64, reduced(x.shape, {op.axis}, op.keep_dims)}};
}

}  // namespace xinfer::ir
