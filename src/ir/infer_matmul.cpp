// Types of matrix products.
#include <limits>
#include <utility>

#include "ir/infer_rules.h"

namespace xinfer::ir {
namespace {

Status check_dtypes(const Value& a, const Value& b) {
  XINFER_RETURN_IF_ERROR(expect_float_or_quantized("a", a));
  XINFER_RETURN_IF_ERROR(expect_float_or_quantized("b", b));
  if (b.is_constant() && !b.is_quantized()) return {};  // quantised per column when a is INT8
  if (a.is_quantized() == b.is_quantized() && (a.is_quantized() || a.dtype == b.dtype)) return {};
  return invalid_model(
      "a \"{}\" is {} and b \"{}\" is {}: both float of one type, or both INT8, "
      "or b a float constant, is needed",
      a.name, describe(a), b.name, describe(b));
}

/// The last two axes, swapped if `transpose`.
std::pair<Dim, Dim> matrix_of(const Value& value, bool transpose) {
  const std::size_t rank = value.shape.size();
  std::pair<Dim, Dim> matrix(value.shape[rank - 2], value.shape[rank - 1]);
  if (transpose) std::swap(matrix.first, matrix.second);
  return matrix;
}

SymbolicShape batch_of(const Value& value) { return {value.shape.begin(), value.shape.end() - 2}; }

}  // namespace

Types infer(const MatMul& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(2, std::numeric_limits<std::size_t>::max()));
  const Value& a = in[0];
  const Value& b = in[1];
  XINFER_RETURN_IF_ERROR(check_dtypes(a, b));
  if (a.shape.size() < 2 || b.shape.size() < 2) {
    return invalid_model("a has shape {} and b {}, both need at least two axes", to_string(a.shape),
                         to_string(b.shape));
  }
  const auto [rows, a_inner] = matrix_of(a, op.transpose_a);
  const auto [b_inner, columns] = matrix_of(b, op.transpose_b);
  if (!unify(a_inner, b_inner).ok()) {
    return invalid_model("inner dimensions differ: a has {}, b has {} (shapes {} and {})",
                         a_inner.to_string(), b_inner.to_string(), to_string(a.shape),
                         to_string(b.shape));
  }
  XINFER_ASSIGN_OR_RETURN(SymbolicShape shape, broadcast(batch_of(a), batch_of(b)));
  shape.push_back(rows);
  shape.push_back(columns);
  if (in.has(2)) XINFER_RETURN_IF_ERROR(check_bias(in[2], columns));
  XINFER_RETURN_IF_ERROR(check_epilogue(op.epilogue, in, 3, shape));
  return std::vector{computed(a, std::move(shape))};
}

}  // namespace xinfer::ir
