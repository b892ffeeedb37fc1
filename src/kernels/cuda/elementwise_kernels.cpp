#include "kernels/cuda/elementwise_kernels.h"

#include "kernels/cuda/layer_source.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr int kThreads = 256;

}  // namespace

Result<std::string> unary_expression(Unary function, float alpha, float beta, std::string_view x) {
  const std::string a = float_literal(alpha), b = float_literal(beta);
  const auto call = [&](const char* name) { return fmt::format("{}({})", name, x); };
  switch (function) {
    case Unary::kIdentity:
      return std::string(x);
    case Unary::kAbs:
      return call("fabsf");
    case Unary::kNeg:
      return fmt::format("(-({}))", x);
    case Unary::kExp:
      return call("expf");
    case Unary::kLog:
      return call("logf");
    case Unary::kSqrt:
      return call("sqrtf");
    case Unary::kReciprocal:
      return fmt::format("(1.0f / ({}))", x);
    case Unary::kFloor:
      return call("floorf");
    case Unary::kCeil:
      return call("ceilf");
    case Unary::kRound:
      return call("rintf");
    case Unary::kErf:
      return call("erff");
    case Unary::kTanh:
      return call("tanhf");
    case Unary::kSigmoid:
      return call("xi::sigmoid");
    case Unary::kHardSigmoid:
      return fmt::format("xi::hard_sigmoid({}, {}, {})", x, a, b);
    case Unary::kHardSwish:
      return call("xi::hard_swish");
    case Unary::kSilu:
      return call("xi::silu");
    case Unary::kGelu:
      return call("xi::gelu");
    case Unary::kGeluTanh:
      return call("xi::gelu_tanh");
    case Unary::kRelu:
      return fmt::format("fmaxf({}, 0.0f)", x);
    case Unary::kLeakyRelu:
      return fmt::format("xi::leaky_relu({}, {})", x, a);
    case Unary::kElu:
      return fmt::format("xi::elu({}, {})", x, a);
    case Unary::kSoftplus:
      return call("xi::softplus");
    case Unary::kMish:
      return call("xi::mish");
    default:
      return unsupported("function {} of float32 has no CUDA form", static_cast<int>(function));
  }
}

Result<std::string> binary_expression(Binary function, std::string_view a, std::string_view b) {
  switch (function) {
    case Binary::kAdd:
      return fmt::format("(({}) + ({}))", a, b);
    case Binary::kSub:
      return fmt::format("(({}) - ({}))", a, b);
    case Binary::kMul:
      return fmt::format("(({}) * ({}))", a, b);
    case Binary::kDiv:
      return fmt::format("(({}) / ({}))", a, b);
    case Binary::kMin:
      return fmt::format("fminf({}, {})", a, b);
    case Binary::kMax:
      return fmt::format("fmaxf({}, {})", a, b);
    case Binary::kPRelu:
      return fmt::format("xi::leaky_relu({}, {})", a, b);
    case Binary::kPow:
      return fmt::format("powf({}, {})", a, b);
    default:
      return unsupported("binary function {} has no CUDA form", static_cast<int>(function));
  }
}

std::string clip_expression(float low, float high, std::string_view x) {
  return fmt::format("fminf(fmaxf({}, {}), {})", x, float_literal(low), float_literal(high));
}

Result<KernelSpec> elementwise_kernel(const ElementwiseProblem& p, std::string_view name) {
  if (!is_float(p.a_dtype) || !is_float(p.b_dtype) || !is_float(p.y_dtype)) {
    return unsupported("a CUDA elementwise kernel from {} and {} to {}", to_string(p.a_dtype),
                       to_string(p.b_dtype), to_string(p.y_dtype));
  }
  std::int64_t items = 1;
  std::string axes;
  for (std::size_t i = 0; i < p.axes.size(); ++i) {
    const ElementwiseAxis& axis = p.axes[i];
    const std::int64_t size = axis.size + (i + 1 == p.axes.size() ? p.padding : 0);
    items *= size;
    axes += fmt::format("    {{{}, {}, {}, {}, {}}},\n", size, axis.size, axis.a_stride,
                        axis.b_stride, axis.y_stride);
  }
  if (items < 1 || items > std::int64_t{1} << 30) {
    return unsupported("a CUDA elementwise kernel of {} elements", items);
  }
  LayerSource layer;
  layer.constant("kItems", items).constant("kHasB", p.has_b);
  layer.constant("kAElem", p.a_dtype).constant("kBElem", p.b_dtype).constant("kYElem", p.y_dtype);
  layer.constant("kAxisCount", static_cast<std::int64_t>(p.axes.size()));
  layer.constant("kAImage", p.a_image_stride).constant("kBImage", p.b_image_stride);
  layer.constant("kYImage", p.y_image_stride);
  layer.declare(
      "struct Axis {\n  long long size, real, a, b, y;\n};\nconstexpr Axis kAxes[] = {\n" + axes +
      "    {1, 1, 0, 0, 0}};\n");
  KernelSpec spec;
  spec.entry = "elementwise";
  spec.source = "elementwise/cuda_elementwise.cuh";
  spec.layer = layer.text() + fmt::format("#define XI_EXPRESSION(a, b) ({})\n", p.expression);
  spec.tactic = name;
  spec.grid.items_per_image = items;
  spec.grid.items_per_tile = kThreads;
  spec.threads = kThreads;
  using Kind = KernelArgument::Kind;
  spec.arguments = {{Kind::kPointer, Operand::kInput},
                    {Kind::kPointer, Operand::kInput2},
                    {Kind::kPointer, Operand::kOutput},
                    {Kind::kBatch}};
  return spec;
}

}  // namespace xinfer::kernels::cuda
