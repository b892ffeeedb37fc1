// Arithmetic, comparisons and logic: functions of one, two or many tensors.
#include "import/fold.h"
#include "import/registry.h"

namespace xinfer::import {
namespace {

using kernels::Binary;
using kernels::Unary;

template <Unary kFunction>
Status convert_unary(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  return node.output(ir::Unary{kFunction, 0, 0}, {x});
}

template <Unary kFunction>
Folded fold_unary(NodeContext& node) {
  const SymbolicTensor* x = node.symbolic(0);
  if (x == nullptr) return {};
  return single(map(*x, x->dtype, [&](const Number& n) { return apply(kFunction, x->dtype, n); }));
}

Status convert_binary_as(NodeContext& node, Binary function) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId a, node.input(0));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId b, node.input(1));
  return node.output(ir::Binary{function, {}}, {a, b});
}

Folded fold_binary_as(NodeContext& node, Binary function) {
  const SymbolicTensor* a = node.symbolic(0);
  if (a == nullptr) return {};
  const SymbolicTensor* b = node.symbolic(1);
  if (b == nullptr) return {};
  return single(map(function, *a, *b));
}

template <Binary kFunction>
Status convert_binary(NodeContext& node) {
  return convert_binary_as(node, kFunction);
}

template <Binary kFunction>
Folded fold_binary(NodeContext& node) {
  return fold_binary_as(node, kFunction);
}

Binary mod_function(NodeContext& node) {
  return node.attributes().flag("fmod", false) ? Binary::kFmod : Binary::kMod;
}

Status convert_mod(NodeContext& node) {
  const Binary function = mod_function(node);
  XINFER_ASSIGN_OR_RETURN(const DType dtype, node.dtype(0));
  if (function == Binary::kMod && is_floating(dtype)) {
    return node.unsupported("fmod 0 of {} operands; supported: fmod 1 of them, or integers",
                            to_string(dtype));
  }
  return convert_binary_as(node, function);
}

Folded fold_mod(NodeContext& node) { return fold_binary_as(node, mod_function(node)); }

/// The exponent converted to the base's type; a constant stays one.
Result<ir::ValueId> convert_exponent(NodeContext& node, ir::ValueId exponent, DType dtype) {
  const SymbolicTensor* known = node.symbolic(1);
  const auto converted = known == nullptr ? std::nullopt : map(*known, dtype, [&](const Number& n) {
    return cast(known->dtype, dtype, n);
  });
  if (converted && converted->is_constant()) {
    return node.add_constant("exponent", to_tensor(*converted));
  }
  return node.add("exponent", ir::Cast{dtype}, {exponent});
}

/// The result has the base's type. A float exponent of an integer base must not lose its fraction:
/// then the power is computed in floats.
Status convert_pow(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(ir::ValueId base, node.input(0));
  XINFER_ASSIGN_OR_RETURN(ir::ValueId exponent, node.input(1));
  const DType base_type = node.value(base).dtype;
  const DType exponent_type = node.value(exponent).dtype;
  const ir::Binary pow{Binary::kPow, {}};
  if (is_floating(exponent_type) && !is_floating(base_type)) {
    XINFER_ASSIGN_OR_RETURN(base, node.add("base", ir::Cast{exponent_type}, {base}));
    XINFER_ASSIGN_OR_RETURN(const ir::ValueId power, node.add("power", pow, {base, exponent}));
    return node.output(ir::Cast{base_type}, {power});
  }
  if (exponent_type != base_type) {
    XINFER_ASSIGN_OR_RETURN(exponent, convert_exponent(node, exponent, base_type));
  }
  return node.output(pow, {base, exponent});
}

/// Sum, Min and Max of n tensors: a chain of n - 1 binary functions over the inputs from `first`.
Result<ir::ValueId> chain(NodeContext& node, Binary function, std::size_t last) {
  XINFER_ASSIGN_OR_RETURN(ir::ValueId result, node.input(0));
  for (std::size_t i = 1; i <= last; ++i) {
    XINFER_ASSIGN_OR_RETURN(const ir::ValueId next, node.input(i));
    XINFER_ASSIGN_OR_RETURN(result, node.add("partial", ir::Binary{function, {}}, {result, next}));
  }
  return result;
}

