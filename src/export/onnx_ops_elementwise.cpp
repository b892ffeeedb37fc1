// Ops on single elements as ONNX nodes, composed of several where this opset lacks one.
#include <cmath>
#include <limits>
#include <numbers>

#include "export/onnx_ops.h"
#include "ir/enum_names.h"

namespace xinfer::exporting {
namespace {

using kernels::Binary;
using kernels::Unary;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// x · f(x) and other sums of operators that this opset lacks.
Status write_composed(OnnxWriter& writer, const ir::Node& node, const ir::Unary& op,
                      const std::string& x, const std::string& output) {
  const auto number = [&](double value) {
    return writer.scalar(value, DType::kFloat32, output + "_constant");
  };
  const auto step = [&](const char* type, const Names& inputs) {
    return writer.add_step(type, inputs, output + "_step");
  };
  switch (op.function) {
    case Unary::kSilu:
      writer.add("Mul", {x, step("Sigmoid", {x})}, output);
      return Status();
    case Unary::kSwish:
      writer.add("Mul", {x, step("Sigmoid", {step("Mul", {x, number(op.alpha)})})}, output);
      return Status();
    case Unary::kMish:
      writer.add("Mul", {x, step("Tanh", {step("Softplus", {x})})}, output);
      return Status();
    case Unary::kGelu: {
      const std::string bent = step("Erf", {step("Div", {x, number(std::numbers::sqrt2)})});
      const std::string half = step("Mul", {x, number(0.5)});
      writer.add("Mul", {half, step("Add", {bent, number(1)})}, output);
      return Status();
    }
    case Unary::kGeluTanh: {
      const std::string cube =
          step("Mul", {step("Mul", {step("Mul", {x, x}), x}), number(0.044715)});
      const std::string inner =
          step("Mul", {step("Add", {x, cube}), number(std::sqrt(2 / std::numbers::pi))});
      const std::string half = step("Mul", {x, number(0.5)});
      writer.add("Mul", {half, step("Add", {step("Tanh", {inner}), number(1)})}, output);
      return Status();
    }
    default:
      return inexpressible(node, std::string(ir::enum_name(op.function)));
  }
}

struct UnaryName {
  Unary function;
  const char* onnx;
  const char* alpha;  ///< the attributes' names; null where there is none
  const char* beta;
};

constexpr UnaryName kUnaryNames[] = {
    {Unary::kIdentity, "Identity", nullptr, nullptr},
    {Unary::kAbs, "Abs", nullptr, nullptr},
    {Unary::kNeg, "Neg", nullptr, nullptr},
    {Unary::kExp, "Exp", nullptr, nullptr},
    {Unary::kLog, "Log", nullptr, nullptr},
    {Unary::kSqrt, "Sqrt", nullptr, nullptr},
    {Unary::kReciprocal, "Reciprocal", nullptr, nullptr},
    {Unary::kFloor, "Floor", nullptr, nullptr},
    {Unary::kCeil, "Ceil", nullptr, nullptr},
    {Unary::kRound, "Round", nullptr, nullptr},
    {Unary::kSign, "Sign", nullptr, nullptr},
    {Unary::kErf, "Erf", nullptr, nullptr},
    {Unary::kTanh, "Tanh", nullptr, nullptr},
    {Unary::kSigmoid, "Sigmoid", nullptr, nullptr},
    {Unary::kHardSigmoid, "HardSigmoid", "alpha", "beta"},
    {Unary::kHardSwish, "HardSwish", nullptr, nullptr},
    {Unary::kRelu, "Relu", nullptr, nullptr},
    {Unary::kLeakyRelu, "LeakyRelu", "alpha", nullptr},
    {Unary::kElu, "Elu", "alpha", nullptr},
    {Unary::kSelu, "Selu", "alpha", "gamma"},
    {Unary::kCelu, "Celu", "alpha", nullptr},
    {Unary::kThresholdedRelu, "ThresholdedRelu", "alpha", nullptr},
    {Unary::kSoftplus, "Softplus", nullptr, nullptr},
    {Unary::kSoftsign, "Softsign", nullptr, nullptr},
    {Unary::kShrink, "Shrink", "lambd", "bias"},
    {Unary::kSin, "Sin", nullptr, nullptr},
    {Unary::kCos, "Cos", nullptr, nullptr},
    {Unary::kTan, "Tan", nullptr, nullptr},
    {Unary::kAsin, "Asin", nullptr, nullptr},
    {Unary::kAcos, "Acos", nullptr, nullptr},
    {Unary::kAtan, "Atan", nullptr, nullptr},
    {Unary::kSinh, "Sinh", nullptr, nullptr},
    {Unary::kCosh, "Cosh", nullptr, nullptr},
    {Unary::kAsinh, "Asinh", nullptr, nullptr},
    {Unary::kAcosh, "Acosh", nullptr, nullptr},
    {Unary::kAtanh, "Atanh", nullptr, nullptr},
    {Unary::kNot, "Not", nullptr, nullptr},
};

const char* binary_name(Binary function) {
  switch (function) {
    case Binary::kAdd:
      return "Add";
    case Binary::kSub:
      return "Sub";
    case Binary::kMul:
      return "Mul";
    case Binary::kDiv:
      return "Div";
    case Binary::kPow:
      return "Pow";
    case Binary::kMin:
      return "Min";
    case Binary::kMax:
      return "Max";
    case Binary::kMod:
    case Binary::kFmod:
      return "Mod";
    case Binary::kPRelu:
      return "PRelu";
    case Binary::kEqual:
      return "Equal";
    case Binary::kLess:
      return "Less";
    case Binary::kLessOrEqual:
      return "LessOrEqual";
    case Binary::kGreater:
      return "Greater";
    case Binary::kGreaterOrEqual:
      return "GreaterOrEqual";
    case Binary::kAnd:
      return "And";
    case Binary::kOr:
      return "Or";
    case Binary::kXor:
      return "Xor";
    default:
      return nullptr;
  }
}

Status write_function(OnnxWriter& writer, const ir::Node& node, const ir::Unary& op,
                      const std::string& x, const std::string& output) {
  for (const UnaryName& name : kUnaryNames) {
    if (name.function != op.function) continue;
    Attributes attributes;
    if (name.alpha != nullptr) attributes.emplace_back(name.alpha, op.alpha);
    if (name.beta != nullptr) attributes.emplace_back(name.beta, op.beta);
    writer.add(name.onnx, {x}, output, attributes);
    return Status();
  }
  return write_composed(writer, node, op, x, output);
}

}  // namespace

/// function(x + input_offset) + offset.
Status write_unary(OnnxWriter& writer, const ir::Node& node, const ir::Unary& op,
                   const std::string& output) {
  std::string x = writer.read(node.inputs[0]);
  if (op.input_offset != 0) {
    const std::string shift = writer.scalar(op.input_offset, DType::kFloat32, output + "_shift");
    x = writer.add_step("Add", {x, shift}, output + "_argument");
  }
  if (op.offset == 0) return write_function(writer, node, op, x, output);
  const std::string result = writer.unused(output + "_function");
  XINFER_RETURN_IF_ERROR(write_function(writer, node, op, x, result));
  const std::string offset = writer.scalar(op.offset, DType::kFloat32, output + "_offset");
  writer.add("Add", {result, offset}, output);
  return Status();
}

Status write_binary(OnnxWriter& writer, const ir::Node& node, const ir::Binary& op,
                    const std::string& output) {
  const char* name = binary_name(op.function);
  if (name == nullptr) return inexpressible(node, std::string(ir::enum_name(op.function)));
  Attributes attributes;
  if (op.function == Binary::kFmod) attributes.emplace_back("fmod", std::int64_t{1});
  writer.add(name, {writer.read(node.inputs[0]), writer.read(node.inputs[1])}, output, attributes);
  return Status();
}

void write_clip(OnnxWriter& writer, const ir::Node& node, const ir::Clip& op,
                const std::string& output) {
  const DType dtype = writer.graph().value(node.outputs[0]).dtype;
  const std::string x = writer.read(node.inputs[0]);
  if (op.low == 0 && op.high == kInfinity && dtype == DType::kFloat32) {
    writer.add("Relu", {x}, output);
    return;
  }
  const auto bound = [&](double value) {
    return std::isinf(value) ? std::string() : writer.scalar(value, dtype, output + "_bound");
  };
  Names inputs = {x, bound(op.low), bound(op.high)};
  while (inputs.back().empty()) inputs.pop_back();
  writer.add("Clip", inputs, output);
}

}  // namespace xinfer::exporting
