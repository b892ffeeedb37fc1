#include "kernels/cuda/matmul_kernels.h"

#include "kernels/cuda/layer_source.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr std::int64_t kTile = 64;

bool is_int8(DType dtype) { return size_of(dtype) == 1; }

std::int64_t tiles(std::int64_t size) { return (size + kTile - 1) / kTile; }

}  // namespace

std::int64_t matmul_table_length(std::int64_t n) { return tiles(n) * kTile; }

Result<KernelSpec> matmul_kernel(const MatmulProblem& p) {
  if (!(is_float(p.a_dtype) && is_float(p.b_dtype)) &&
      !(is_int8(p.a_dtype) && p.b_dtype == DType::kInt8)) {
    return unsupported("a CUDA product of {} and {}", to_string(p.a_dtype), to_string(p.b_dtype));
  }
  EpilogueLayout epilogue;
  epilogue.out_pitch = p.y_pitch;
  epilogue.has_padding = p.y_pitch > p.n;
  const auto bytes = p.y_pitch * static_cast<std::int64_t>(size_of(p.epilogue.output_dtype));
  epilogue.out_align = epilogue.residual_align = bytes % 16 == 0 ? 16 : bytes % 4 == 0 ? 4 : 1;
  LayerSource layer;
  layer.constant("kM", p.m).constant("kN", p.n).constant("kK", p.k);
  layer.constant("kAElem", p.a_dtype).constant("kBElem", p.b_dtype);
  layer.constant("kARow", p.a_row_stride).constant("kAColumn", p.a_column_stride);
  layer.constant("kBRow", p.b_row_stride).constant("kBColumn", p.b_column_stride);
  layer.constant("kAImage", p.a_image_stride).constant("kBImage", p.b_image_stride);
  std::int64_t outer = 1;
  std::string axes;
  for (const MatmulAxis& axis : p.outer) {
    outer *= axis.size;
    axes += fmt::format("    {{{}, {}, {}}},\n", axis.size, axis.a_stride, axis.b_stride);
  }
  layer.constant("kOuter", outer);
  layer.constant("kOuterAxes", static_cast<std::int64_t>(p.outer.size()));
  layer.declare(
      "struct OuterAxis {\n  long long size, a, b;\n};\nconstexpr OuterAxis kAxes[] = {\n" + axes +
      "    {1, 0, 0}};\n");
  XINFER_RETURN_IF_ERROR(add_epilogue(p.epilogue, epilogue, layer));

  KernelSpec spec;
  spec.entry = "matmul";
  spec.source = "matmul/cuda_matmul.cuh";
  spec.layer = layer.text();
  spec.tactic = is_int8(p.a_dtype) ? "matmul_s8_64x64" : "matmul_float_64x64";
  spec.grid.items_per_image = outer * tiles(p.m) * tiles(p.n);
  spec.threads = 256;
  spec.arguments = weighted_arguments(Operand::kInput2);
  return spec;
}

}  // namespace xinfer::kernels::cuda
