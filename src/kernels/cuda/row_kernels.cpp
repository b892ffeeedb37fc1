#include "kernels/cuda/row_kernels.h"

#include "kernels/cuda/layer_source.h"

namespace xinfer::kernels::cuda {
namespace {

// Elements that a lane takes at a time: as many as both pitches keep aligned.
int run_length(const RowProblem& p) {
  for (const int run : {8, 4}) {
    if (p.x_pitch % run == 0 && p.y_pitch % run == 0) return run;
  }
  return 1;
}

Result<KernelSpec> row_kernel(const RowProblem& p, const char* entry, const char* source,
                              const RowTactic& tactic, LayerSource layer) {
  if (!is_device_elem(p.output) || !is_float(p.input)) {
    return unsupported("a CUDA {} from {} to {}", entry, to_string(p.input), to_string(p.output));
  }
  layer.constant("kRowsOfImage", p.rows).constant("kLength", p.length);
  layer.constant("kInPitch", p.x_pitch).constant("kOutPitch", p.y_pitch);
  layer.constant("kInElem", p.input).constant("kOutElem", p.output).constant("kScale", p.y_scale);
  layer.constant("kRowRun", run_length(p)).constant("kWarpsOfBlock", tactic.rows_of_block);
  KernelSpec spec;
  spec.entry = entry;
  spec.source = source;
  spec.layer = layer.text();
  spec.tactic =
      fmt::format("{}_{}rows{}", entry, tactic.rows_of_block, tactic.tables_early ? "_early" : "");
  spec.grid.items_per_image = p.rows;
  spec.grid.items_per_tile = tactic.rows_of_block;
  spec.threads = 32 * tactic.rows_of_block;
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
  return row_kernel(problem, "softmax", "softmax/cuda_softmax.cuh", {}, std::move(layer));
}

Result<KernelSpec> layer_norm_kernel(const LayerNormProblem& problem, const RowTactic& tactic) {
  constexpr std::int64_t kMostInRegisters = 32;  // values of a lane, of each table
  const std::int64_t run = run_length(problem.rows), lanes = 32 * run;
  const bool fit = (problem.rows.y_pitch + lanes - 1) / lanes * run <= kMostInRegisters;
  if (tactic.tables_early && !(fit && problem.constant_tables)) {
    return unsupported("tables of {} values in registers", problem.rows.length);
  }
  LayerSource layer;
  layer.constant("kEpsilon", problem.epsilon).constant("kTablesEarly", tactic.tables_early);
  layer.constant("kHasScale", problem.has_scale).constant("kHasBias", problem.has_bias);
  return row_kernel(problem.rows, "layer_norm", "normalize/cuda_layer_norm.cuh", tactic,
                    std::move(layer));
}

Result<std::vector<KernelSpec>> layer_norm_candidates(const LayerNormProblem& problem,
                                                      std::int64_t batch, int multiprocessors) {
  std::vector<KernelSpec> candidates;
  XINFER_ASSIGN_OR_RETURN(KernelSpec wide, layer_norm_kernel(problem, {}));
  candidates.push_back(std::move(wide));
  Result<KernelSpec> narrow =
      layer_norm_kernel(problem, {.rows_of_block = 2, .tables_early = true});
  if (!narrow.ok()) return candidates;
  const bool few = batch * problem.rows.rows <= std::int64_t{16} * multiprocessors;
  candidates.insert(few ? candidates.begin() : candidates.end(), *std::move(narrow));
  return candidates;
}

}  // namespace xinfer::kernels::cuda
