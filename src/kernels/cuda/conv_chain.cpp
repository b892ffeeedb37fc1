#include <algorithm>

#include "kernels/cuda/chain_kernels.h"
#include "kernels/cuda/conv_constants.h"
#include "kernels/cuda/tensor_maps.h"
#include "kernels/cuda/wgmma_source.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr std::int64_t kTileRows = 64;
constexpr std::int64_t kMostBoxes = 16;       // the walk over them is unrolled
constexpr std::int64_t kMostBoxStages = 16;   // more than two tiles ahead gain nothing
constexpr std::int64_t kOtherRegisters = 64;  // of a thread, beside its accumulators

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

bool is_int8(DType dtype) { return dtype == DType::kInt8 || dtype == DType::kUInt8; }

/// Whether the epilogue has no residuals, or one of INT8 at its beginning.
bool residual_is_first(const ConvProblem& problem) {
  const Epilogue& e = problem.epilogue;
  for (int i = 0; i < e.step_count; ++i) {
    if (e.steps[i].kind != EpilogueStep::Kind::kResidual) continue;
    if (i != 0 || size_of(e.steps[i].residual_dtype) != 1 || problem.residual_align != 16 ||
        e.steps[i].residual_pixel_stride % 16 != 0 ||
        e.steps[i].residual_pixel_stride < stored_channels(problem)) {
      return false;
    }
  }
  return true;
}

bool has_residual(const ConvProblem& problem) {
  return problem.epilogue.step_count > 0 &&
         problem.epilogue.steps[0].kind == EpilogueStep::Kind::kResidual;
}

/// Whether no step needs an operand or a function.
bool has_plain_steps(const Epilogue& e) {
  return std::all_of(e.steps, e.steps + e.step_count, [](const EpilogueStep& s) {
    return s.kind == EpilogueStep::Kind::kClip || s.kind == EpilogueStep::Kind::kLeaky;
  });
}

/// How a tactic divides the problem, as cuda_chain_tiles.cuh computes it too.
struct Plan {
  ConvLayout layout, next;
  std::int64_t tile_k = 0, slices = 0, boxes = 0, box_stages = 0, shared_bytes = 0;
};

Plan make_plan(const ChainProblem& problem, const ChainTactic& t) {
  Plan plan;
  plan.layout = conv_layout(problem.first.shape, problem.first.input);
  plan.next = conv_layout(problem.next.shape, problem.next.input);
  const std::int64_t k = plan.layout.group_in_channels;
  plan.tile_k = k <= 32 ? 32 : k <= 64 ? 64 : 128;
  plan.slices = ceil_div(k, plan.tile_k);
  plan.boxes = ceil_div(plan.layout.group_rows, t.box_cols);
  const std::int64_t columns = plan.boxes * t.box_cols, box = kTileRows * t.box_cols;
  const std::int64_t weights = columns * (plan.slices * plan.tile_k + plan.next.group_rows);
  const std::int64_t inputs = t.consumers * t.input_stages * kTileRows * plan.slices * plan.tile_k;
  const std::int64_t tables = 8 * (columns + plan.next.group_rows);
  const std::int64_t rest =
      1024 + weights + inputs + tables + 8 * (2 + 2 * t.consumers * t.input_stages);
  const std::int64_t stage = t.consumers * (box + 16);  // and its barriers
  plan.box_stages = t.box_stages != 0 ? t.box_stages
                                      : std::clamp<std::int64_t>((kBlockSharedBytes - rest) / stage,
                                                                 0, kMostBoxStages);
  plan.shared_bytes = rest + plan.box_stages * stage;
  return plan;
}

Status check_problem(const ChainProblem& p, const Plan& plan) {
  XINFER_RETURN_IF_ERROR(check_conv_problem(p.first));
  XINFER_RETURN_IF_ERROR(check_conv_problem(p.next));
  const ConvShape &a = p.first.shape, &b = p.next.shape;
  const bool chained = is_pointwise(a) && is_pointwise(b) && a.groups == 1 && b.groups == 1 &&
                       a.out_h * a.out_w == b.out_h * b.out_w && a.out_channels == b.in_channels &&
                       p.first.epilogue.output_dtype == p.next.input;
  const bool types =
      is_int8(p.first.input) && is_int8(p.next.input) && is_int8(p.next.epilogue.output_dtype);
  const bool rows = stored_channels(p.first) % 16 == 0 && a.y_pixel_stride % 16 == 0 &&
                    p.first.output_align == 16 && plan.layout.permutation == 64 &&
                    stored_channels(p.first) > plan.layout.group_rows - 64;
  const bool next_rows = stored_channels(p.next) % 16 == 0 && b.y_pixel_stride % 16 == 0 &&
                         p.next.output_align == 16 &&
                         is_wgmma_width(static_cast<int>(plan.next.group_rows));
  if (!chained || !types || !rows || !next_rows || !residual_is_first(p.first) ||
      !has_plain_steps(p.next.epilogue)) {
    return unsupported("two convolutions of {} to {} to {} channels in one kernel", a.in_channels,
                       a.out_channels, b.out_channels);
  }
  return Status();
}

