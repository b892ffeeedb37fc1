#include "ir/infer_rules.h"

#include <algorithm>

#include "kernels/epilogue.h"

namespace xinfer::ir {

Status Operands::expect(std::size_t least, std::size_t most) const {
  if (count() < least || count() > most) {
    const std::string needed =
        least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most);
    return invalid_model("has {} inputs, needs {}", count(), needed);
  }
  for (std::size_t i = 0; i < least; ++i) {
    if (!has(i)) return invalid_model("input {} is absent, but it is not optional", i);
  }
  return {};
}

bool is_float(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat16 || dtype == DType::kBFloat16 ||
         dtype == DType::kFloat64;
}

bool is_integer(DType dtype) { return !is_float(dtype) && dtype != DType::kBool; }

std::string describe(const Value& value) {
  if (!value.is_quantized()) return to_string(value.dtype);
  return fmt::format("{} with scale {}", to_string(value.dtype), value.scale);
}

Status expect_float(const char* what, const Value& value) {
  if (is_float(value.dtype) && !value.is_quantized()) return {};
  return invalid_model("{} \"{}\" is {}, needs a float type", what, value.name, describe(value));
}

Status expect_float_or_quantized(const char* what, const Value& value) {
  if (is_float(value.dtype) || value.is_quantized()) return {};
  return invalid_model("{} \"{}\" is {}, needs a float type or int8 / uint8 with a scale", what,
                       value.name, describe(value));
}

TensorType moved(const Value& input, SymbolicShape shape) {
  return {input.dtype, std::move(shape), TensorType::Quantization::kAsTheInput, input.scale};
}

TensorType computed(const Value& input, SymbolicShape shape) {
  using Quantization = TensorType::Quantization;
  if (input.is_quantized()) return {DType::kFloat32, std::move(shape), Quantization::kAllowed, 0};
  const bool is_number = is_float(input.dtype);
  return {input.dtype, std::move(shape), is_number ? Quantization::kAllowed : Quantization::kNever,
          0};
}

Status expect_axis(std::int64_t axis, const SymbolicShape& shape) {
  if (axis >= 0 && axis < static_cast<std::int64_t>(shape.size())) return {};
  return invalid_model("axis {} is outside the rank {} of shape {}", axis, shape.size(),
                       to_string(shape));
}

Status expect_axes(const std::vector<std::int64_t>& axes, const SymbolicShape& shape) {
  std::vector<bool> seen(shape.size(), false);
  for (std::int64_t axis : axes) {
    XINFER_RETURN_IF_ERROR(expect_axis(axis, shape));
    if (seen[static_cast<std::size_t>(axis)]) return invalid_model("axis {} is named twice", axis);
    seen[static_cast<std::size_t>(axis)] = true;
  }
  return {};
}

Status expect_length(const char* field, std::size_t found, std::size_t count) {
  if (found == count) return {};
  return invalid_model("{} has {} entries, needs {}", field, found, count);
}

Result<Dim> unify(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant() && a != b) {
    return invalid_model("{} and {} must be equal", a.to_string(), b.to_string());
  }
  return b.is_constant() ? b : a;
}

static Result<Dim> broadcast_dim(const Dim& a, const Dim& b) {
  if (a == b || b == Dim(1)) return a;
  if (a == Dim(1)) return b;
  return unify(a, b);
}

Result<SymbolicShape> broadcast(const SymbolicShape& a, const SymbolicShape& b) {
  SymbolicShape shape(std::max(a.size(), b.size()), Dim(1));
  for (std::size_t i = 0; i < shape.size(); ++i) {  // counted from the last axis
    const Dim x = i < a.size() ? a[a.size() - 1 - i] : Dim(1);
    const Dim y = i < b.size() ? b[b.size() - 1 - i] : Dim(1);
    const Result<Dim> dim = broadcast_dim(x, y);
    if (!dim.ok()) {
      return invalid_model("shapes {} and {} do not broadcast: {} against {}", to_string(a),
                           to_string(b), x.to_string(), y.to_string());
    }
    shape[shape.size() - 1 - i] = *dim;
  }
  return shape;
}

static Status check_residual(const EpilogueOp& step, const Operands& in, std::size_t first_residual,
                             const SymbolicShape& output) {
  if (first_residual == 0) return invalid_model("its epilogue cannot add a residual");
  const auto index = static_cast<std::size_t>(step.residual_input);
  if (step.residual_input < static_cast<int>(first_residual) || !in.has(index)) {
    return invalid_model("epilogue residual is input {}, needs a present input from {} on",
                         step.residual_input, first_residual);
  }
  const Value& residual = in[index];
  XINFER_RETURN_IF_ERROR(expect_float_or_quantized("residual", residual));
  bool fits = residual.shape.size() == output.size();
  for (std::size_t i = 0; fits && i < output.size(); ++i) {
    fits = unify(output[i], residual.shape[i]).ok();
  }
  if (fits) return {};
  return invalid_model("residual \"{}\" has shape {}, the output {}", residual.name,
                       to_string(residual.shape), to_string(output));
}

Status check_epilogue(const std::vector<EpilogueOp>& epilogue, const Operands& in,
                      std::size_t first_residual, const SymbolicShape& output) {
  if (epilogue.size() > kernels::kMaxEpilogueSteps) {
    return invalid_model("epilogue has {} steps, at most {} are allowed", epilogue.size(),
                         kernels::kMaxEpilogueSteps);
  }
  for (const EpilogueOp& step : epilogue) {
    if (step.kind == EpilogueOp::Kind::kResidual) {
      XINFER_RETURN_IF_ERROR(check_residual(step, in, first_residual, output));
    } else if (step.kind == EpilogueOp::Kind::kClip && !(step.low <= step.high)) {
      return invalid_model("epilogue clips to [{}, {}]", step.low, step.high);
    }
  }
  return {};
}

}  // namespace xinfer::ir
