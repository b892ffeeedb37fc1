#include "kernels/cuda/layer_source.h"

#include <cmath>
#include <numeric>

#include "kernels/cuda/elementwise_kernels.h"

namespace xinfer::kernels::cuda {
namespace {

const char* elem_name(DType dtype) {
  switch (dtype) {
    case DType::kInt8:
      return "xi::Elem::kS8";
    case DType::kUInt8:
      return "xi::Elem::kU8";
    case DType::kFloat16:
      return "xi::Elem::kF16";
    default:
      return "xi::Elem::kF32";
  }
}

// {kind, elem, pitch, align, scale, low, high}, as cuda/step.cuh declares it.
std::string step_literal(const char* kind, DType elem, std::int64_t pitch, int align, float scale,
                         float low, float high) {
  return fmt::format("    {{xi::StepKind::{}, {}, {}, {}, {}, {}, {}}},\n", kind, elem_name(elem),
                     pitch, align, float_literal(scale), float_literal(low), float_literal(high));
}

Result<std::string> step_text(const EpilogueStep& step, const EpilogueLayout& layout) {
  switch (step.kind) {
    case EpilogueStep::Kind::kResidual:
      if (!is_device_elem(step.residual_dtype)) {
        return internal_error("residual of type {} in a CUDA epilogue",
                              to_string(step.residual_dtype));
      }
      return step_literal("kResidual", step.residual_dtype, step.residual_pixel_stride,
                          layout.residual_align, step.scale, 0.0f, 0.0f);
    case EpilogueStep::Kind::kClip:
      return step_literal("kClip", DType::kFloat32, 0, 0, 0.0f, step.low, step.high);
    case EpilogueStep::Kind::kLeaky:
      return step_literal("kLeaky", DType::kFloat32, 0, 0, step.slope, 0.0f, 0.0f);
    case EpilogueStep::Kind::kTable:
      return step_literal("kTable", step.table_output_signed ? DType::kInt8 : DType::kUInt8, 0, 0,
                          step.table_scale, step.table_min, step.table_max);
    case EpilogueStep::Kind::kActivation:
      return step_literal("kFunction", DType::kFloat32, 0, 0, 0.0f, 0.0f, 0.0f);
  }
  return internal_error("epilogue step of unknown kind");
}

}  // namespace

bool is_device_elem(DType dtype) {
  return dtype == DType::kInt8 || dtype == DType::kUInt8 || dtype == DType::kFloat16 ||
         dtype == DType::kFloat32;
}

std::string float_literal(float value) {
  if (std::isinf(value))
    return value > 0 ? "__builtin_bit_cast(float, 0x7f800000u)"
                     : "__builtin_bit_cast(float, 0xff800000u)";
  return fmt::format("{:a}f", value);
}

int run_alignment(int base, std::int64_t pitch, DType dtype) {
  const auto bytes = pitch * static_cast<std::int64_t>(size_of(dtype));
  return static_cast<int>(std::gcd(std::gcd<std::int64_t>(16, base), bytes));
}

LayerSource& LayerSource::constant(std::string_view name, std::int64_t value) {
  const bool fits = value == static_cast<std::int32_t>(value);
  constants_ += fmt::format("constexpr {} {} = {};\n", fits ? "int" : "long long", name, value);
  return *this;
}

LayerSource& LayerSource::constant(std::string_view name, bool value) {
  constants_ += fmt::format("constexpr bool {} = {};\n", name, value);
  return *this;
}

LayerSource& LayerSource::constant(std::string_view name, float value) {
  constants_ += fmt::format("constexpr float {} = {};\n", name, float_literal(value));
  return *this;
}

LayerSource& LayerSource::constant(std::string_view name, DType value) {
  constants_ += fmt::format("constexpr xi::Elem {} = {};\n", name, elem_name(value));
  return *this;
}

LayerSource& LayerSource::declare(std::string_view text) {
  declarations_ += text;
  return *this;
}

std::string LayerSource::text() const {
  return "#pragma once\n#include \"cuda/step.cuh\"\nnamespace layer {\n" + constants_ +
         declarations_ + "}  // namespace layer\n";
}

Status add_steps(const Epilogue& epilogue, const EpilogueLayout& layout, std::string_view prefix,
                 LayerSource& layer) {
  layer.constant(fmt::format("{}StepCount", prefix), epilogue.step_count);
  std::string steps;
  for (int i = 0; i < epilogue.step_count; ++i) {
    XINFER_ASSIGN_OR_RETURN(const std::string text, step_text(epilogue.steps[i], layout));
    steps += text;
  }
  layer.declare(fmt::format("constexpr xi::Step {}Steps[4] = {{\n{}}};\n", prefix, steps));
  return Status();
}

Status add_epilogue(const Epilogue& epilogue, const EpilogueLayout& layout, LayerSource& layer) {
  layer.constant("kOutElem", epilogue.output_dtype)
      .constant("kOutPitch", layout.out_pitch)
      .constant("kOutAlign", layout.out_align)
      .constant("kHasPadding", layout.has_padding)
      .constant("kScaled", epilogue.multiplier != nullptr);
  XINFER_RETURN_IF_ERROR(add_steps(epilogue, layout, "k", layer));
  for (int i = 0; i < epilogue.step_count; ++i) {
    const EpilogueStep& step = epilogue.steps[i];
    if (step.kind != EpilogueStep::Kind::kActivation) continue;
    XINFER_ASSIGN_OR_RETURN(
        const std::string function,
        unary_expression(static_cast<Unary>(step.activation), step.alpha, step.beta, "y"));
    layer.declare(
        fmt::format("template <>\n__device__ __forceinline__ float step_function<{}>(float y) {{\n"
                    "  return {};\n}}\n",
                    i, function));
  }
  return Status();
}

}  // namespace xinfer::kernels::cuda