/// Registers of a consuming thread, as cuda_chain_tiles.cuh shares them out.
std::int64_t consumer_registers(const ChainTactic& t) {
  const int launch = 65536 / (128 * (t.consumers + 1)) / 8 * 8;
  const int producer = t.consumers > 2 ? 24 : 40;
  return std::min(240, (launch * (t.consumers + 1) - producer) / t.consumers / 8 * 8);
}

Status check_tactic(const ChainTactic& t, const Plan& plan) {
  if (t.consumers < 1 || t.consumers > 4 || (t.box_cols != 64 && t.box_cols != 128) ||
      t.input_stages < 1 || plan.box_stages < 2 || plan.boxes > kMostBoxes) {
    return unsupported("chain of {} warpgroups, {} boxes of {} channels, {} of them at a time",
                       t.consumers, plan.boxes, t.box_cols, plan.box_stages);
  }
  const std::int64_t accumulators = (t.box_cols + plan.next.group_rows) / 2;
  if (accumulators + kOtherRegisters > consumer_registers(t)) {
    return unsupported("chain of {} warpgroups: {} accumulators are too many", t.consumers,
                       accumulators);
  }
  if (plan.shared_bytes > kBlockSharedBytes) {
    return unsupported("chain of {} warpgroups: {} bytes of shared memory, at most {}", t.consumers,
                       plan.shared_bytes, kBlockSharedBytes);
  }
  return Status();
}

/// A map over an INT8 tensor shaped like the first layer's output: itself or its residual.
TensorMapRecipe between_map(const ConvProblem& problem, const ChainTactic& t,
                            std::int64_t pixel_stride) {
  TensorMapRecipe map;
  map.swizzle = operand_swizzle(t.box_cols);
  map.extent = {static_cast<std::uint64_t>(stored_channels(problem)),
                static_cast<std::uint64_t>(problem.shape.out_h * problem.shape.out_w)};
  map.batch_dimension = 1;
  map.stride_bytes = {static_cast<std::uint64_t>(pixel_stride)};
  map.box = {static_cast<std::uint32_t>(t.box_cols), static_cast<std::uint32_t>(kTileRows)};
  return map;
}

Status add_next(const ConvProblem& problem, const ConvLayout& layout, LayerSource& layer) {
  const Epilogue& e = problem.epilogue;
  layer.constant("kNextOutElem", e.output_dtype);
  layer.constant("kNextOutPitch", problem.shape.y_pixel_stride).constant("kNextOutAlign", 16);
  layer.constant("kNextRows", layout.group_rows).constant("kNextPermutation", layout.permutation);
  layer.constant("kNextOutChannels", problem.shape.out_channels);
  layer.constant("kNextStoredChannels", stored_channels(problem));
  layer.constant("kNextHasPadding", stored_channels(problem) > problem.shape.out_channels);
  return add_steps(e, EpilogueLayout(), "kNext", layer);
}

std::string tactic_name(const ChainTactic& t, const Plan& plan) {
  return fmt::format("chain_{}x64x{}_s{}_i{}", t.consumers, t.box_cols, plan.box_stages,
                     t.input_stages);
}

/// Bytes that a multiprocessor moves between memory and its tiles for each byte of weights that it
/// loads for them.
double share_of_weights(const ChainProblem& p, const ConvTarget& target, std::int64_t batch) {
  const ConvShape &a = p.first.shape, &b = p.next.shape;
  const std::int64_t pixels = batch * a.out_h * a.out_w;
  const std::int64_t between = (has_residual(p.first) ? 2 : 1) * a.out_channels;
  const auto moved = static_cast<double>(pixels * (a.in_channels + between + b.out_channels));
  return moved / target.multiprocessors /
         static_cast<double>(a.out_channels * (a.in_channels + b.out_channels));
}

}  // namespace

