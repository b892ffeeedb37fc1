#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "kernels/cuda/conv_constants.h"
#include "kernels/cuda/depthwise_kernels.h"
#include "kernels/cuda/inverted_residual_kernels.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr std::int64_t kSharedOfMultiprocessor = 228 * 1024, kSystemBytesOfBlock = 1024;
constexpr std::int64_t kMostThreadsOfMultiprocessor = 2048;
constexpr std::int64_t kRegistersOfThread = 96;  // what the kernel wants
constexpr std::int64_t kTaps = 9;
constexpr std::int64_t kMostColumns = 112;
constexpr int kMostOfTile = 2;  // candidates that differ in their warps alone

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

bool is_int8(DType dtype) { return dtype == DType::kInt8 || dtype == DType::kUInt8; }

/// What an inner layer does between its sums and INT8.
struct InnerEpilogue {
  bool clips = false;
  float low = 0, high = 0;
};

/// The clip may be left out where saturation does the same: rounding half even, what it would stop
/// becomes the least or the largest value all the same.
InnerEpilogue inner_epilogue(const Epilogue& epilogue) {
  if (epilogue.step_count == 0) return {};
  const EpilogueStep& clip = epilogue.steps[0];
  const bool is_signed = epilogue.output_dtype == DType::kInt8;
  const float least = is_signed ? -127.5f : 0.5f, most = is_signed ? 126.5f : 254.5f;
  return {clip.low > least || clip.high <= most, clip.low, clip.high};
}

bool is_inner(const Epilogue& epilogue) {
  if (!is_int8(epilogue.output_dtype) || epilogue.multiplier == nullptr) return false;
  if (epilogue.step_count == 0) return true;
  return epilogue.step_count == 1 && epilogue.steps[0].kind == EpilogueStep::Kind::kClip &&
         epilogue.steps[0].low <= epilogue.steps[0].high;
}

bool follows(const ConvProblem& second, const ConvProblem& first) {
  return second.input == first.epilogue.output_dtype &&
         second.shape.in_channels == first.shape.out_channels &&
         second.shape.in_h == first.shape.out_h && second.shape.in_w == first.shape.out_w;
}

bool is_product(const ConvProblem& problem) {
  return is_pointwise(problem.shape) && problem.shape.groups == 1 && is_int8(problem.input);
}

bool is_filter(const ConvProblem& problem) {
  const ConvShape& s = problem.shape;
  return is_depthwise(problem) && is_int8(problem.input) && s.kernel_h == 3 && s.kernel_w == 3 &&
         s.stride_h == s.stride_w && s.stride_h <= 2 && s.dilation_h == 1 && s.dilation_w == 1 &&
         s.pad_top >= 0 && s.pad_top <= 2 && s.pad_left >= 0 && s.pad_left <= 2;
}

Status check_problem(const InvertedResidualProblem& p) {
  const bool expands = !p.expand || (is_product(*p.expand) && is_inner(p.expand->epilogue) &&
                                     follows(p.filter, *p.expand));
  const bool rest = is_filter(p.filter) && is_inner(p.filter.epilogue) && is_product(p.project) &&
                    follows(p.project, p.filter);
  if (!expands || !rest) return unsupported("one launch for these layers");
  const std::int64_t granule = (p.first().shape.in_channels + 15) / 16 * 16;
  if (p.first().shape.x_pixel_stride % 16 != 0 || p.first().shape.x_pixel_stride < granule) {
    return unsupported("an inverted residual block whose input pixels have {} elements",
                       p.first().shape.x_pixel_stride);
  }
  return check_conv_problem(p.project);
}

/// How a tactic divides the problem, as cuda_inverted_residual_tile.cuh computes it too.
struct Plan {
  std::int64_t groups = 0, in_granules = 0, out_tiles = 0;
  std::int64_t tiles_y = 0, tiles_x = 0, in_rows = 0, col_tiles = 0, out_col_tiles = 0;
  std::int64_t unit_pixels = 2, units = 0;
  std::int64_t weight_bytes = 0, shared_bytes = 0;
  std::int64_t resident_blocks = 1;
};