template <Binary kFunction>
Status convert_variadic(NodeContext& node) {
  const std::size_t count = node.input_count();
  if (count == 1) {
    XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
    return node.same(x);
  }
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId partial, chain(node, kFunction, count - 2));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId last, node.input(count - 1));
  return node.output(ir::Binary{kFunction, {}}, {partial, last});
}

template <Binary kFunction>
Folded fold_variadic(NodeContext& node) {
  const auto inputs = symbolic_inputs(node);
  if (!inputs) return {};
  std::optional<SymbolicTensor> result = *inputs->front();
  for (std::size_t i = 1; i < inputs->size() && result; ++i) {
    result = map(kFunction, *result, *(*inputs)[i]);
  }
  return single(std::move(result));
}

Status convert_mean(NodeContext& node) {
  const std::size_t count = node.input_count();
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId sum, chain(node, Binary::kAdd, count - 1));
  SymbolicTensor divisor{node.value(sum).dtype, {}, {Number::of_real(static_cast<double>(count))}};
  if (!is_floating(divisor.dtype)) {
    return node.invalid("inputs are {}, need a float type", to_string(divisor.dtype));
  }
  const ir::ValueId constant = node.add_constant("count", to_tensor(divisor));
  return node.output(ir::Binary{Binary::kDiv, {}}, {sum, constant});
}

template <Unary kFunction>
constexpr OpEntry unary(std::string_view name, int since = 1) {
  return {name, since, kStillValid, 1, 1, convert_unary<kFunction>, fold_unary<kFunction>};
}

template <Binary kFunction>
constexpr OpEntry binary(std::string_view name, int since = 7) {
  return {name, since, kStillValid, 2, 2, convert_binary<kFunction>, fold_binary<kFunction>};
}

template <Binary kFunction>
constexpr OpEntry variadic(std::string_view name) {
  return {
      name, 1, kStillValid, 1, kManyInputs, convert_variadic<kFunction>, fold_variadic<kFunction>};
}

constexpr OpEntry kOps[] = {
    unary<Unary::kAbs>("Abs"),
    unary<Unary::kCeil>("Ceil"),
    unary<Unary::kCos>("Cos"),
    unary<Unary::kErf>("Erf", 9),
    unary<Unary::kExp>("Exp"),
    unary<Unary::kFloor>("Floor"),
    unary<Unary::kLog>("Log"),
    unary<Unary::kNeg>("Neg"),
    unary<Unary::kNot>("Not"),
    unary<Unary::kReciprocal>("Reciprocal"),
    unary<Unary::kRound>("Round", 11),
    unary<Unary::kSign>("Sign", 9),
    unary<Unary::kSin>("Sin"),
    unary<Unary::kSqrt>("Sqrt"),
    binary<Binary::kAdd>("Add"),
    binary<Binary::kAnd>("And"),
    binary<Binary::kDiv>("Div"),
    binary<Binary::kEqual>("Equal"),
    binary<Binary::kGreater>("Greater"),
    binary<Binary::kGreaterOrEqual>("GreaterOrEqual", 12),
    binary<Binary::kLess>("Less"),
    binary<Binary::kLessOrEqual>("LessOrEqual", 12),
    binary<Binary::kMul>("Mul"),
    binary<Binary::kOr>("Or"),
    binary<Binary::kSub>("Sub"),
    binary<Binary::kXor>("Xor"),
    variadic<Binary::kMax>("Max"),
    variadic<Binary::kMin>("Min"),
    variadic<Binary::kAdd>("Sum"),
    {"Mean", 1, kStillValid, 1, kManyInputs, convert_mean},
    {"Mod", 10, kStillValid, 2, 2, convert_mod, fold_mod, "float operands need fmod 1"},
    {"Pow", 7, kStillValid, 2, 2, convert_pow, fold_binary<Binary::kPow>},
};

}  // namespace

OpList elementwise_ops() { return kOps; }

}  // namespace xinfer::import