Result<KernelSpec> chain_kernel(const ChainProblem& problem, const ChainTactic& tactic) {
  const Plan plan = make_plan(problem, tactic);
  XINFER_RETURN_IF_ERROR(check_problem(problem, plan));
  XINFER_RETURN_IF_ERROR(check_tactic(tactic, plan));
  LayerSource layer;
  XINFER_RETURN_IF_ERROR(add_conv_constants(problem.first, plan.layout, layer));
  XINFER_RETURN_IF_ERROR(add_next(problem.next, plan.next, layer));
  layer.constant("kConsumers", tactic.consumers).constant("kBoxCols", tactic.box_cols);
  layer.constant("kBoxStages", plan.box_stages).constant("kInputStages", tactic.input_stages);
  layer.constant("kTileK", plan.tile_k).constant("kSharedBytes", plan.shared_bytes);
  layer.declare(wgmma_function(tactic.box_cols, problem.first.input));
  const auto next_rows = static_cast<int>(plan.next.group_rows);
  layer.declare("namespace next {\n" + wgmma_function(next_rows, problem.next.input) + "}\n");

  KernelSpec spec;
  spec.entry = "conv_chain";
  spec.source = "conv/cuda_chain.cuh";
  spec.layer = layer.text();
  spec.tactic = tactic_name(tactic, plan);
  spec.least_capability = 90;
  spec.architecture_specific = true;
  spec.grid.items_per_image = problem.first.shape.out_h * problem.first.shape.out_w;
  spec.grid.items_per_tile = kTileRows;
  spec.grid.persistent_blocks_per_multiprocessor = 1;
  spec.threads = 128 * (tactic.consumers + 1);
  spec.dynamic_shared_bytes = static_cast<int>(plan.shared_bytes);
  const bool residual = has_residual(problem.first);
  const std::int64_t pitch = problem.first.shape.y_pixel_stride;
  const auto tile_k = static_cast<int>(plan.tile_k);
  spec.tensor_maps = {
      activation_map(problem.first, plan.layout, tile_k, kTileRows, /*im2col=*/false),
      weight_map(problem.first.input, plan.layout, tile_k, tactic.box_cols),
      weight_map(problem.next.input, plan.next, tactic.box_cols, next_rows),
      between_map(problem.first, tactic, pitch),
      between_map(problem.first, tactic,
                  residual ? problem.first.epilogue.steps[0].residual_pixel_stride : pitch)};
  using Kind = KernelArgument::Kind;
  spec.arguments = {{Kind::kTensorMap, Operand::kInput2, 0},
                    {Kind::kTensorMap, Operand::kWeights2, 1},
                    {Kind::kTensorMap, Operand::kWeights, 2},
                    {Kind::kTensorMap, Operand::kInput, 3},
                    {residual ? Kind::kTensorMap : Kind::kNoTensorMap, Operand::kStep0, 4},
                    {Kind::kPointer, Operand::kMultiplier2},
                    {Kind::kPointer, Operand::kBias2},
                    {Kind::kPointer, Operand::kMultiplier},
                    {Kind::kPointer, Operand::kBias},
                    {Kind::kPointer, Operand::kOutput},
                    {Kind::kStepPointers},
                    {Kind::kBatch}};
  spec.replaces_previous = 1;
  return spec;
}

std::vector<KernelSpec> chain_candidates(const ChainProblem& problem, const ConvTarget& target,
                                         std::int64_t batch, int count) {
  // Measured on an H200 with ResNet-50's blocks: 2.8 and more save time, 1.9 and less cost some.
  constexpr double kLeastShare = 2.5;
  std::vector<KernelSpec> found;
  if (target.capability != 90 || !target.allow_wgmma ||
      share_of_weights(problem, target, batch) < kLeastShare) {
    return found;
  }
  constexpr ChainTactic kTactics[] = {{.consumers = 3, .box_cols = 128, .input_stages = 1},
                                      {.consumers = 2, .box_cols = 128, .input_stages = 2},
                                      {.consumers = 2, .box_cols = 64, .input_stages = 2},
                                      {.consumers = 2, .box_cols = 128, .input_stages = 1}};
  for (const ChainTactic& tactic : kTactics) {
    if (static_cast<int>(found.size()) >= count) break;
    Result<KernelSpec> spec = chain_kernel(problem, tactic);
    if (spec.ok()) found.push_back(*std::move(spec));
  }
  return found;
}

}  // namespace xinfer::kernels::cuda
