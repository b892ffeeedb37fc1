// Types of normalisations: the shape stays.
#include "ir/infer_rules.h"

namespace xinfer::ir {
namespace {

TensorType same_float(const Value& x) {
  return {x.dtype, x.shape, TensorType::Quantization::kNever, 0};
}

/// A float parameter whose shape broadcasts to `needed` exactly.
Status check_parameter(const char* what, const Value& parameter, const SymbolicShape& needed) {
  XINFER_RETURN_IF_ERROR(expect_float(what, parameter));
  bool fits = parameter.shape.size() == needed.size();
  for (std::size_t i = 0; fits && i < needed.size(); ++i) {
    fits = unify(needed[i], parameter.shape[i]).ok();
  }
  if (fits) return {};
  return invalid_model("{} \"{}\" has shape {}, needs {}", what, parameter.name,
                       to_string(parameter.shape), to_string(needed));
}

}  // namespace

Types infer(const BatchNorm&, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(5, 5));
  const Value& x = in[0];
  XINFER_RETURN_IF_ERROR(expect_float("x", x));
  if (x.shape.size() < 2) {
    return invalid_model("x \"{}\" has shape {}, needs [N, C, …]", x.name, to_string(x.shape));
  }
  const SymbolicShape channels = {x.shape[1]};
  const char* const names[] = {"x", "scale", "bias", "mean", "variance"};
  for (std::size_t i = 1; i < 5; ++i) {
    XINFER_RETURN_IF_ERROR(check_parameter(names[i], in[i], channels));
  }
  return std::vector{same_float(x)};
}

Types infer(const LayerNorm& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, 3));
  const Value& x = in[0];
  XINFER_RETURN_IF_ERROR(expect_float("x", x));
  XINFER_RETURN_IF_ERROR(expect_axis(op.axis, x.shape));
  const SymbolicShape normalized(x.shape.begin() + op.axis, x.shape.end());
  if (in.has(1)) XINFER_RETURN_IF_ERROR(check_parameter("scale", in[1], normalized));
  if (in.has(2)) XINFER_RETURN_IF_ERROR(check_parameter("bias", in[2], normalized));
  return std::vector{same_float(x)};
}

Types infer(const Softmax& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, 1));
  XINFER_RETURN_IF_ERROR(expect_float("x", in[0]));
  XINFER_RETURN_IF_ERROR(expect_axis(op.axis, in[0].shape));
  return std::vector{same_float(in[0])};
}

}  // namespace xinfer::ir
