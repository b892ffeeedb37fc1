// Types of elementwise operators and of conversions.
#include "ir/infer_rules.h"

namespace xinfer::ir {
namespace {

using UnaryKind = kernels::Unary;
using BinaryKind = kernels::Binary;

bool is_comparison(BinaryKind function) {
  return function >= BinaryKind::kEqual && function <= BinaryKind::kGreaterOrEqual;
}
bool is_logic(BinaryKind function) {
  return function >= BinaryKind::kAnd && function <= BinaryKind::kXor;
}

/// Functions that integers have as well.
bool takes_integers(UnaryKind function) {
  return function == UnaryKind::kAbs || function == UnaryKind::kNeg ||
         function == UnaryKind::kSign || function == UnaryKind::kRelu;
}

Status check_unary_dtype(UnaryKind function, const Value& x) {
  const auto needs = [&x](const char* what) {
    return invalid_model("x \"{}\" is {}, needs {}", x.name, describe(x), what);
  };
  const bool is_plain_integer = is_integer(x.dtype) && !x.is_quantized();
  if (function == UnaryKind::kIdentity) return {};
  if (function == UnaryKind::kNot) return x.dtype == DType::kBool ? Status() : needs("bool");
  if (function == UnaryKind::kBitwiseNot) return is_plain_integer ? Status() : needs("integers");
  if (is_plain_integer && takes_integers(function)) return {};
  return expect_float_or_quantized("x", x);
}

Status check_quantized_binary(const Binary& op, const Value& a, const Value& b) {
  const bool has_kernel = op.function == BinaryKind::kAdd || op.function == BinaryKind::kMul;
  if (!has_kernel) return invalid_model("only Add and Mul take INT8 operands");
  if (a.is_quantized() && b.is_quantized()) return {};
  return invalid_model("a \"{}\" is {} and b \"{}\" is {}: both or neither must be INT8", a.name,
                       describe(a), b.name, describe(b));
}

Status check_binary_dtypes(const Binary& op, const Value& a, const Value& b) {
  if (a.is_quantized() || b.is_quantized()) return check_quantized_binary(op, a, b);
  const bool is_pow = op.function == BinaryKind::kPow;  // the exponent may have its own type
  if (a.dtype != b.dtype && !is_pow) {
    return invalid_model("a \"{}\" is {} and b \"{}\" is {}: both must have one type", a.name,
                         describe(a), b.name, describe(b));
  }
  if (is_logic(op.function) != (a.dtype == DType::kBool) && op.function != BinaryKind::kEqual) {
    return invalid_model("operands are {}, {}", to_string(a.dtype),
                         is_logic(op.function) ? "needs bool" : "needs numbers");
  }
  return {};
}

}  // namespace

Types infer(const Unary& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, 1));
  const Value& x = in[0];
  XINFER_RETURN_IF_ERROR(check_unary_dtype(op.function, x));
  return std::vector{computed(x, x.shape)};
}

Types infer(const Binary& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(2, 2));
  const Value& a = in[0];
  const Value& b = in[1];
  XINFER_RETURN_IF_ERROR(check_binary_dtypes(op, a, b));
  XINFER_ASSIGN_OR_RETURN(SymbolicShape shape, broadcast(a.shape, b.shape));
  XINFER_RETURN_IF_ERROR(check_epilogue(op.epilogue, in, 0, shape));
  if (is_comparison(op.function) || is_logic(op.function)) {
    return std::vector{TensorType{DType::kBool, std::move(shape)}};
  }
  return std::vector{computed(a, std::move(shape))};
}

Types infer(const Select&, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(3, 3));
  if (in[0].dtype != DType::kBool) {
    return invalid_model("condition \"{}\" is {}, needs bool", in[0].name, describe(in[0]));
  }
  if (in[1].dtype != in[2].dtype || in[1].scale != in[2].scale) {
    return invalid_model("x \"{}\" is {} and y \"{}\" is {}: both must have one type", in[1].name,
                         describe(in[1]), in[2].name, describe(in[2]));
  }
  XINFER_ASSIGN_OR_RETURN(const SymbolicShape data, broadcast(in[1].shape, in[2].shape));
  XINFER_ASSIGN_OR_RETURN(SymbolicShape shape, broadcast(in[0].shape, data));
  return std::vector{moved(in[1], std::move(shape))};
}

Types infer(const Clip& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, 1));
  if (in[0].dtype == DType::kBool) return invalid_model("x \"{}\" is bool", in[0].name);
  if (!(op.low <= op.high)) return invalid_model("bounds are [{}, {}]", op.low, op.high);
  return std::vector{moved(in[0], in[0].shape)};
}

Types infer(const Cast& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, 1));
  if (in[0].is_quantized()) {
    return invalid_model("x \"{}\" is {}: INT8 values are converted by Quantize and Dequantize",
                         in[0].name, describe(in[0]));
  }
  return std::vector{TensorType{op.to, in[0].shape}};
}

Types infer(const Quantize&, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, 1));
  XINFER_RETURN_IF_ERROR(expect_float_or_quantized("x", in[0]));
  return std::vector{TensorType{DType::kInt8, in[0].shape, TensorType::Quantization::kRequired, 0}};
}

Types infer(const Dequantize&, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, 1));
  if (!in[0].is_quantized()) {
    return invalid_model("x \"{}\" is {}, needs int8 / uint8 with a scale", in[0].name,
                         describe(in[0]));
  }
  return std::vector{TensorType{DType::kFloat32, in[0].shape}};
}

Types infer(const ConvertImage& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, 1));
  const Value& x = in[0];
  if (x.dtype != DType::kUInt8 || x.is_quantized() || x.shape.size() != 4) {
    return invalid_model("x \"{}\" is {} {}, needs uint8 [N, H, W, C] without a scale", x.name,
                         describe(x), to_string(x.shape));
  }
  const auto channels = static_cast<std::int64_t>(op.mean.size());
  if (op.deviation.size() != op.mean.size() || x.shape[3] != Dim(channels)) {
    return invalid_model("x \"{}\" is {}; mean has {} values, deviation {}: one a channel", x.name,
                         to_string(x.shape), channels, op.deviation.size());
  }
  SymbolicShape shape = x.shape;
  if (op.channels_first) shape = {x.shape[0], x.shape[3], x.shape[1], x.shape[2]};
  return std::vector{
      TensorType{DType::kFloat32, std::move(shape), TensorType::Quantization::kAllowed, 0}};
}

}  // namespace xinfer::ir
