#include <algorithm>

#include "kernels/cuda/conv_constants.h"
#include "kernels/cuda/tensor_maps.h"
#include "kernels/cuda/wgmma_source.h"

namespace xinfer::kernels::cuda {
namespace {

struct Plan {
  ConvLayout layout;
  std::int64_t pitch = 0, positions = 0, tiles_n = 0, shared_bytes = 0;
};

Plan make_plan(const ConvProblem& problem, const HaloChunksTactic& t) {
  const ConvShape& s = problem.shape;
  Plan plan;
  plan.layout = conv_layout(s, problem.input);
  plan.pitch = s.out_w + s.kernel_w - 1;
  plan.positions = std::int64_t{64} * t.m_blocks * t.group_warpgroups;
  plan.tiles_n = (plan.layout.group_rows + t.tile_n - 1) / t.tile_n;
  const std::int64_t channel_bytes = plan.layout.group_in_channels * plan.layout.element_bytes;
  const std::int64_t chunks = (channel_bytes + t.chunk_bytes - 1) / t.chunk_bytes;
  const std::int64_t box = (t.rows + s.kernel_h - 1) * plan.pitch;
  const std::int64_t read = plan.positions + (s.kernel_h - 1) * plan.pitch + s.kernel_w;
  const std::int64_t stage = (std::max(box, read) * t.chunk_bytes + 1023) / 1024 * 1024;
  const bool resident = t.weight_stages == 0;
  const std::int64_t slices = resident ? chunks * plan.layout.taps : t.weight_stages;
  const std::int64_t barriers = 2 * t.stages + (resident ? chunks : 2 * t.weight_stages);
  plan.shared_bytes = 1024 + t.stages * stage + slices * t.tile_n * t.chunk_bytes + 8 * barriers;
  return plan;
}

Status check_tactic(const ConvProblem& problem, const HaloChunksTactic& t, const Plan& plan) {
  const ConvShape& s = problem.shape;
  const bool steps = s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 && s.dilation_w == 1;
  if (plan.layout.groups != 1 || problem.input == DType::kFloat32 || !steps) {
    return unsupported("the halo convolution in chunks for this layer");
  }
  if (plan.pitch > kMostBoxExtent || t.rows < 1 || t.rows + s.kernel_h - 1 > kMostBoxExtent ||
      t.rows * plan.pitch > plan.positions) {
    return unsupported("halo tactic of {} rows of {} positions in {} products", t.rows, plan.pitch,
                       plan.positions);
  }
  const int permutation = plan.layout.permutation;
  const bool nested = std::max(t.tile_n, permutation) % std::min(t.tile_n, permutation) == 0;
  const int consumers = t.turns * t.group_warpgroups;
  const int most_sums = consumers == 3 ? 64 : 128;  // of a thread, so that registers suffice
  if (!is_wgmma_width(t.tile_n) || t.tile_n % 16 != 0 || !nested ||
      t.m_blocks * t.tile_n / 2 > most_sums) {
    return unsupported("halo tactic of {} channels, {} blocks of pixels", t.tile_n, t.m_blocks);
  }
  const bool chunk = t.chunk_bytes == 64 || t.chunk_bytes == 128;
  if (!chunk || consumers < 1 || consumers > 3 || t.stages < 2 || t.weight_stages == 1) {
    return unsupported("halo tactic: chunks of {} bytes, {} x {} warpgroups, {} and {} stages",
                       t.chunk_bytes, t.turns, t.group_warpgroups, t.stages, t.weight_stages);
  }
  if (plan.shared_bytes > kBlockSharedBytes) {
    return unsupported("halo tactic: {} bytes of shared memory, at most {}", plan.shared_bytes,
                       kBlockSharedBytes);
  }
  return Status();
}

}  // namespace

Result<KernelSpec> halo_chunks_conv(const ConvProblem& problem, const HaloChunksTactic& tactic) {
  XINFER_RETURN_IF_ERROR(check_conv_problem(problem));
  const Plan plan = make_plan(problem, tactic);
  XINFER_RETURN_IF_ERROR(check_tactic(problem, tactic, plan));
  LayerSource layer;
  XINFER_RETURN_IF_ERROR(add_conv_constants(problem, plan.layout, layer));
  layer.constant("kTileRows", tactic.rows).constant("kPitch", plan.pitch);
  layer.constant("kBlocksM", tactic.m_blocks).constant("kTileN", tactic.tile_n);
  layer.constant("kGroupWarpgroups", tactic.group_warpgroups).constant("kTurns", tactic.turns);
  layer.constant("kTilesN", plan.tiles_n).constant("kChunkBytes", tactic.chunk_bytes);
  layer.constant("kStages", tactic.stages).constant("kWeightStages", tactic.weight_stages);
  layer.constant("kResident", tactic.weight_stages == 0);
  layer.constant("kSharedBytes", plan.shared_bytes);
  layer.declare(wgmma_function(tactic.tile_n, problem.input));

  KernelSpec spec;
  spec.entry = "conv_wgmma_halo_chunks";
  spec.source = "conv/cuda_wgmma_halo_chunks.cuh";
  spec.layer = layer.text();
  spec.tactic = fmt::format("halo_chunks_{}rows_{}x{}x{}_{}x{}_s{}_{}", tactic.rows,
                            64 * tactic.m_blocks, tactic.tile_n, tactic.chunk_bytes, tactic.turns,
                            tactic.group_warpgroups, tactic.stages,
                            tactic.weight_stages == 0 ? std::string("resident")
                                                      : fmt::format("w{}", tactic.weight_stages));
  spec.least_capability = 90;
  spec.architecture_specific = true;
  spec.grid.items_per_image = (problem.shape.out_h + tactic.rows - 1) / tactic.rows;
  spec.grid.tiles_per_item_tile = plan.tiles_n;
  spec.grid.persistent_blocks_per_multiprocessor = 1;
  spec.grid.multiple = static_cast<int>(plan.tiles_n);
  spec.threads = 128 * (tactic.turns * tactic.group_warpgroups + 1);
  spec.dynamic_shared_bytes = static_cast<int>(plan.shared_bytes);
  spec.tensor_maps = {halo_map(problem, plan.layout, tactic.chunk_bytes, plan.pitch, tactic.rows),
                      weight_map(problem.input, plan.layout, tactic.chunk_bytes, tactic.tile_n)};
  spec.arguments = mapped_arguments();
  return spec;
}

}  // namespace xinfer::kernels::cuda
