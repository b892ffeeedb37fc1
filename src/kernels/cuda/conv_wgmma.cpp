#include <algorithm>

#include "kernels/cuda/conv_constants.h"
#include "kernels/cuda/tensor_maps.h"
#include "kernels/cuda/wgmma_source.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr std::int64_t kMostTableRows = 2048;  // multipliers and biases held in shared memory

// Registers that a consuming thread needs beside its accumulators. Long rows of wide elements need
// more where groups take turns: with 128x160 tiles and FP16 outputs up to 1 KB was spilled.
int other_registers(const WgmmaTactic& t, const Epilogue& epilogue) {
  bool wide = size_of(epilogue.output_dtype) > 1;
  for (int i = 0; i < epilogue.step_count; ++i) {
    const EpilogueStep& step = epilogue.steps[i];
    wide |= step.kind == EpilogueStep::Kind::kResidual && size_of(step.residual_dtype) > 1;
  }
  return wide && t.groups > 1 && t.tile_n > 128 ? 88 : 56;
}

// Registers of a consuming thread, as cuda_wgmma_tiles.cuh shares them out.
int consumer_registers(const WgmmaTactic& t) {
  const int consumers = t.groups * t.group_warpgroups;
  if (consumers == 1) return 255;
  const int launch = 65536 / (128 * (consumers + 1)) / 8 * 8;
  const int producer = consumers > 2 ? 24 : 40;
  return std::min(240, (launch * (consumers + 1) - producer) / consumers / 8 * 8);
}

struct Plan {
  ConvLayout layout;
  std::int64_t tiles_n = 1;
  std::int64_t slices = 1;
  int tile_m = 64;
  bool im2col = false;
  bool table_in_shared = true;
  int shared_bytes = 0;
};

// Residuals that the ring can bring: the epilogue is that one step, the residual lies like the
// output.
bool ring_applies(const ConvProblem& problem) {
  const Epilogue& e = problem.epilogue;
  if (e.step_count < 1 || e.steps[0].kind != EpilogueStep::Kind::kResidual) return false;
  for (int i = 1; i < e.step_count; ++i) {
    if (e.steps[i].kind == EpilogueStep::Kind::kResidual) return false;
  }
  return size_of(e.steps[0].residual_dtype) == 1 && problem.residual_align == 16 &&
         e.steps[0].residual_pixel_stride % 16 == 0;
}

Status check_tactic(const ConvProblem& problem, const WgmmaTactic& t, const Plan& plan) {
  const ConvLayout& layout = plan.layout;
  if (layout.groups != 1) return unsupported("wgmma convolution with groups");
  if (problem.input == DType::kFloat32) return unsupported("wgmma convolution of float32");
  const bool nested =
      std::max(t.tile_n, layout.permutation) % std::min(t.tile_n, layout.permutation) == 0;
  if (!is_wgmma_width(t.tile_n) || !nested || t.tile_n % 16 != 0) {
    return unsupported("wgmma tile of {} channels", t.tile_n);
  }
  if (t.m_blocks * t.tile_n / 2 + other_registers(t, problem.epilogue) > consumer_registers(t)) {
    return unsupported("wgmma tile of {}x{} a warpgroup: too many accumulators", 64 * t.m_blocks,
                       t.tile_n);
  }
  if (t.copy_out) {
    const bool boxes = t.tile_n == 64 || t.tile_n == 128 || t.tile_n == 256;
    if (!boxes || layout.permutation != 64 || size_of(problem.epilogue.output_dtype) != 1 ||
        problem.output_align != 16 || problem.shape.y_pixel_stride % 16 != 0) {
      return unsupported("wgmma tactic with copied outputs for this layer");
    }
    // An H200 seems to end a bulk store's rows at whole 16 bytes, not at the tensor map's extent,
    // and to write over what lies behind the last channel: of 1,000 random problems those with such
    // rows failed, and no others.
    if (stored_channels(problem) % 16 != 0) {
      return unsupported("wgmma tactic with copied outputs for {} stored channels",
                         stored_channels(problem));
    }
  }
  if (t.residual_stages > 0 && (!t.copy_out || !ring_applies(problem))) {
    return unsupported("wgmma tactic with a residual ring for this layer");
  }
  if (!plan.table_in_shared && t.copy_out) {
    return unsupported("wgmma tactic with copied outputs for so many channels");
  }
  if (plan.im2col) XINFER_RETURN_IF_ERROR(check_im2col(problem.shape));
  if (plan.tile_m > (plan.im2col ? 1024 : 256)) return unsupported("wgmma tile too high");
  return Status();
}

Plan make_plan(const ConvProblem& problem, const WgmmaTactic& t) {
  Plan plan;
  plan.layout = conv_layout(problem.shape, problem.input);
  plan.im2col = !is_pointwise(problem.shape);
  plan.tiles_n = (plan.layout.group_rows + t.tile_n - 1) / t.tile_n;
  const std::int64_t tap_bytes = plan.layout.group_in_channels * plan.layout.element_bytes;
  plan.slices = plan.layout.taps * ((tap_bytes + t.tile_k - 1) / t.tile_k);
  plan.tile_m = 64 * t.m_blocks * t.group_warpgroups;
  const std::int64_t table_rows = t.resident_weights ? t.tile_n : plan.tiles_n * t.tile_n;
  plan.table_in_shared = table_rows <= kMostTableRows;

  const std::int64_t weights = std::int64_t{t.tile_n} * t.tile_k;
  const std::int64_t stage =
      std::int64_t{plan.tile_m} * t.tile_k + (t.resident_weights ? 0 : weights);
  const int staged_tiles = t.residual_stages > 0 ? t.residual_stages * t.group_warpgroups
                           : t.copy_out          ? 2 * t.groups * t.group_warpgroups
                                                 : 0;
  const std::int64_t barriers = 2 * t.stages + 1 + 2 * t.residual_stages;
  const std::int64_t total = 1024 + t.stages * stage +
                             (t.resident_weights ? plan.slices * weights : 0) +
                             std::int64_t{staged_tiles} * 64 * t.m_blocks * t.tile_n +
                             (plan.table_in_shared ? table_rows * 8 : 0) + barriers * 8;
  plan.shared_bytes = static_cast<int>(std::min<std::int64_t>(total, 1 << 30));
  return plan;
}

