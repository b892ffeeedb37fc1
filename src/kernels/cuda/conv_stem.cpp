#include <fmt/format.h>

#include <algorithm>

#include "kernels/cuda/conv_constants.h"
#include "kernels/cuda/exact_quotient.h"
#include "kernels/cuda/image_kernels.h"
#include "kernels/cuda/stem_kernels.h"
#include "kernels/cuda/tensor_maps.h"
#include "kernels/cuda/wgmma_source.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr std::int64_t kSharedOfMultiprocessor = 228 * 1024, kSystemBytesOfBlock = 1024;
constexpr std::int64_t kSliceRowBytes = 128;
constexpr std::int64_t kMostChannels = 128;
constexpr std::int64_t kProductRows = 64;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
std::int64_t round_up(std::int64_t a, std::int64_t b) { return ceil_div(a, b) * b; }

/// The pooling, or the one that changes nothing.
PoolShape pool_of(const StemProblem& problem) {
  if (problem.pool) return *problem.pool;
  PoolShape same;
  same.height.in = same.height.out = problem.conv.shape.out_h;
  same.width.in = same.width.out = problem.conv.shape.out_w;
  return same;
}

bool is_plain(const PoolAxis& axis) {
  return axis.dilation == 1 && axis.kernel <= kProductRows && axis.kernel >= axis.stride &&
         axis.pad_begin < axis.kernel &&
         (axis.out - 1) * axis.stride - axis.pad_begin < axis.in;  // no window outside
}

Status check_problem(const StemProblem& problem, const ConvLayout& layout) {
  const ConvProblem& conv = problem.conv;
  const ConvShape& s = conv.shape;
  const std::int64_t pixel_bytes = layout.group_in_channels * layout.element_bytes;
  const bool pixels = pixel_bytes == 32 || (pixel_bytes == 16 && s.kernel_w % 2 == 0);
  const DType out = conv.epilogue.output_dtype;
  const auto size = static_cast<std::int64_t>(size_of(out));
  const bool types = conv.input != DType::kFloat32 && out != DType::kFloat32;
  const bool runs = stored_channels(conv) * size % 16 == 0 && s.y_pixel_stride * size % 16 == 0 &&
                    conv.output_align == 16;
  bool residual = false;
  for (int i = 0; i < conv.epilogue.step_count; ++i) {
    residual = residual || conv.epilogue.steps[i].kind == EpilogueStep::Kind::kResidual;
  }
  const PoolShape pool = pool_of(problem);
  const bool pools =
      pool.depth.in == 1 && pool.depth.kernel == 1 && is_plain(pool.height) && is_plain(pool.width);
  if (layout.groups != 1 || layout.merged != 1 || !pixels || !types || !runs || residual ||
      !pools || s.stride_h != 1 || s.stride_w != 1 || s.dilation_h != 1 || s.dilation_w != 1 ||
      layout.group_rows > kMostChannels || !is_wgmma_width(static_cast<int>(layout.group_rows)) ||
      s.in_channels != problem.channels * problem.block * problem.block || s.in_channels > 16) {
    return unsupported("the stem kernel for this layer");
  }
  return Status();
}

void add_image(const StemProblem& problem, LayerSource& layer) {
  layer.constant("kImageH", problem.image_h).constant("kImageW", problem.image_w);
  layer.constant("kChannels", problem.channels).constant("kBlock", problem.block);
  layer.constant("kByteImage", problem.byte_image);
  layer.constant("kTableElem", image_table_type(problem.conv.input));
  layer.constant("kFactor", problem.factor);
  std::optional<ExactQuotient> quotient;
  if (size_of(problem.conv.input) == 1 && !problem.byte_image) {
    quotient = exact_quotient(problem.factor, problem.conv.input);
  }
  layer.constant("kHasReciprocal", quotient.has_value());
  layer.constant("kReciprocal", quotient ? quotient->reciprocal : 0.0f);
  layer.constant("kReciprocalRest", quotient ? quotient->rest : 0.0f);
}

void add_pool_axis(LayerSource& layer, const PoolAxis& axis, char suffix, const char* begin) {
  const auto name = [suffix](const char* prefix) { return std::string(prefix) + suffix; };
  layer.constant(name("kPoolOut"), axis.out).constant(name("kPoolKernel"), axis.kernel);
  layer.constant(name("kPoolStride"), axis.stride).constant(begin, axis.pad_begin);
}

/// The sizes of a block, as cuda_stem.cuh computes them too.
struct Plan {
  std::int64_t strip_columns = 1;
  std::int64_t blocks_of_image = 1;
  std::int64_t image_columns = 0;  ///< that make a converted row
  bool copies_image = false;       ///< the copy engine can
  std::int64_t shared_bytes = 0;
  int resident_blocks = 1;
};

