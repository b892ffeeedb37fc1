#include "kernels/cuda/average_product.h"

#include <algorithm>

#include "kernels/cuda/conv_constants.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr std::int64_t kThreads = 256;
constexpr std::int64_t kImages = 8;
constexpr std::int64_t kMostSharedBytes = 48 * 1024;  // what a block gets beside others
constexpr std::int64_t kMostQuads = 8;                // 64 registers of weights
constexpr std::int64_t kLargestBatch = 8;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// How a tactic divides the problem, in the kernel's terms.
struct Plan {
  ConvLayout layout;
  std::int64_t tiles_n = 0, granules = 0, block_granules = 0, teams = 0, quads = 0;
  std::int64_t shared_bytes = 0;
};

Plan make_plan(const AverageProductProblem& problem, const AverageProductTactic& t) {
  Plan plan;
  plan.layout = conv_layout(problem.product.shape, problem.product.input);
  plan.tiles_n = ceil_div(plan.layout.group_rows, t.tile_n);
  plan.granules = plan.layout.group_in_channels * plan.layout.element_bytes / 16;
  plan.block_granules = ceil_div(plan.granules, t.split);
  plan.teams = kThreads / plan.block_granules;
  const std::int64_t depths = kThreads / 32 / (t.tile_n / 16);
  plan.quads = ceil_div(ceil_div(plan.block_granules, 4), depths);
  const std::int64_t block_channels = plan.block_granules * 16 / plan.layout.element_bytes;
  const std::int64_t sums = std::max(plan.teams, kImages) * block_channels * 4;
  const std::int64_t means = kImages * (ceil_div(plan.block_granules * 16, 128) * 128 + 64);
  const std::int64_t exchange = t.split * depths * kImages * (t.tile_n / t.split) * 4;
  plan.shared_bytes = sums + means + exchange;
  return plan;
}

bool is_int8(DType dtype) { return dtype == DType::kInt8 || dtype == DType::kUInt8; }

Status check_problem(const AverageProductProblem& p) {
  const ConvShape& s = p.product.shape;
  const bool types = is_int8(p.product.input)
                         ? is_int8(p.source)
                         : p.product.input == DType::kFloat16 && p.source == DType::kFloat16;
  if (!types) {
    return unsupported("average and product in one kernel from {} to {}", to_string(p.source),
                       to_string(p.product.input));
  }
  if (!is_pointwise(s) || s.out_h * s.out_w != 1 || s.groups != 1) {
    return unsupported("average and product in one kernel: {}x{} pixels, {} groups", s.out_h,
                       s.out_w, s.groups);
  }
  const ConvLayout layout = conv_layout(s, p.product.input);
  if (p.source_pixel_stride * layout.element_bytes % 16 != 0 ||
      p.source_pixel_stride < layout.group_in_channels) {
    return unsupported("average and product in one kernel: pixels of {} elements, {} channels",
                       p.source_pixel_stride, s.in_channels);
  }
  return check_conv_problem(p.product);
}

Status check_tactic(const AverageProductTactic& t, const Plan& plan) {
  const auto is_power = [](int value, int least, int most) {
    return value >= least && value <= most && (value & (value - 1)) == 0;
  };
  if (!is_power(t.tile_n, 16, 128) || !is_power(t.split, 1, 8) || t.tile_n / t.split < 4 ||
      t.loads < 1 || t.loads > 8) {
    return unsupported("average and product: {} outputs over {} blocks, {} loads", t.tile_n,
                       t.split, t.loads);
  }
  if (plan.teams < 1 || plan.quads > kMostQuads || plan.shared_bytes > kMostSharedBytes) {
    return unsupported("average and product: {} granules of channels over {} blocks", plan.granules,
                       t.split);
  }
  return {};
}

}  // namespace

Result<KernelSpec> average_product_kernel(const AverageProductProblem& problem,
                                          const AverageProductTactic& tactic) {
  XINFER_RETURN_IF_ERROR(check_problem(problem));
  const Plan plan = make_plan(problem, tactic);
  XINFER_RETURN_IF_ERROR(check_tactic(tactic, plan));
  LayerSource layer;
  XINFER_RETURN_IF_ERROR(add_conv_constants(problem.product, plan.layout, layer));
  layer.constant("kSourceElem", problem.source);
  layer.constant("kSourcePitchBytes", problem.source_pixel_stride * plan.layout.element_bytes);
  layer.constant("kPixels", problem.pixels).constant("kMeanFactor", problem.factor);
  layer.constant("kChannels", problem.product.shape.in_channels);
  layer.constant("kTileN", tactic.tile_n).constant("kTilesN", plan.tiles_n);
  layer.constant("kSplit", tactic.split).constant("kLoads", tactic.loads);
  layer.constant("kSharedBytes", plan.shared_bytes);

  KernelSpec spec;
  spec.entry = "average_product";
  spec.source = "pool/cuda_average_product.cuh";
  spec.layer = layer.text();
  spec.tactic =
      fmt::format("average_product_{}_split{}_l{}", tactic.tile_n, tactic.split, tactic.loads);
  spec.least_capability = 90;
  spec.grid.items_per_image = 1;
  spec.grid.items_per_tile = kImages;
  spec.grid.tiles_per_item_tile = plan.tiles_n * tactic.split;
  spec.threads = static_cast<int>(kThreads);
  spec.dynamic_shared_bytes = static_cast<int>(plan.shared_bytes);
  spec.cluster_blocks = tactic.split;
  spec.arguments = weighted_arguments();
  spec.arguments[0].operand = Operand::kInput2;
  spec.replaces_previous = 1;
  return spec;
}

std::vector<KernelSpec> average_product_candidates(const AverageProductProblem& problem,
                                                   std::int64_t batch, int count) {
  std::vector<KernelSpec> found;
  // Every cluster reads all of the input: beyond a few images that costs more than a launch.
  if (batch > kLargestBatch) return found;
  for (AverageProductTactic t : {AverageProductTactic{64, 8}, {32, 4}, {128, 8}, {32, 8}}) {
    if (static_cast<int>(found.size()) >= count) break;
    const std::int64_t teams = std::max<std::int64_t>(1, make_plan(problem, t).teams / batch);
    t.loads = static_cast<int>(std::clamp<std::int64_t>(ceil_div(problem.pixels, teams), 1, 8));
    Result<KernelSpec> spec = average_product_kernel(problem, t);
    if (spec.ok()) found.push_back(*std::move(spec));
  }
  return found;
}

}  // namespace xinfer::kernels::cuda
