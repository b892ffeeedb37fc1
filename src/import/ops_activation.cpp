// Activation functions.
#include <cmath>
#include <limits>

#include "import/registry.h"

namespace xinfer::import {
namespace {

using kernels::Binary;
using kernels::Unary;

template <Unary kFunction>
Status convert_plain(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  return node.output(ir::Unary{kFunction, 0, 0}, {x});
}

Status convert_relu(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  return node.output(ir::Clip{0, std::numeric_limits<double>::infinity()}, {x});
}

Status convert_leaky_relu(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  return node.output(ir::Unary{Unary::kLeakyRelu, node.attributes().real("alpha", 0.01f), 0}, {x});
}

Status convert_elu(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  return node.output(ir::Unary{Unary::kElu, node.attributes().real("alpha", 1), 0}, {x});
}

Status convert_hard_sigmoid(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  const double alpha = node.attributes().real("alpha", 0.2f);
  const double beta = node.attributes().real("beta", 0.5);
  return node.output(ir::Unary{Unary::kHardSigmoid, alpha, beta}, {x});
}

Status convert_gelu(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  const std::string approximate = node.attributes().text("approximate", "none");
  if (approximate != "none" && approximate != "tanh") {
    return node.unsupported("approximate \"{}\"; supported: none, tanh", approximate);
  }
  return node.output(ir::Unary{approximate == "none" ? Unary::kGelu : Unary::kGeluTanh, 0, 0}, {x});
}

/// A scalar constant of a value's dtype.
ir::ValueId scalar(NodeContext& node, const char* suffix, DType dtype, double number) {
  return node.add_constant(suffix, to_tensor({dtype, {}, {Number::of_real(number)}}));
}

Status expect_float(NodeContext& node, ir::ValueId x) {
  if (is_floating(node.value(x).dtype)) return Status();
  return node.invalid("input is {}, needs a float type", to_string(node.value(x).dtype));
}

/// gamma * elu(x, alpha)
Status convert_selu(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_RETURN_IF_ERROR(expect_float(node, x));
  const double alpha = node.attributes().real("alpha", 1.67326319217681884765625f);
  const double gamma = node.attributes().real("gamma", 1.05070102214813232421875f);
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId elu,
                          node.add("elu", ir::Unary{Unary::kElu, alpha, 0}, {x}));
  return node.output(ir::Binary{Binary::kMul, {}},
                     {elu, scalar(node, "gamma", node.value(x).dtype, gamma)});
}

/// alpha * elu(x / alpha, 1)
Status convert_celu(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_RETURN_IF_ERROR(expect_float(node, x));
  const double alpha = node.attributes().real("alpha", 1);
  if (!(alpha > 0)) return node.unsupported("alpha {}; supported: positive", alpha);
  const ir::ValueId constant = scalar(node, "alpha", node.value(x).dtype, alpha);
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId quotient,
                          node.add("quotient", ir::Binary{Binary::kDiv, {}}, {x, constant}));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId elu,
                          node.add("elu", ir::Unary{Unary::kElu, 1, 0}, {quotient}));
  return node.output(ir::Binary{Binary::kMul, {}}, {elu, constant});
}

/// x / (1 + |x|)
Status convert_softsign(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_RETURN_IF_ERROR(expect_float(node, x));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId magnitude,
                          node.add("abs", ir::Unary{Unary::kAbs, 0, 0}, {x}));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId divisor,
                          node.add("divisor", ir::Binary{Binary::kAdd, {}},
                                   {magnitude, scalar(node, "one", node.value(x).dtype, 1)}));
  return node.output(ir::Binary{Binary::kDiv, {}}, {x, divisor});
}

/// x > alpha ? x : 0
Status convert_thresholded_relu(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_RETURN_IF_ERROR(expect_float(node, x));
  const DType dtype = node.value(x).dtype;
  const ir::ValueId alpha = scalar(node, "alpha", dtype, node.attributes().real("alpha", 1));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId above,
                          node.add("above", ir::Binary{Binary::kGreater, {}}, {x, alpha}));
  return node.output(ir::Select{}, {above, x, scalar(node, "zero", dtype, 0)});
}

/// x * sigmoid(alpha * x)
Status convert_swish(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_RETURN_IF_ERROR(expect_float(node, x));
  const double alpha = node.attributes().real("alpha", 1);
  if (alpha == 1) return node.output(ir::Unary{Unary::kSilu, 0, 0}, {x});
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId scaled,
                          node.add("scaled", ir::Binary{Binary::kMul, {}},
                                   {x, scalar(node, "alpha", node.value(x).dtype, alpha)}));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId gate,
                          node.add("gate", ir::Unary{Unary::kSigmoid, 0, 0}, {scaled}));
  return node.output(ir::Binary{Binary::kMul, {}}, {x, gate});
}

