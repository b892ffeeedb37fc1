// The elementwise functions as CUDA C++ text.
#include <cmath>

#include "kernels/cuda/elementwise_kernels.h"
#include "kernels/cuda/elementwise_types.h"
#include "kernels/cuda/layer_source.h"

namespace xinfer::kernels::cuda {

namespace {

/// A double as a C++17 literal of exactly that value: "0x1.8p-3".
std::string double_literal(double value) {
  if (std::isinf(value)) {
    return value > 0 ? "__builtin_bit_cast(double, 0x7ff0000000000000ull)"
                     : "__builtin_bit_cast(double, 0xfff0000000000000ull)";
  }
  return fmt::format("{:a}", value);
}

/// The function of a float or, with an empty suffix, a double: names of CUDA's functions and the
/// constants get the suffix, and functions of xi:: are overloaded. A float constant beside a double
/// would leave the choice among them open.
Result<std::string> real_unary(Unary function, float alpha, float beta, std::string_view x,
                               const char* suffix) {
  const auto literal = [&](float value) {
    return *suffix != 0 ? float_literal(value) : double_literal(value);
  };
  const std::string a = literal(alpha), b = literal(beta);
  const auto call = [&](const char* name) { return fmt::format("{}{}({})", name, suffix, x); };
  const auto own = [&](const char* name) { return fmt::format("xi::{}({})", name, x); };
  switch (function) {
    case Unary::kIdentity:
      return std::string(x);
    case Unary::kAbs:
      return call("fabs");
    case Unary::kNeg:
      return fmt::format("(-({}))", x);
    case Unary::kExp:
      return call("exp");
    case Unary::kLog:
      return call("log");
    case Unary::kSqrt:
      return call("sqrt");
    case Unary::kReciprocal:
      return fmt::format("(1.0{1} / ({0}))", x, suffix);
    case Unary::kFloor:
      return call("floor");
    case Unary::kCeil:
      return call("ceil");
    case Unary::kRound:
      return call("rint");
    case Unary::kErf:
      return call("erf");
    case Unary::kTanh:
      return call("tanh");
    case Unary::kSigmoid:
      return own("sigmoid");
    case Unary::kHardSigmoid:
      return fmt::format("xi::hard_sigmoid({}, {}, {})", x, a, b);
    case Unary::kHardSwish:
      return own("hard_swish");
    case Unary::kSilu:
      return own("silu");
    case Unary::kGelu:
      return own("gelu");
    case Unary::kGeluTanh:
      return own("gelu_tanh");
    case Unary::kRelu:
      return fmt::format("fmax{0}({1}, 0.0{0})", suffix, x);
    case Unary::kLeakyRelu:
      return fmt::format("xi::leaky_relu({}, {})", x, a);
    case Unary::kElu:
      return fmt::format("xi::elu({}, {})", x, a);
    case Unary::kSoftplus:
      return own("softplus");
    case Unary::kMish:
      return own("mish");
    case Unary::kSign:
      return fmt::format("(({0}) > 0.0{1} ? 1.0{1} : ({0}) < 0.0{1} ? -1.0{1} : ({0}))", x, suffix);
    case Unary::kSelu:
      return fmt::format("({2} * (({0}) > 0.0{3} ? ({0}) : {1} * expm1{3}({0})))", x, a, b, suffix);
    case Unary::kCelu:
      return fmt::format("(fmax{2}({0}, 0.0{2}) + fmin{2}(0.0{2}, {1} * expm1{2}(({0}) / {1})))", x,
                         a, suffix);
    case Unary::kThresholdedRelu:
      return fmt::format("(({0}) > {1} ? ({0}) : 0.0{2})", x, a, suffix);
    case Unary::kSoftsign:
      return fmt::format("(({0}) / (1.0{1} + fabs{1}({0})))", x, suffix);
    case Unary::kShrink:
      return fmt::format("(({0}) < -({1}) ? ({0}) + {2} : ({0}) > {1} ? ({0}) - {2} : 0.0{3})", x,
                         a, b, suffix);
    case Unary::kSwish:
      return fmt::format("(({0}) * xi::sigmoid({1} * ({0})))", x, a);
    case Unary::kSin:
      return call("sin");
    case Unary::kCos:
      return call("cos");
    case Unary::kTan:
      return call("tan");
    case Unary::kAsin:
      return call("asin");
    case Unary::kAcos:
      return call("acos");
    case Unary::kAtan:
      return call("atan");
    case Unary::kSinh:
      return call("sinh");
    case Unary::kCosh:
      return call("cosh");
    case Unary::kAsinh:
      return call("asinh");
    case Unary::kAcosh:
      return call("acosh");
    case Unary::kAtanh:
      return call("atanh");
    case Unary::kNot:
    case Unary::kBitwiseNot:
      break;
  }
  return unsupported("function {} of floats has no CUDA form", static_cast<int>(function));
}

}  // namespace

Result<std::string> unary_expression(Unary function, float alpha, float beta, std::string_view x) {
  return real_unary(function, alpha, beta, x, "f");
}

namespace {

Result<std::string> integer_unary(Unary function, std::string_view x, DType dtype) {
  const std::string type = value_type(dtype);
  switch (function) {
    case Unary::kIdentity:
      return std::string(x);
    case Unary::kAbs:
      return fmt::format("(({0}) < 0 ? xi::wrapped_sub<{1}>(0, {0}) : ({0}))", x, type);
    case Unary::kNeg:
      return fmt::format("xi::wrapped_sub<{1}>(0, {0})", x, type);
    case Unary::kSign:
      return fmt::format("(({0}) > 0 ? 1 : ({0}) < 0 ? -1 : 0)", x);
    case Unary::kRelu:
      return fmt::format("(({0}) > 0 ? ({0}) : 0)", x);
    case Unary::kBitwiseNot:
      return fmt::format("(~({0}))", x);
    default:
      return unsupported("function {} of {} has no CUDA form", static_cast<int>(function),
                         to_string(dtype));
  }
}

}  // namespace

Result<std::string> unary_expression(Unary function, float alpha, float beta, std::string_view x,
                                     DType dtype) {
  if (is_float(dtype)) return unary_expression(function, alpha, beta, x);
  if (dtype == DType::kFloat64) return real_unary(function, alpha, beta, x, "");
  if (is_integer(dtype)) return integer_unary(function, x, dtype);
  const bool copies = function == Unary::kIdentity;
  if (dtype == DType::kBool && (copies || function == Unary::kNot)) {
    return copies ? std::string(x) : fmt::format("(!({}))", x);
  }
  return unsupported("function {} of {} has no CUDA form", static_cast<int>(function),
                     to_string(dtype));
}

namespace {

/// Functions that look the same for numbers of every type.
const char* comparison(Binary function) {
  switch (function) {
    case Binary::kEqual:
      return "==";
    case Binary::kLess:
      return "<";
    case Binary::kLessOrEqual:
      return "<=";
    case Binary::kGreater:
      return ">";
    case Binary::kGreaterOrEqual:
      return ">=";
    default:
      return nullptr;
  }
}

Status no_binary(Binary function, DType dtype) {
  return unsupported("binary function {} of {} has no CUDA form", static_cast<int>(function),
                     to_string(dtype));
}

/// Of floats or, with an empty suffix, doubles.
Result<std::string> real_binary(Binary function, std::string_view a, std::string_view b,
                                const char* suffix) {
  const auto call = [&](const char* name) {
    return fmt::format("{}{}({}, {})", name, suffix, a, b);
  };
  const auto infix = [&](const char* sign) { return fmt::format("(({}) {} ({}))", a, sign, b); };
  switch (function) {
    case Binary::kAdd:
      return infix("+");
    case Binary::kSub:
      return infix("-");
    case Binary::kMul:
      return infix("*");
    case Binary::kDiv:
      return infix("/");
    case Binary::kMin:
      return call("fmin");
    case Binary::kMax:
      return call("fmax");
    case Binary::kFmod:
      return call("fmod");
    case Binary::kMod:
      return fmt::format("xi::modulo_of({}, {})", a, b);
    case Binary::kPRelu:
      return fmt::format("xi::leaky_relu({}, {})", a, b);
    case Binary::kPow:
      return *suffix != 0 ? fmt::format("powf({}, static_cast<float>({}))", a, b)
                          : fmt::format("pow({}, static_cast<double>({}))", a, b);
    default:
      return no_binary(function, *suffix != 0 ? DType::kFloat32 : DType::kFloat64);
  }
}

Result<std::string> bool_binary(Binary function, std::string_view a, std::string_view b) {
  switch (function) {
    case Binary::kAnd:
      return fmt::format("(({}) && ({}))", a, b);
    case Binary::kOr:
      return fmt::format("(({}) || ({}))", a, b);
    case Binary::kXor:
      return fmt::format("(({}) != ({}))", a, b);
    default:
      return no_binary(function, DType::kBool);
  }
}

Result<std::string> integer_binary(Binary function, std::string_view a, std::string_view b,
                                   DType dtype) {
  const auto call = [&](const char* name) {
    return fmt::format("xi::{}<{}>({}, {})", name, value_type(dtype), a, b);
  };
  const auto infix = [&](const char* sign) { return fmt::format("(({}) {} ({}))", a, sign, b); };
  switch (function) {
    case Binary::kAdd:
      return call("wrapped_add");
    case Binary::kSub:
      return call("wrapped_sub");
    case Binary::kMul:
      return call("wrapped_mul");
    case Binary::kDiv:
      return call("quotient_of");
    case Binary::kFmod:
      return call("remainder_of");
    case Binary::kMod:
      return call("modulo_of");
    case Binary::kMin:
      return fmt::format("(({0}) < ({1}) ? ({0}) : ({1}))", a, b);
    case Binary::kMax:
      return fmt::format("(({0}) > ({1}) ? ({0}) : ({1}))", a, b);
    case Binary::kPRelu:
      return fmt::format("(({0}) < 0 ? xi::wrapped_mul<{2}>({0}, {1}) : ({0}))", a, b,
                         value_type(dtype));
    case Binary::kPow:
      return call("power_of");
    case Binary::kShiftLeft:
      return call("shifted_left");
    case Binary::kShiftRight:
      return call("shifted_right");
    case Binary::kBitwiseAnd:
      return infix("&");
    case Binary::kBitwiseOr:
      return infix("|");
    case Binary::kBitwiseXor:
      return infix("^");
    default:
      return no_binary(function, dtype);
  }
}

}  // namespace

Result<std::string> binary_expression(Binary function, std::string_view a, std::string_view b,
                                      DType dtype) {
  const bool is_number = is_float(dtype) || dtype == DType::kFloat64 || is_integer(dtype);
  const bool equality = function == Binary::kEqual && dtype == DType::kBool;
  if (const char* sign = comparison(function); sign != nullptr && (is_number || equality)) {
    return fmt::format("(({}) {} ({}))", a, sign, b);
  }
  if (is_float(dtype)) return real_binary(function, a, b, "f");
  if (dtype == DType::kFloat64) return real_binary(function, a, b, "");
  if (is_integer(dtype)) return integer_binary(function, a, b, dtype);
  if (dtype == DType::kBool) return bool_binary(function, a, b);
  return no_binary(function, dtype);
}

std::string clip_expression(double low, double high, std::string_view x, DType dtype) {
  if (is_float(dtype)) {
    return fmt::format("fminf(fmaxf({}, {}), {})", x, float_literal(static_cast<float>(low)),
                       float_literal(static_cast<float>(high)));
  }
  if (dtype == DType::kFloat64) {
    return fmt::format("fmin(fmax({}, {}), {})", x, double_literal(low), double_literal(high));
  }
  std::string text(x);
  const auto bound = [&](const char* sign, double value) {
    text = fmt::format("(({0}) {1} {2:.0f} ? static_cast<{3}>({2:.0f}) : ({0}))", text, sign, value,
                       value_type(dtype));
  };
  if (!std::isinf(low)) bound("<", low);
  if (!std::isinf(high)) bound(">", high);
  return text;
}

Result<std::string> cast_expression(DType from, DType to, std::string_view x) {
  const auto known = [](DType dtype) {
    return is_float(dtype) || dtype == DType::kFloat64 || is_integer(dtype) ||
           dtype == DType::kBool;
  };
  if (!known(from) || !known(to)) {
    return unsupported("a cast from {} to {} has no CUDA form", to_string(from), to_string(to));
  }
  if (to == DType::kBool) return fmt::format("(({}) != 0)", x);
  if (is_integer(to) && (is_float(from) || from == DType::kFloat64)) {
    return fmt::format("xi::truncated<{}>({})", value_type(to), x);
  }
  return fmt::format("static_cast<{}>({})", value_type(to), x);
}

}  // namespace xinfer::kernels::cuda
