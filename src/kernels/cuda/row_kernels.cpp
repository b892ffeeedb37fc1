#include "kernels/cuda/row_kernels.h"

#include "kernels/cuda/layer_source.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr int kRowsPerBlock = 8;  // a warp each

// Elements that a lane takes at a time: as many as both pitches keep aligned.
int run_length(const RowProblem& p) {
  for (const int run : {8, 4}) {
    if (p.x_pitch % run == 0 && p.y_pitch % run == 0) return run;
  }
  return 1;
}

Result<KernelSpec> row_kernel(const RowProblem& p, const char* entry, const char* source,
                              LayerSource layer) {
  if (!is_device_elem(p.output) || !is_float(p.input)) {
    return unsupported("a CUDA {} from {} to {}", entry, to_string(p.input), to_string(p.output));
  }
  layer.constant("kRowsOfImage", p.rows).constant("kLength", p.length);
  layer.constant("kInPitch", p.x_pitch).constant("kOutPitch", p.y_pitch);
  layer.constant("kInElem", p.input).constant("kOutElem", p.output).constant("kScale", p.y_scale);
  layer.constant("kRowRun", run_length(p));
  KernelSpec spec;
  spec.entry = entry;
  spec.source = source;
  spec.layer = layer.text();
  spec.tactic = fmt::format("{}_warp", entry);
  spec.grid.items_per_image = p.rows;
  spec.grid.items_per_tile = kRowsPerBlock;
  spec.threads = 32 * kRowsPerBlock;
  using Kind = KernelArgument::Kind;
  spec.arguments = {{Kind::kPointer, Operand::kInput},
                    {Kind::kPointer, Operand::kMultiplier},
                    {Kind::kPointer, Operand::kBias},
                    {Kind::kPointer, Operand::kOutput},
                    {Kind::kBatch}};
  return spec;
}

}  // namespace

Result<KernelSpec> softmax_kernel(const RowProblem& problem, bool log) {
  LayerSource layer;
  layer.constant("kLog", log);
  return row_kernel(problem, "softmax", "softmax/cuda_softmax.cuh", std::move(layer));
}

Result<KernelSpec> layer_norm_kernel(const RowProblem& problem, float epsilon, bool has_scale,
                                     bool has_bias) {
  LayerSource layer;
  layer.constant("kEpsilon", epsilon);
  layer.constant("kHasScale", has_scale).constant("kHasBias", has_bias);
  return row_kernel(problem, "layer_norm", "normalize/cuda_layer_norm.cuh", std::move(layer));
}

}  // namespace xinfer::kernels::cuda
