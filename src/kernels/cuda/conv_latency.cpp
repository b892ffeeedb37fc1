#include <algorithm>

#include "kernels/cuda/conv_constants.h"
#include "kernels/cuda/tensor_maps.h"
#include "kernels/cuda/wgmma_source.h"

namespace xinfer::kernels::cuda {
namespace {

struct Plan {
  ConvLayout layout;
  std::int64_t tiles_n = 0, slices = 0, block_slices = 0, shared_bytes = 0;
  bool im2col = false;
};

Plan make_plan(const ConvProblem& problem, const LatencyTactic& t) {
  Plan plan;
  plan.layout = conv_layout(problem.shape, problem.input);
  plan.im2col = !is_pointwise(problem.shape);
  plan.tiles_n = (plan.layout.group_rows + t.tile_n - 1) / t.tile_n;
  const std::int64_t tap_bytes = plan.layout.group_in_channels * plan.layout.element_bytes;
  plan.slices = plan.layout.taps * ((tap_bytes + t.tile_k - 1) / t.tile_k);
  plan.block_slices = (plan.slices + t.split - 1) / t.split;
  const std::int64_t sources = std::int64_t{t.split} * t.warpgroups;
  const std::int64_t exchange = sources > 1 ? sources * (64 / t.split) * (t.tile_n + 8) * 4 : 0;
  plan.shared_bytes =
      1024 + plan.block_slices * (64 + t.tile_n) * t.tile_k + exchange + 8 * plan.block_slices;
  return plan;
}

Status check_tactic(const ConvProblem& problem, const LatencyTactic& t, const Plan& plan) {
  const int permutation = plan.layout.permutation;
  const bool nested = std::max(t.tile_n, permutation) % std::min(t.tile_n, permutation) == 0;
  if (plan.layout.groups != 1 || problem.input == DType::kFloat32 || !is_wgmma_width(t.tile_n) ||
      t.tile_n % 16 != 0 || t.tile_n > 128 || !nested) {
    return unsupported("the latency convolution of {} channels for this layer", t.tile_n);
  }
  const bool splits = t.split == 1 || t.split == 2 || t.split == 4 || t.split == 8;
  // Every block of a cluster must have work.
  if (!splits || (t.split - 1) * plan.block_slices >= plan.slices ||
      t.warpgroups > plan.block_slices) {
    return unsupported("latency tactic: {} slices of K over {} blocks of {} warpgroups",
                       plan.slices, t.split, t.warpgroups);
  }
  if (problem.input == DType::kFloat16 && t.split * t.warpgroups > 1) {
    return unsupported("splitting float sums");  // their order would depend on the tactic
  }
  if (plan.im2col) XINFER_RETURN_IF_ERROR(check_im2col(problem.shape));
  if (plan.shared_bytes > kBlockSharedBytes) {
    return unsupported("latency tactic: {} bytes of shared memory, at most {}", plan.shared_bytes,
                       kBlockSharedBytes);
  }
  return Status();
}

}  // namespace

Result<KernelSpec> latency_conv(const ConvProblem& problem, const LatencyTactic& tactic) {
  XINFER_RETURN_IF_ERROR(check_conv_problem(problem));
  const Plan plan = make_plan(problem, tactic);
  XINFER_RETURN_IF_ERROR(check_tactic(problem, tactic, plan));
  LayerSource layer;
  XINFER_RETURN_IF_ERROR(add_conv_constants(problem, plan.layout, layer));
  layer.constant("kTileN", tactic.tile_n).constant("kTileK", tactic.tile_k);
  layer.constant("kTilesN", plan.tiles_n).constant("kSplit", tactic.split);
  layer.constant("kWarpgroups", tactic.warpgroups).constant("kIm2col", plan.im2col);
  layer.constant("kSharedBytes", plan.shared_bytes);
  layer.declare(wgmma_function(tactic.tile_n, problem.input));

  KernelSpec spec;
  spec.entry = "conv_wgmma_latency";
  spec.source = "conv/cuda_wgmma_latency.cuh";
  spec.layer = layer.text();
  spec.tactic = fmt::format("latency_64x{}x{}_split{}x{}", tactic.tile_n, tactic.tile_k,
                            tactic.split, tactic.warpgroups);
  spec.least_capability = 90;
  spec.architecture_specific = true;
  spec.grid.items_per_image = problem.shape.out_h * problem.shape.out_w;
  spec.grid.items_per_tile = 64;
  spec.grid.tiles_per_item_tile = plan.tiles_n * tactic.split;
  spec.threads = 128 * tactic.warpgroups;
  spec.dynamic_shared_bytes = static_cast<int>(plan.shared_bytes);
  spec.cluster_blocks = tactic.split;
  spec.may_wait_late = true;
  spec.tensor_maps = {activation_map(problem, plan.layout, tactic.tile_k, 64, plan.im2col),
                      weight_map(problem.input, plan.layout, tactic.tile_k, tactic.tile_n)};
  spec.arguments = mapped_arguments();
  return spec;
}

}  // namespace xinfer::kernels::cuda
