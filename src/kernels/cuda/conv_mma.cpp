#include <algorithm>

#include "kernels/cuda/conv_constants.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr int kMostSharedBytes = 99 * 1024;  // sm_86 and sm_89 have the least of all since sm_80

Status check_tactic(const MmaTactic& t, const ConvLayout& layout) {
  const int warp_rows = t.tile_m / t.warps_m, warp_cols = t.tile_n / t.warps_n;
  const int threads = 32 * t.warps_m * t.warps_n;
  const int rows_per_pass = threads / (t.tile_k / 16);
  const bool nested =
      std::max(warp_cols, layout.permutation) % std::min(warp_cols, layout.permutation) == 0;
  if (warp_rows % 16 != 0 || warp_cols % 16 != 0 || !nested || t.tile_m % rows_per_pass != 0) {
    return unsupported("mma tactic {}x{}x{} with {}x{} warps", t.tile_m, t.tile_n, t.tile_k,
                       t.warps_m, t.warps_n);
  }
  return Status();
}

}  // namespace

Result<KernelSpec> mma_conv(const ConvProblem& problem, const MmaTactic& tactic) {
  XINFER_RETURN_IF_ERROR(check_conv_problem(problem));
  const ConvShape& s = problem.shape;
  if (problem.input == DType::kFloat32) return unsupported("mma.sync convolution of float32");
  const ConvLayout layout = conv_layout(s, problem.input);
  XINFER_RETURN_IF_ERROR(check_tactic(tactic, layout));

  const std::int64_t tiles_n = (layout.group_rows + tactic.tile_n - 1) / tactic.tile_n;
  LayerSource layer;
  XINFER_RETURN_IF_ERROR(add_conv_constants(problem, layout, layer));
  layer.constant("kTileM", tactic.tile_m).constant("kTileN", tactic.tile_n);
  layer.constant("kTileK", tactic.tile_k).constant("kTilesN", tiles_n);
  layer.constant("kWarpsM", tactic.warps_m).constant("kWarpsN", tactic.warps_n);
  layer.constant("kStages", tactic.stages).constant("kMinBlocks", tactic.min_blocks);

  KernelSpec spec;
  spec.entry = "conv_mma";
  spec.source = "conv/cuda_mma.cuh";
  spec.layer = layer.text();
  spec.tactic = fmt::format("mma_{}x{}x{}_w{}x{}_s{}", tactic.tile_m, tactic.tile_n, tactic.tile_k,
                            tactic.warps_m, tactic.warps_n, tactic.stages);
  spec.least_capability = 80;
  spec.grid.items_per_image = s.out_h * s.out_w;
  spec.grid.items_per_tile = tactic.tile_m;
  spec.grid.tiles_per_item_tile = tiles_n * layout.groups;
  spec.threads = 32 * tactic.warps_m * tactic.warps_n;
  spec.dynamic_shared_bytes = tactic.stages * (tactic.tile_m + tactic.tile_n) * tactic.tile_k;
  if (spec.dynamic_shared_bytes > kMostSharedBytes) {
    return unsupported("{}: {} bytes of shared memory, at most {}", spec.tactic,
                       spec.dynamic_shared_bytes, kMostSharedBytes);
  }
  spec.arguments = weighted_arguments();
  return spec;
}

}  // namespace xinfer::kernels::cuda