/// Tiles of pixels that a warp projects at a time: those that leave the least to the busiest.
void choose_units(std::int64_t pixel_tiles, std::int64_t warps, Plan& plan) {
  std::int64_t least = 0;
  for (const std::int64_t pixels : {8, 4, 2}) {
    const std::int64_t units = plan.out_tiles * ceil_div(pixel_tiles, pixels);
    const std::int64_t cost = ceil_div(units, warps) * (2 * pixels + 6);
    if (least != 0 && cost >= least) continue;
    least = cost;
    plan.unit_pixels = pixels;
    plan.units = units;
  }
}

Plan make_plan(const InvertedResidualProblem& p, const InvertedResidualTactic& t) {
  const ConvShape &first = p.first().shape, &filter = p.filter.shape;
  const bool expands = p.expand.has_value();
  const std::int64_t stride = filter.stride_h;
  Plan plan;
  plan.groups = ceil_div(filter.in_channels, 16);
  plan.in_granules = ceil_div(first.in_channels, 16);
  plan.out_tiles = ceil_div(stored_channels(p.project), 16);
  plan.tiles_y = ceil_div(filter.out_h, t.tile_rows);
  plan.tiles_x = ceil_div(filter.out_w, t.tile_cols);
  plan.in_rows = (t.tile_rows - 1) * stride + 3;
  const std::int64_t in_cols = (t.tile_cols - 1) * stride + 3;
  plan.out_col_tiles = ceil_div(t.tile_cols, 8);
  const std::int64_t read_cols = (8 * plan.out_col_tiles - 1) * stride + 3;
  const bool whole = plan.tiles_x == 1;
  const std::int64_t first_col = expands && whole ? filter.pad_left : 0;
  plan.col_tiles = ceil_div(whole ? std::min(filter.in_w, in_cols - first_col) : in_cols, 8);
  choose_units(ceil_div(t.tile_rows * t.tile_cols, 8), t.warps, plan);

  const std::int64_t x_cols = expands ? plan.col_tiles * 8 : read_cols;
  const std::int64_t x_rows = plan.in_rows + (expands ? 3 : 0);
  const std::int64_t x_bytes = (x_rows * x_cols + 8) * (plan.in_granules | 1) * 16;
  const std::int64_t half =
      ceil_div(std::max<std::int64_t>(ceil_div(read_cols, 2) - 4, 0), 8) * 8 + 4;
  const std::int64_t e_cols = stride == 1 ? read_cols : 2 * half;
  const std::int64_t e_bytes = expands ? plan.in_rows * e_cols * 16 : 0;
  const std::int64_t d_bytes =
      plan.units / plan.out_tiles * plan.unit_pixels * 8 * (plan.groups | 1) * 16 + 16;
  // The projection's weights are read for every unit of pixels.
  const std::int64_t in_bytes = expands ? plan.in_granules * 256 : 0;
  plan.weight_bytes =
      plan.groups * (in_bytes + kTaps * 16 + 256) + plan.units * ceil_div(plan.groups, 2) * 512;
  plan.shared_bytes = x_bytes + d_bytes + t.warps * e_bytes;
  const std::int64_t threads = 32 * t.warps;
  plan.resident_blocks = std::clamp<std::int64_t>(
      std::min({kSharedOfMultiprocessor / (plan.shared_bytes + kSystemBytesOfBlock),
                kMostThreadsOfMultiprocessor / threads, 65536 / (threads * kRegistersOfThread)}),
      1, 16);
  return plan;
}

Status check_tactic(const InvertedResidualTactic& t) {
  if (t.tile_rows < 1 || t.tile_cols < 1 || t.warps < 1 || t.warps > 20) {
    return unsupported("inverted residual tactic of {}x{} pixels, {} warps", t.tile_rows,
                       t.tile_cols, t.warps);
  }
  return {};
}

void add_inner(LayerSource& layer, const std::string& name, DType elem,
               const InnerEpilogue& epilogue) {
  layer.constant("k" + name + "Elem", elem).constant("k" + name + "Clips", epilogue.clips);
  layer.constant("k" + name + "Low", epilogue.low).constant("k" + name + "High", epilogue.high);
}