Plan make_plan(const StemProblem& problem, const ConvLayout& layout, const StemTactic& t) {
  const ConvShape& s = problem.conv.shape;
  const PoolShape pool = pool_of(problem);
  Plan plan;
  const std::int64_t most = (kProductRows - pool.width.kernel) / pool.width.stride + 1;
  const std::int64_t column_strips = ceil_div(pool.width.out, most);
  plan.strip_columns = ceil_div(pool.width.out, column_strips);
  plan.blocks_of_image =
      ceil_div(pool.height.out, t.strip_rows) * ceil_div(pool.width.out, plan.strip_columns);
  const std::int64_t out_columns = (plan.strip_columns - 1) * pool.width.stride + pool.width.kernel;
  const std::int64_t out_rows = (t.step_rows - 1) * pool.height.stride + pool.height.kernel;
  const std::int64_t pixel_bytes = layout.group_in_channels * layout.element_bytes;
  const std::int64_t pitch = ceil_div(kProductRows + s.kernel_w - 1, 8) * 8;
  const auto size = static_cast<std::int64_t>(size_of(problem.conv.epilogue.output_dtype));
  const std::int64_t weights =
      ceil_div(layout.row_bytes(), kSliceRowBytes) * kSliceRowBytes * layout.group_rows;
  const std::int64_t in_rows = out_rows + s.kernel_h - 1;
  const std::int64_t parities = pool.width.stride == 2 ? 2 : 1;
  plan.image_columns = round_up((out_columns + s.kernel_w - 1) * problem.block + 3, 4);
  plan.copies_image =
      !problem.byte_image && problem.image_w % 4 == 0 && plan.image_columns <= kMostBoxExtent;
  const std::int64_t slots = plan.copies_image ? in_rows : 0;
  const std::int64_t slot_bytes =
      round_up(problem.channels * problem.block * plan.image_columns * 4, 128);
  plan.shared_bytes =
      1024 + round_up(weights + slots * slot_bytes, 256) + in_rows * pitch * pixel_bytes +
      round_up(out_rows * round_up(out_columns, parities) * layout.group_rows * size, 8) +
      8 * (1 + slots);
  // Of a thread: accumulators, and tables where they are kept.
  const std::int64_t tables = layout.group_rows <= 64 ? layout.group_rows / 2 : 0;
  const std::int64_t registers = 64 + layout.group_rows / 2 + tables;
  plan.resident_blocks = static_cast<int>(std::clamp<std::int64_t>(
      std::min(kSharedOfMultiprocessor / (plan.shared_bytes + kSystemBytesOfBlock),
               65536 / (128 * t.warpgroups * registers)),
      1, 16));
  return plan;
}

/// The image as [batch, channels, rows, columns]; a copy brings a converted row's part.
TensorMapRecipe image_map(const StemProblem& problem, const Plan& plan) {
  const auto width = static_cast<std::uint64_t>(problem.image_w),
             height = static_cast<std::uint64_t>(problem.image_h),
             channels = static_cast<std::uint64_t>(problem.channels);
  TensorMapRecipe map;
  map.type = xinfer::cuda::TensorMapType::kFloat32;
  map.swizzle = xinfer::cuda::TensorMapSwizzle::kNone;
  map.rank = 4;
  map.batch_dimension = 3;
  map.extent = {width, height, channels, 1};
  map.stride_bytes = {4 * width, 4 * width * height, 4 * width * height * channels};
  map.box = {static_cast<std::uint32_t>(plan.image_columns),
             static_cast<std::uint32_t>(problem.block),
             static_cast<std::uint32_t>(problem.channels), 1};
  return map;
}

/// Rows that blocks compute although others do too, and blocks that no multiprocessor has room
/// for, cost time: an estimate that only ranks.
double estimate(const StemProblem& problem, const StemTactic& t, const Plan& plan,
                std::int64_t batch, int multiprocessors) {
  const PoolShape pool = pool_of(problem);
  const auto height = static_cast<double>(pool.height.stride);
  const double rows = (t.strip_rows - 1) * height + static_cast<double>(pool.height.kernel);
  const double at_a_time = std::min<double>(
      t.warpgroups, (t.step_rows - 1) * height + static_cast<double>(pool.height.kernel));
  const double blocks = static_cast<double>(plan.blocks_of_image * batch);
  const double together = static_cast<double>(plan.resident_blocks) * multiprocessors;
  const double rounds = std::max(1.0, blocks / together + (blocks > together ? 0.5 : 0.0));
  // Few blocks: their own length counts; many: what all of them issue.
  return blocks <= together ? 3.0 + rows / at_a_time
                            : rounds * static_cast<double>(plan.resident_blocks) * (rows + 2.0);
}

}  // namespace

