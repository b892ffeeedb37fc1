#include "kernels/cuda/reduce_kernels.h"

#include <limits>

#include "kernels/cuda/elementwise_types.h"
#include "kernels/cuda/layer_source.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr int kThreads = 256;

bool is_real(DType dtype) { return is_float(dtype) || dtype == DType::kFloat64; }

bool is_unsigned(DType dtype) {
  return dtype == DType::kBool || dtype == DType::kUInt8 || dtype == DType::kUInt16 ||
         dtype == DType::kUInt32 || dtype == DType::kUInt64;
}

/// "(-0x7f…ll - 1)" or "0xff…ull": the least or greatest integer of a type.
std::string integer_limit(DType dtype, bool greatest) {
  const auto bits = static_cast<int>(8 * size_of(dtype));
  if (is_unsigned(dtype)) {
    const std::uint64_t most = dtype == DType::kBool ? 1 : ~std::uint64_t{0} >> (64 - bits);
    return fmt::format("{}ull", greatest ? most : 0);
  }
  const auto most = static_cast<std::int64_t>(~std::uint64_t{0} >> (65 - bits));
  return greatest ? fmt::format("{}ll", most) : fmt::format("(-{}ll - 1)", most);
}

/// What a total is before the first element.
std::string start_of(ReduceKind kind, DType dtype) {
  const bool largest = kind == ReduceKind::kMax || kind == ReduceKind::kLogSumExp;
  if (largest || kind == ReduceKind::kMin) {
    const float infinity = std::numeric_limits<float>::infinity();
    return is_real(dtype) ? float_literal(largest ? -infinity : infinity)
                          : integer_limit(dtype, !largest);
  }
  return kind == ReduceKind::kProd ? "1" : "0";
}

/// Threads for one output: alone where it is made of few elements, a block where of many.
int lanes_of(std::int64_t reduced) { return reduced < 32 ? 1 : reduced < 4096 ? 32 : kThreads; }

std::string axes_text(const char* name, const std::vector<ReduceAxis>& axes) {
  std::string text;
  for (const ReduceAxis& axis : axes) {
    text += fmt::format("{{{}, {}, {}}}, ", axis.size, axis.x_stride, axis.y_stride);
  }
  return fmt::format(
      "struct {} {{\n  static constexpr int kCount = {};\n  static constexpr Axis at(int i) {{\n"
      "    constexpr Axis kAxes[] = {{{}{{1, 0, 0}}}};\n    return kAxes[i];\n  }}\n}};\n",
      name, axes.size(), text);
}

std::int64_t count_of(const std::vector<ReduceAxis>& axes) {
  std::int64_t count = 1;
  for (const ReduceAxis& axis : axes) count *= axis.size;
  return count;
}

Result<KernelSpec> lanes_kernel(const ReduceProblem& p, const char* entry, const char* source,
                                LayerSource layer) {
  const std::int64_t outputs = count_of(p.kept), reduced = count_of(p.reduced);
  if (outputs < 1 || outputs > std::int64_t{1} << 30 || reduced > std::int64_t{1} << 30) {
    return unsupported("a CUDA {} of {} outputs of {} elements", entry, outputs, reduced);
  }
  XINFER_ASSIGN_OR_RETURN(const char* in, stored_type(p.dtype));
  XINFER_ASSIGN_OR_RETURN(const char* out, stored_type(p.y_dtype));
  const int lanes = lanes_of(reduced);
  layer.constant("kLanes", lanes).constant("kOutputs", outputs).constant("kReduced", reduced);
  layer.constant("kInImage", p.x_image_stride).constant("kOutImage", p.y_image_stride);
  layer.constant("kIsFloat", is_real(p.dtype));
  const char* wide = is_real(p.dtype)       ? "double"
                     : is_unsigned(p.dtype) ? "unsigned long long"
                                            : "long long";
  layer.declare(fmt::format("using In = {};\nusing Out = {};\nusing Wide = {};\n", in, out, wide));
  layer.declare("struct Axis {\n  long long size, x, y;\n};\n");
  layer.declare(axes_text("KeptAxes", p.kept)).declare(axes_text("ReducedAxes", p.reduced));
  KernelSpec spec;
  spec.entry = entry;
  spec.source = source;
  spec.layer = layer.text();
  spec.tactic = fmt::format("{}_{}lanes", entry, lanes);
  spec.grid.items_per_image = outputs;
  spec.grid.items_per_tile = kThreads / lanes;
  spec.threads = kThreads;
  using Kind = KernelArgument::Kind;
  spec.arguments = {
      {Kind::kPointer, Operand::kInput}, {Kind::kPointer, Operand::kOutput}, {Kind::kBatch}};
  return spec;
}

}  // namespace

Result<KernelSpec> reduce_kernel(const ReduceProblem& problem, ReduceKind kind) {
  const bool extreme = kind == ReduceKind::kMax || kind == ReduceKind::kMin;
  if (problem.dtype == DType::kBool && !extreme) {
    return unsupported("a CUDA reduction {} of bool", static_cast<int>(kind));
  }
  if (problem.dtype != problem.y_dtype && !(is_float(problem.dtype) && is_float(problem.y_dtype))) {
    return unsupported("a CUDA reduction from {} to {}", to_string(problem.dtype),
                       to_string(problem.y_dtype));
  }
  LayerSource layer;
  layer.constant("kKind", static_cast<std::int64_t>(kind));
  layer.declare(fmt::format("constexpr auto kStart = {};\n", start_of(kind, problem.dtype)));
  return lanes_kernel(problem, "reduce", "reduce/cuda_reduce.cuh", std::move(layer));
}

Result<KernelSpec> arg_extreme_kernel(const ReduceProblem& problem, bool largest,
                                      bool select_last) {
  LayerSource layer;
  layer.constant("kLargest", largest).constant("kSelectLast", select_last);
  return lanes_kernel(problem, "arg_extreme", "reduce/cuda_arg_extreme.cuh", std::move(layer));
}

}  // namespace xinfer::kernels::cuda