Status add_constants(const InvertedResidualProblem& p, const InvertedResidualTactic& t,
                     const Plan& plan, LayerSource& layer) {
  const ConvShape &filter = p.filter.shape, &first = p.first().shape;
  layer.constant("kInElem", p.first().input).constant("kInPitchBytes", first.x_pixel_stride);
  layer.constant("kInGranules", plan.in_granules).constant("kExpands", p.expand.has_value());
  layer.constant("kInH", filter.in_h).constant("kInW", filter.in_w);
  layer.constant("kOutH", filter.out_h).constant("kOutW", filter.out_w);
  layer.constant("kStride", filter.stride_h);
  layer.constant("kPadTop", filter.pad_top).constant("kPadLeft", filter.pad_left);
  layer.constant("kGroups", plan.groups).constant("kOutTiles", plan.out_tiles);
  layer.constant("kTileRows", t.tile_rows).constant("kTileCols", t.tile_cols);
  layer.constant("kTilesY", plan.tiles_y).constant("kTilesX", plan.tiles_x);
  layer.constant("kWarps", t.warps).constant("kMinBlocks", plan.resident_blocks);
  layer.constant("kUnitPixels", plan.unit_pixels);
  layer.constant("kSharedBytes", plan.shared_bytes);
  add_inner(layer, "Expand", p.filter.input,
            p.expand ? inner_epilogue(p.expand->epilogue) : InnerEpilogue());
  add_inner(layer, "Filter", p.project.input, inner_epilogue(p.filter.epilogue));
  layer.constant("kGroupOutChannels", p.project.shape.out_channels);
  layer.constant("kStoredChannels", stored_channels(p.project));
  return add_epilogue(p.project.epilogue, epilogue_layout(p.project), layer);
}

}  // namespace

Result<KernelSpec> inverted_residual_kernel(const InvertedResidualProblem& problem,
                                            const InvertedResidualTactic& tactic) {
  XINFER_RETURN_IF_ERROR(check_problem(problem));
  XINFER_RETURN_IF_ERROR(check_tactic(tactic));
  const Plan plan = make_plan(problem, tactic);
  if (plan.shared_bytes > kBlockSharedBytes) {
    return unsupported(
        "inverted residual tactic of {}x{} pixels, {} warps: {} bytes of shared memory, at most {}",
        tactic.tile_rows, tactic.tile_cols, tactic.warps, plan.shared_bytes, kBlockSharedBytes);
  }
  LayerSource layer;
  XINFER_RETURN_IF_ERROR(add_constants(problem, tactic, plan, layer));
  KernelSpec spec;
  spec.entry = "conv_inverted_residual";
  spec.source = "conv/cuda_inverted_residual.cuh";
  spec.layer = layer.text();
  spec.tactic =
      fmt::format("inverted_residual_{}x{}_w{}", tactic.tile_rows, tactic.tile_cols, tactic.warps);
  spec.least_capability = 80;
  spec.grid.items_per_image = plan.tiles_y * plan.tiles_x;
  spec.threads = 32 * tactic.warps;
  spec.dynamic_shared_bytes = static_cast<int>(plan.shared_bytes);
  using Kind = KernelArgument::Kind;
  spec.arguments = {{Kind::kPointer, Operand::kInput2},     {Kind::kPointer, Operand::kWeights2},
                    {Kind::kPointer, Operand::kMultiplier}, {Kind::kPointer, Operand::kBias},
                    {Kind::kPointer, Operand::kOutput},     {Kind::kStepPointers}};
  spec.replaces_previous = problem.expand ? 2 : 1;
  return spec;
}

// --- cost model ----------------------------------------------------------------------------------