/// max(x, 0) + slope * min(x, 0); a scalar constant slope makes it a LeakyRelu.
Status convert_prelu(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  const SymbolicTensor* known = node.symbolic(1);
  if (known != nullptr && known->elements.size() == 1 && known->is_constant() &&
      known->shape.size() <= node.value(x).shape.size()) {
    const double slope = known->elements[0].constant_value();
    return node.output(ir::Unary{Unary::kLeakyRelu, slope, 0}, {x});
  }
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId slope, node.input(1));
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId above,
                          node.add("positive", ir::Clip{0, kInfinity}, {x}));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId below,
                          node.add("negative", ir::Clip{-kInfinity, 0}, {x}));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId scaled,
                          node.add("scaled", ir::Binary{Binary::kMul, {}}, {below, slope}));
  return node.output(ir::Binary{Binary::kAdd, {}}, {above, scaled});
}

/// Bounds of Clip as ONNX passes them: absent ones are infinite.
struct ClipBounds {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

Status emit_clip(NodeContext& node, ir::ValueId x, ClipBounds bounds) {
  constexpr double kExact = 9007199254740992.0;  // 2^53: doubles hold every integer up to here
  const auto is_inexact = [&](double bound) {
    return std::isfinite(bound) && std::abs(bound) > kExact;
  };
  if (!is_floating(node.value(x).dtype) && (is_inexact(bounds.low) || is_inexact(bounds.high))) {
    return node.unsupported("bounds [{}, {}] of {}; supported: up to 2^53", bounds.low, bounds.high,
                            to_string(node.value(x).dtype));
  }
  // ONNX: where min exceeds max, everything becomes max.
  if (bounds.low > bounds.high) bounds.low = bounds.high;
  return node.output(ir::Clip{bounds.low, bounds.high}, {x});
}

Status convert_clip_attributes(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  ClipBounds bounds;
  bounds.low = node.attributes().real("min", std::numeric_limits<float>::lowest());
  bounds.high = node.attributes().real("max", std::numeric_limits<float>::max());
  return emit_clip(node, x, bounds);
}

/// Bounds that only a run knows: min(max(x, low), high).
Status convert_clip_runtime(NodeContext& node, ir::ValueId x) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId low, node.optional_input(1));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId high, node.optional_input(2));
  if (high == ir::kNoValue) return node.output(ir::Binary{Binary::kMax, {}}, {x, low});
  ir::ValueId bounded = x;
  if (low != ir::kNoValue) {
    XINFER_ASSIGN_OR_RETURN(bounded, node.add("low", ir::Binary{Binary::kMax, {}}, {x, low}));
  }
  return node.output(ir::Binary{Binary::kMin, {}}, {bounded, high});
}

Status convert_clip(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  ClipBounds bounds;
  for (const std::size_t i : {std::size_t{1}, std::size_t{2}}) {
    if (!node.has_input(i)) continue;
    const SymbolicTensor* known = node.symbolic(i);
    if (known == nullptr || !known->is_constant()) return convert_clip_runtime(node, x);
    XINFER_ASSIGN_OR_RETURN((i == 1 ? bounds.low : bounds.high),
                            node.scalar(i, i == 1 ? "min" : "max"));
  }
  return emit_clip(node, x, bounds);
}

template <Unary kFunction>
constexpr OpEntry plain(std::string_view name, int since = 1) {
  return {name, since, kStillValid, 1, 1, convert_plain<kFunction>};
}

constexpr OpEntry kOps[] = {
    plain<Unary::kHardSwish>("HardSwish", 14),
    plain<Unary::kMish>("Mish", 18),
    plain<Unary::kSigmoid>("Sigmoid"),
    plain<Unary::kSoftplus>("Softplus"),
    plain<Unary::kTanh>("Tanh"),
    {"Celu", 12, kStillValid, 1, 1, convert_celu, nullptr, "alpha > 0"},
    {"Clip", 1, 10, 1, 1, convert_clip_attributes},
    {"Clip", 11, kStillValid, 1, 3, convert_clip, nullptr, "integer bounds up to 2^53"},
    {"Elu", 1, kStillValid, 1, 1, convert_elu},
    {"Gelu", 20, kStillValid, 1, 1, convert_gelu},
    {"HardSigmoid", 1, kStillValid, 1, 1, convert_hard_sigmoid},
    {"LeakyRelu", 1, kStillValid, 1, 1, convert_leaky_relu},
    {"PRelu", 7, kStillValid, 2, 2, convert_prelu},
    {"Relu", 1, kStillValid, 1, 1, convert_relu},
    {"Selu", 6, kStillValid, 1, 1, convert_selu},
    {"Softsign", 1, kStillValid, 1, 1, convert_softsign},
    {"Swish", 24, kStillValid, 1, 1, convert_swish},
    {"ThresholdedRelu", 10, kStillValid, 1, 1, convert_thresholded_relu},
};

}  // namespace

OpList activation_ops() { return kOps; }

}  // namespace xinfer::import