Result<KernelSpec> stem_kernel(const StemProblem& problem, const StemTactic& tactic) {
  const ConvProblem& conv = problem.conv;
  const ConvLayout layout = conv_layout(conv.shape, conv.input);
  XINFER_RETURN_IF_ERROR(check_problem(problem, layout));
  const Plan plan = make_plan(problem, layout, tactic);
  if (tactic.strip_rows < 1 || tactic.step_rows < 1 || plan.shared_bytes > kBlockSharedBytes) {
    return unsupported(
        "stem tactic of {} rows, {} at a time: {} bytes of shared memory, at most {}",
        tactic.strip_rows, tactic.step_rows, plan.shared_bytes, kBlockSharedBytes);
  }
  const PoolShape pool = pool_of(problem);
  LayerSource layer;
  XINFER_RETURN_IF_ERROR(add_conv_constants(conv, layout, layer));
  add_image(problem, layer);
  add_pool_axis(layer, pool.height, 'H', "kPoolPadTop");
  add_pool_axis(layer, pool.width, 'W', "kPoolPadLeft");
  layer.constant("kTileN", layout.group_rows).constant("kSharedBytes", plan.shared_bytes);
  layer.constant("kStripRows", tactic.strip_rows).constant("kStripColumns", plan.strip_columns);
  layer.constant("kStepRows", tactic.step_rows).constant("kThreads", 128 * tactic.warpgroups);
  layer.constant("kBlocksResident", plan.resident_blocks);
  layer.constant("kCopiesImage", plan.copies_image);
  layer.declare(wgmma_function(static_cast<int>(layout.group_rows), conv.input));

  KernelSpec spec;
  spec.entry = "conv_stem";
  spec.source = "conv/cuda_stem.cuh";
  spec.layer = layer.text();
  spec.tactic =
      fmt::format("stem_{}rows_by{}_w{}", tactic.strip_rows, tactic.step_rows, tactic.warpgroups);
  spec.least_capability = 90;
  spec.architecture_specific = true;
  spec.grid.items_per_image = plan.blocks_of_image;
  spec.threads = 128 * tactic.warpgroups;
  spec.dynamic_shared_bytes = static_cast<int>(plan.shared_bytes);
  spec.tensor_maps = {
      weight_map(conv.input, layout, kSliceRowBytes, static_cast<int>(layout.group_rows))};
  if (plan.copies_image) spec.tensor_maps.push_back(image_map(problem, plan));
  using Kind = KernelArgument::Kind;
  const KernelArgument image = plan.copies_image
                                   ? KernelArgument{Kind::kTensorMap, Operand::kInput, 1}
                                   : KernelArgument{Kind::kNoTensorMap};
  spec.arguments = {{Kind::kPointer, Operand::kInput},
                    {Kind::kPointer, Operand::kInput2},
                    image,
                    {Kind::kTensorMap, Operand::kWeights, 0},
                    {Kind::kPointer, Operand::kMultiplier},
                    {Kind::kPointer, Operand::kBias},
                    {Kind::kPointer, Operand::kOutput},
                    {Kind::kStepPointers}};
  return spec;
}

Result<std::vector<KernelSpec>> stem_candidates(const StemProblem& problem,
                                                const ConvTarget& target, std::int64_t batch,
                                                int count) {
  if (target.capability != 90 || !target.allow_wgmma) {
    return unsupported("the stem kernel needs wgmma");
  }
  constexpr StemTactic kTactics[] = {{1, 1, 3},  {2, 2, 2},  {2, 2, 3},  {4, 2, 2},  {4, 4, 4},
                                     {8, 2, 1},  {8, 2, 2},  {14, 2, 1}, {14, 2, 2}, {28, 2, 2},
                                     {14, 4, 2}, {28, 4, 2}, {28, 4, 4}, {56, 8, 4}};
  const ConvLayout layout = conv_layout(problem.conv.shape, problem.conv.input);
  std::vector<std::pair<double, KernelSpec>> found;
  Status refused;
  for (const StemTactic& tactic : kTactics) {
    if (tactic.strip_rows > 1 && tactic.strip_rows > pool_of(problem).height.out) continue;
    Result<KernelSpec> spec = stem_kernel(problem, tactic);
    if (!spec.ok()) {
      refused = spec.status();
      continue;
    }
    const double cost = estimate(problem, tactic, make_plan(problem, layout, tactic), batch,
                                 target.multiprocessors);
    found.emplace_back(cost, *std::move(spec));
  }
  if (found.empty()) return refused;
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<KernelSpec> specs;
  for (auto& [cost, spec] : found) {
    if (static_cast<int>(specs.size()) < count) specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace xinfer::kernels::cuda