namespace {

constexpr double kWeightBytesOfMicrosecond = 60e3;  // that a multiprocessor reads from L2

/// Microseconds, to rank: instructions issued by a block, at the rate at which the warps of a
/// multiprocessor issue them.
double estimate(const InvertedResidualProblem& p, const InvertedResidualTactic& t, const Plan& plan,
                std::int64_t batch, int multiprocessors) {
  const auto real = [](std::int64_t value) { return static_cast<double>(value); };
  const double pairs = real(plan.in_granules) / 2;
  const double expand =
      p.expand ? 40 + 4 * pairs + real(plan.in_rows * plan.col_tiles) * (12 + 1.5 * pairs) : 0;
  const double filter =
      60 + real(t.tile_rows * plan.out_col_tiles) * (20 + 3 * real(p.filter.shape.stride_h));
  const double unit = real(plan.unit_pixels);
  const double project = real(ceil_div(plan.groups, 2)) * (1.5 * unit + 2) + 36 * unit;
  const double rounds = real(ceil_div(plan.groups, t.warps)),
               project_rounds = real(ceil_div(plan.units, t.warps));
  const double of_warp = 150 + rounds * (expand + filter) + project_rounds * project;
  const double waits_us = 1.0 + 0.3 * rounds + 0.2 * project_rounds;

  const double blocks = real(plan.tiles_y * plan.tiles_x * batch);
  const double together = std::min(real(plan.resident_blocks), std::ceil(blocks / multiprocessors));
  const double warps = together * t.warps;
  const double a_microsecond = 1700 * std::min(2.4, 0.22 * warps);
  const double turns = blocks / (together * multiprocessors);
  const double whole_turns = turns < 4 ? std::ceil(turns) : turns + 0.3;
  const double weights_us = together * real(plan.weight_bytes) / kWeightBytesOfMicrosecond;
  return whole_turns * (of_warp * warps / a_microsecond + weights_us) +
         waits_us * std::min(whole_turns, 2.0);
}

/// Of a block's shared memory, by compute capability (CUDA programming guide, table of technical
/// specifications).
std::int64_t most_shared_bytes(int capability) {
  const bool large = capability == 90 || capability == 100;
  return large ? kBlockSharedBytes : (capability == 80 ? 163 : 99) * 1024;
}

double tensor_bytes(const ConvProblem& problem) {
  const ConvShape& s = problem.shape;
  const auto elements =
      static_cast<double>(s.in_h * s.in_w * s.in_channels + s.out_h * s.out_w * s.out_channels);
  return elements +
         problem.epilogue.step_count * static_cast<double>(s.out_h * s.out_w * s.out_channels);
}

/// Microseconds of the layers' own launches: as an H200 took for MobileNetV2's, a launch's latency
/// and the bytes moved at half of its memory's rate.
double estimate_layers(const InvertedResidualProblem& p, std::int64_t batch) {
  constexpr double kLaunchUs = 1.3, kBytesOfMicrosecond = 2.2e6;
  double bytes = tensor_bytes(p.filter) + tensor_bytes(p.project);
  if (p.expand) bytes += tensor_bytes(*p.expand);
  return kLaunchUs * (p.expand ? 3 : 2) + static_cast<double>(batch) * bytes / kBytesOfMicrosecond;
}

}  // namespace

InvertedResidualCandidates inverted_residual_candidates(const InvertedResidualProblem& problem,
                                                        const ConvTarget& target,
                                                        std::int64_t batch, int count) {
  std::vector<std::pair<double, InvertedResidualTactic>> found;
  if (target.capability < 80 || !check_problem(problem).ok()) return {};
  const std::int64_t most_shared = most_shared_bytes(target.capability);
  const ConvShape& s = problem.filter.shape;
  std::set<std::int64_t> columns = {7, 8, 14, 16, 28};
  if (s.out_w <= kMostColumns) columns.insert(s.out_w);
  for (const std::int64_t cols : columns) {
    if (cols > s.out_w) continue;
    for (const std::int64_t rows : {1, 2, 3, 4, 7, 8, 12, 14, 16, 28}) {
      if (rows > s.out_h) continue;
      for (const int warps : {3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 20}) {
        const InvertedResidualTactic tactic{static_cast<int>(rows), static_cast<int>(cols), warps};
        const Plan plan = make_plan(problem, tactic);
        if (plan.shared_bytes > most_shared || warps > plan.groups + 2) continue;
        found.emplace_back(estimate(problem, tactic, plan, batch, target.multiprocessors), tactic);
      }
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  InvertedResidualCandidates candidates;
  if (found.empty()) return candidates;
  candidates.expected_faster = found.front().first < estimate_layers(problem, batch);
  std::map<std::pair<int, int>, int> of_tile;  // candidates of each tile size
  for (const auto& [cost, tactic] : found) {
    if (static_cast<int>(candidates.specs.size()) >= count) break;
    if (++of_tile[{tactic.tile_rows, tactic.tile_cols}] > kMostOfTile) continue;
    Result<KernelSpec> spec = inverted_residual_kernel(problem, tactic);
    if (spec.ok()) candidates.specs.push_back(*std::move(spec));
  }
  return candidates;
}

}  // namespace xinfer::kernels::cuda
