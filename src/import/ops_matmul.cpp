// MatMul, Gemm.
#include "import/registry.h"

namespace xinfer::import {
namespace {

using kernels::Binary;

/// Inserts or drops an axis of extent 1 at `axis`.
Result<ir::ValueId> add_axis(NodeContext& node, const char* suffix, ir::ValueId x,
                             std::size_t axis) {
  ir::SymbolicShape shape = node.value(x).shape;
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), ir::Dim(1));
  return node.add(suffix, ir::Reshape{std::move(shape)}, {x});
}

/// NumPy's matmul: a 1-D operand counts as a row (a) or a column (b), which the result lacks.
Status convert_matmul(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(ir::ValueId a, node.input(0));
  XINFER_ASSIGN_OR_RETURN(ir::ValueId b, node.input(1));
  const bool a_is_row = node.value(a).shape.size() == 1;
  const bool b_is_column = node.value(b).shape.size() == 1;
  if (node.value(a).shape.empty() || node.value(b).shape.empty()) {
    return node.invalid("operands must have at least one dimension");
  }
  if (a_is_row) {
    XINFER_ASSIGN_OR_RETURN(a, add_axis(node, "row", a, 0));
  }
  if (b_is_column) {
    XINFER_ASSIGN_OR_RETURN(b, add_axis(node, "column", b, 1));
  }
  if (!a_is_row && !b_is_column) return node.output(ir::MatMul{}, {a, b});
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId product, node.add("matrix", ir::MatMul{}, {a, b}));
  ir::SymbolicShape shape = node.value(product).shape;
  if (b_is_column) shape.pop_back();
  if (a_is_row) shape.erase(shape.end() - (b_is_column ? 1 : 2));
  return node.output(ir::Reshape{std::move(shape)}, {product});
}

/// x scaled by a factor; constants are computed here.
Result<ir::ValueId> scale(NodeContext& node, const char* suffix, ir::ValueId x, double factor) {
  if (factor == 1) return x;
  const ir::Value& value = node.value(x);
  if (value.is_constant() && value.dtype == DType::kFloat32) {
    Tensor scaled = value.constant->clone();
    for (float& element : scaled.values<float>()) element *= static_cast<float>(factor);
    return node.add_constant(suffix, std::move(scaled));
  }
  if (!is_floating(value.dtype)) {
    return node.unsupported("{} of {} operands; supported: float", suffix, to_string(value.dtype));
  }
  const std::string constant_name = std::string(suffix) + "_factor";
  const ir::ValueId constant = node.add_constant(
      constant_name.c_str(), to_tensor({value.dtype, {}, {Number::of_real(factor)}}));
  return node.add(suffix, ir::Binary{Binary::kMul, {}}, {x, constant});
}

/// A constant C as the bias [N] of a product with `columns` columns; kNoValue if C varies over rows
/// or is known only at run time (then it is added).
ir::ValueId as_bias(NodeContext& node, ir::ValueId c, const ir::Dim& columns) {
  const std::optional<Tensor>& constant = node.value(c).constant;
  if (!constant || !columns.is_constant() || constant->shape().size() > 2) return ir::kNoValue;
  const std::int64_t last = constant->shape().empty() ? 1 : constant->shape().back();
  if (constant->size() != last) return ir::kNoValue;
  if (last == columns.constant()) {
    if (constant->shape().size() == 1) return c;
    return node.add_constant("bias", constant->reshaped({last}));
  }
  if (last != 1 || constant->dtype() != DType::kFloat32) return ir::kNoValue;
  const std::vector<float> repeated(static_cast<std::size_t>(columns.constant()),
                                    constant->values<float>()[0]);
  return node.add_constant("bias", Tensor({columns.constant()}, std::span<const float>(repeated)));
}

/// alpha * op(A) * op(B) + beta * C
Status convert_gemm(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId a, node.input(0));
  XINFER_ASSIGN_OR_RETURN(ir::ValueId b, node.input(1));
  XINFER_ASSIGN_OR_RETURN(ir::ValueId c, node.optional_input(2));
  ir::MatMul matmul;
  matmul.transpose_a = node.attributes().flag("transA", false);
  matmul.transpose_b = node.attributes().flag("transB", false);
  const double alpha = node.attributes().real("alpha", 1);
  const double beta = node.attributes().real("beta", 1);
  const ir::SymbolicShape b_shape = node.value(b).shape;
  if (node.value(a).shape.size() != 2 || b_shape.size() != 2) {
    return node.invalid("A has shape {} and B {}; both need two dimensions",
                        ir::to_string(node.value(a).shape), ir::to_string(b_shape));
  }
  XINFER_ASSIGN_OR_RETURN(b, scale(node, "alpha", b, alpha));
  if (c == ir::kNoValue || beta == 0) return node.output(std::move(matmul), {a, b});
  XINFER_ASSIGN_OR_RETURN(c, scale(node, "beta", c, beta));
  const ir::ValueId bias = as_bias(node, c, matmul.transpose_b ? b_shape[0] : b_shape[1]);
  if (bias != ir::kNoValue) return node.output(std::move(matmul), {a, b, bias});
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId product,
                          node.add("product", std::move(matmul), {a, b}));
  return node.output(ir::Binary{Binary::kAdd, {}}, {product, c});
}

constexpr OpEntry kOps[] = {
    {"MatMul", 1, kStillValid, 2, 2, convert_matmul, nullptr, "float operands"},
    {"Gemm", 7, kStillValid, 2, 3, convert_gemm, nullptr, "float operands"},
};

}  // namespace

OpList matmul_ops() { return kOps; }

}  // namespace xinfer::import
