#include <algorithm>

#include "kernels/cuda/conv_constants.h"
#include "kernels/cuda/tensor_maps.h"
#include "kernels/cuda/wgmma_source.h"

namespace xinfer::kernels::cuda {
namespace {

struct Plan {
  ConvLayout layout;
  std::int64_t pixel_bytes = 0, pitch = 0, tiles_n = 0;
  int weight_row_bytes = 0;
  std::int64_t shared_bytes = 0;
};

Plan make_plan(const ConvProblem& problem, const HaloTactic& t) {
  const ConvShape& s = problem.shape;
  Plan plan;
  plan.layout = conv_layout(s, problem.input);
  plan.pixel_bytes = plan.layout.group_in_channels * plan.layout.element_bytes;
  plan.pitch = s.out_w + s.kernel_w - 1;
  plan.tiles_n = (plan.layout.group_rows + t.tile_n - 1) / t.tile_n;
  plan.weight_row_bytes = plan.pixel_bytes == 16 ? 128 : static_cast<int>(plan.pixel_bytes);
  const std::int64_t box = (t.rows + s.kernel_h - 1) * plan.pitch * plan.pixel_bytes;
  const std::int64_t read =
      (64 * t.m_blocks + (s.kernel_h - 1) * plan.pitch + s.kernel_w) * plan.pixel_bytes;
  const std::int64_t stage = (std::max(box, read) + 1023) / 1024 * 1024;
  const std::int64_t slices =
      (plan.layout.row_bytes() + plan.weight_row_bytes - 1) / plan.weight_row_bytes;
  plan.shared_bytes =
      1024 + t.stages * stage + slices * t.tile_n * plan.weight_row_bytes + 8 * (2 * t.stages + 1);
  return plan;
}

Status check_tactic(const ConvProblem& problem, const HaloTactic& t, const Plan& plan) {
  const ConvShape& s = problem.shape;
  const std::int64_t bytes = plan.pixel_bytes;
  const bool pixels =
      (bytes == 16 && s.kernel_w % 2 == 0) || bytes == 32 || bytes == 64 || bytes == 128;
  const bool steps = s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 && s.dilation_w == 1;
  if (plan.layout.groups != 1 || problem.input == DType::kFloat32 || !pixels || !steps) {
    return unsupported("the halo convolution for this layer");
  }
  if (plan.pitch > kMostBoxExtent || t.rows + s.kernel_h - 1 > kMostBoxExtent ||
      t.rows * plan.pitch > 64 * t.m_blocks) {
    return unsupported("halo tactic of {} rows of {} positions in {} products", t.rows, plan.pitch,
                       64 * t.m_blocks);
  }
  const bool nested =
      std::max(t.tile_n, plan.layout.permutation) % std::min(t.tile_n, plan.layout.permutation) ==
      0;
  if (!is_wgmma_width(t.tile_n) || t.tile_n % 16 != 0 || !nested ||
      t.m_blocks * t.tile_n / 2 > 128) {
    return unsupported("halo tactic of {} channels, {} blocks of pixels", t.tile_n, t.m_blocks);
  }
  if (plan.shared_bytes > kBlockSharedBytes) {
    return unsupported("halo tactic: {} bytes of shared memory, at most {}", plan.shared_bytes,
                       kBlockSharedBytes);
  }
  return Status();
}

}  // namespace

Result<KernelSpec> halo_conv(const ConvProblem& problem, const HaloTactic& tactic) {
  XINFER_RETURN_IF_ERROR(check_conv_problem(problem));
  const Plan plan = make_plan(problem, tactic);
  XINFER_RETURN_IF_ERROR(check_tactic(problem, tactic, plan));
  LayerSource layer;
  XINFER_RETURN_IF_ERROR(add_conv_constants(problem, plan.layout, layer));
  layer.constant("kTileRows", tactic.rows).constant("kPitch", plan.pitch);
  layer.constant("kBlocksM", tactic.m_blocks).constant("kTileN", tactic.tile_n);
  layer.constant("kTilesN", plan.tiles_n).constant("kStages", tactic.stages);
  layer.constant("kSharedBytes", plan.shared_bytes);
  layer.declare(wgmma_function(tactic.tile_n, problem.input));

  KernelSpec spec;
  spec.entry = "conv_wgmma_halo";
  spec.source = "conv/cuda_wgmma_halo.cuh";
  spec.layer = layer.text();
  spec.tactic = fmt::format("halo_{}rows_{}x{}_s{}", tactic.rows, 64 * tactic.m_blocks,
                            tactic.tile_n, tactic.stages);
  spec.least_capability = 90;
  spec.architecture_specific = true;
  spec.grid.items_per_image = (problem.shape.out_h + tactic.rows - 1) / tactic.rows;
  spec.grid.tiles_per_item_tile = plan.tiles_n;
  spec.grid.persistent_blocks_per_multiprocessor = 1;
  spec.grid.multiple = static_cast<int>(plan.tiles_n);
  spec.threads = 384;
  spec.dynamic_shared_bytes = static_cast<int>(plan.shared_bytes);
  spec.tensor_maps = {
      halo_map(problem, plan.layout, static_cast<int>(plan.pixel_bytes), plan.pitch, tactic.rows),
      weight_map(problem.input, plan.layout, plan.weight_row_bytes, tactic.tile_n)};
  spec.arguments = mapped_arguments();
  return spec;
}

}  // namespace xinfer::kernels::cuda