// A map over an INT8 tensor shaped like the output: the output itself or its residual.
TensorMapRecipe output_map(const ConvProblem& problem, const WgmmaTactic& t,
                           std::int64_t pixel_stride) {
  TensorMapRecipe map;
  const auto box = static_cast<std::uint32_t>(std::min(t.tile_n, 128));
  map.swizzle = operand_swizzle(static_cast<int>(box));
  map.extent = {static_cast<std::uint64_t>(stored_channels(problem)),
                static_cast<std::uint64_t>(problem.shape.out_h * problem.shape.out_w)};
  map.batch_dimension = 1;
  map.stride_bytes = {static_cast<std::uint64_t>(pixel_stride)};
  map.box = {box, static_cast<std::uint32_t>(64 * t.m_blocks)};
  return map;
}

std::string tactic_name(const WgmmaTactic& t) {
  return fmt::format("wgmma_{}x{}x{}_g{}x{}_s{}{}{}{}{}", 64 * t.m_blocks, t.tile_n, t.tile_k,
                     t.groups, t.group_warpgroups, t.stages, t.resident_weights ? "_resident" : "",
                     t.copy_out ? "_copyout" : "",
                     t.residual_stages > 0 ? fmt::format("_ring{}", t.residual_stages) : "",
                     t.swizzle_m > 1 ? fmt::format("_m{}", t.swizzle_m) : "");
}

void add_tactic(const ConvProblem& problem, const WgmmaTactic& t, const Plan& plan,
                LayerSource& layer) {
  layer.constant("kBlocksM", t.m_blocks).constant("kTileN", t.tile_n).constant("kTileK", t.tile_k);
  layer.constant("kStages", t.stages).constant("kTurns", t.groups);
  layer.constant("kGroupWarpgroups", t.group_warpgroups);
  layer.constant("kResident", t.resident_weights).constant("kCopyOut", t.copy_out);
  layer.constant("kResidualStages", t.residual_stages).constant("kSwizzleM", t.swizzle_m);
  layer.constant("kIm2col", plan.im2col).constant("kTilesN", plan.tiles_n);
  layer.constant("kTableInShared", plan.table_in_shared);
  layer.constant("kSharedBytes", plan.shared_bytes);
  layer.declare(wgmma_function(t.tile_n, problem.input));
}

}  // namespace

Result<KernelSpec> wgmma_conv(const ConvProblem& problem, const WgmmaTactic& tactic) {
  XINFER_RETURN_IF_ERROR(check_conv_problem(problem));
  const Plan plan = make_plan(problem, tactic);
  XINFER_RETURN_IF_ERROR(check_tactic(problem, tactic, plan));
  LayerSource layer;
  XINFER_RETURN_IF_ERROR(add_conv_constants(problem, plan.layout, layer));
  add_tactic(problem, tactic, plan, layer);

  KernelSpec spec;
  spec.entry = "conv_wgmma";
  spec.source = "conv/cuda_wgmma.cuh";
  spec.layer = layer.text();
  spec.tactic = tactic_name(tactic);
  spec.least_capability = 90;
  spec.architecture_specific = true;
  spec.grid.items_per_image = problem.shape.out_h * problem.shape.out_w;
  spec.grid.items_per_tile = plan.tile_m;
  spec.grid.tiles_per_item_tile = plan.tiles_n;
  spec.grid.persistent_blocks_per_multiprocessor = 1;
  spec.grid.multiple = tactic.resident_weights ? static_cast<int>(plan.tiles_n) : 1;
  spec.threads = 128 * (tactic.groups * tactic.group_warpgroups + 1);
  spec.dynamic_shared_bytes = plan.shared_bytes;
  if (plan.shared_bytes > kBlockSharedBytes) {
    return unsupported("{}: {} bytes of shared memory, at most {}", spec.tactic, plan.shared_bytes,
                       kBlockSharedBytes);
  }
  const bool ring = tactic.residual_stages > 0;
  spec.tensor_maps = {activation_map(problem, plan.layout, tactic.tile_k, plan.tile_m, plan.im2col),
                      weight_map(problem.input, plan.layout, tactic.tile_k, tactic.tile_n),
                      output_map(problem, tactic, problem.shape.y_pixel_stride),
                      output_map(problem, tactic,
                                 ring ? problem.epilogue.steps[0].residual_pixel_stride
                                      : problem.shape.y_pixel_stride)};
  using Kind = KernelArgument::Kind;
  spec.arguments = {{Kind::kTensorMap, Operand::kInput, 0},
                    {Kind::kTensorMap, Operand::kWeights, 1},
                    {tactic.copy_out ? Kind::kTensorMap : Kind::kNoTensorMap, Operand::kOutput, 2},
                    {ring ? Kind::kTensorMap : Kind::kNoTensorMap, Operand::kStep0, 3},
                    {Kind::kPointer, Operand::kMultiplier},
                    {Kind::kPointer, Operand::kBias},
                    {Kind::kPointer, Operand::kOutput},
                    {Kind::kStepPointers},
                    {Kind::kBatch}};
  return spec;
}

}  // namespace xinfer::kernels::cuda
