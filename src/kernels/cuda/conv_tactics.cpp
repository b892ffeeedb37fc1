// Which tactics are worth timing: enumerate, estimate, sort.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "kernels/cuda/conv_constants.h"

namespace xinfer::kernels::cuda {
namespace {

// Rates of an H200 at its sustained clock, measured on one (docs/performance.md): the estimates
// only rank tactics, so other devices use them scaled by their multiprocessors.
constexpr double kClockGhz = 1.65;
constexpr double kDramBytesPerUs = 4.3e6;
constexpr double kL2BytesPerUs = 20e6;         // of slices that several blocks read at a time
constexpr double kWgmmaMacsPerCycle = 4400.0;  // INT8, of one multiprocessor
constexpr double kMmaMacsPerCycle = 2400.0;
constexpr double kEpilogueLanes = 128.0;  // instructions a cycle of one multiprocessor
constexpr double kReferenceMultiprocessors = 132.0;

/// A layer at a batch, as the estimates see it.
struct Workload {
  double pixels = 0, rows = 0, depth_bytes = 0;  // M, N, bytes of K
  double input_bytes = 0, output_bytes = 0, residual_bytes = 0, weight_bytes = 0;
  double epilogue_instructions = 0;  // of one output
  double tap_bytes = 0, taps = 1, groups = 1;
  double multiprocessors = 132;
};

Workload workload_of(const ConvProblem& problem, std::int64_t batch, int multiprocessors) {
  const ConvShape& s = problem.shape;
  const ConvLayout layout = conv_layout(s, problem.input);
  Workload w;
  w.pixels = static_cast<double>(batch * s.out_h * s.out_w);
  w.rows = static_cast<double>(layout.group_rows);
  w.groups = static_cast<double>(layout.groups);
  w.taps = static_cast<double>(layout.taps);
  w.tap_bytes = static_cast<double>(layout.group_in_channels * layout.element_bytes);
  w.depth_bytes = w.tap_bytes * w.taps;
  w.input_bytes =
      static_cast<double>(batch * s.in_h * s.in_w * s.x_pixel_stride) * layout.element_bytes;
  const auto outputs = w.pixels * static_cast<double>(s.out_channels);
  w.output_bytes = outputs * static_cast<double>(size_of(problem.epilogue.output_dtype));
  w.weight_bytes = static_cast<double>(layout.weight_bytes());
  w.epilogue_instructions = 3.0;
  for (int i = 0; i < problem.epilogue.step_count; ++i) {
    const EpilogueStep& step = problem.epilogue.steps[i];
    w.epilogue_instructions += step.kind == EpilogueStep::Kind::kTable ? 9.0 : 5.0;
    if (step.kind == EpilogueStep::Kind::kResidual) {
      w.residual_bytes += outputs * static_cast<double>(size_of(step.residual_dtype));
    }
  }
  w.multiprocessors = multiprocessors;
  return w;
}

/// Two resources used at a time: mostly the longer counts, but they disturb each other.
double overlapped(double a, double b) { return std::max(a, b) + 0.25 * std::min(a, b); }

double ceil_div(double a, double b) { return std::ceil(a / b); }

/// Time that the bytes need: DRAM once, L2 once for each pass over them.
double memory_us(const Workload& w, double tile_m, double tile_n, bool resident) {
  const double scale = w.multiprocessors / kReferenceMultiprocessors;
  const double once = w.input_bytes + w.output_bytes + w.residual_bytes + w.weight_bytes;
  const double input_passes = ceil_div(w.rows, tile_n);
  const double weight_passes =
      resident ? w.multiprocessors / input_passes : ceil_div(w.pixels, tile_m);
  const double through_l2 = w.pixels * w.depth_bytes * w.groups * input_passes +
                            w.weight_bytes * weight_passes + w.output_bytes + w.residual_bytes;
  return std::max(once / kDramBytesPerUs, through_l2 / kL2BytesPerUs) / scale;
}

double estimate_us(const Workload& w, const WgmmaTactic& t) {
  const double tile_m = 64.0 * t.m_blocks * t.group_warpgroups, tile_n = t.tile_n;
  const double slice_bytes = ceil_div(w.tap_bytes, t.tile_k) * t.tile_k * w.taps;
  const double multiply = tile_m * tile_n * slice_bytes / kWgmmaMacsPerCycle;
  // One warpgroup alone waits for its own results about half of the time; barriers and the latency
  // of the first loads and last stores come on top.
  const double lanes = std::min(kEpilogueLanes, 65.0 * t.group_warpgroups);
  double finish = tile_m * tile_n * w.epilogue_instructions / lanes + 950.0;
  if (t.copy_out) finish += 450.0;
  if (!t.copy_out && t.tile_n < 64) finish *= 1.25;  // short stores
  if (w.residual_bytes > 0 && t.residual_stages == 0) finish += 700.0;
  // The ring brings about 35 bytes a cycle; weights that a single slice needs come late.
  const double slices = slice_bytes / t.tile_k;
  const double load = (tile_m + (t.resident_weights ? 0.0 : tile_n)) * slice_bytes / 35.0 +
                      (t.resident_weights ? 25.0
                       : slices > 1       ? 150.0
                                          : 700.0);
  const double tiles = ceil_div(w.pixels, tile_m) * ceil_div(w.rows, tile_n);
  const double rounds = ceil_div(tiles, w.multiprocessors);
  const double in_turn =
      t.groups == 1 ? multiply + finish : std::max(multiply, (multiply + finish) / t.groups);
  // The first tile has nothing to hide behind.
  const double fill = 1500.0 + std::max(multiply, (tile_m + tile_n) * slice_bytes / 40.0) + finish;
  const double cycles = fill + (rounds - 1) * std::max(load, in_turn);
  return overlapped(cycles / (kClockGhz * 1e3), memory_us(w, tile_m, tile_n, t.resident_weights));
}

double estimate_us(const Workload& w, const MmaTactic& t) {
  const double tiles = ceil_div(w.pixels, t.tile_m) * ceil_div(w.rows, t.tile_n) * w.groups;
  const double shared = static_cast<double>(t.stages) * (t.tile_m + t.tile_n) * t.tile_k;
  const double threads = 32.0 * t.warps_m * t.warps_n;
  const double accumulators = static_cast<double>(t.tile_m) * t.tile_n / threads;
  const double by_registers = 65536.0 / (threads * std::min(255.0, accumulators + 90.0));
  const double resident = std::max(1.0, std::floor(std::min(by_registers, 227.0 * 1024 / shared)));
  // A warp tile reads (rows + columns) of shared memory for rows * columns of products.
  const double rows = static_cast<double>(t.tile_m) / t.warps_m;
  const double columns = static_cast<double>(t.tile_n) / t.warps_n;
  const double efficiency = rows * columns / (rows * columns + 16.0 * (rows + columns));
  const double multiply =
      t.tile_m * static_cast<double>(t.tile_n) * w.depth_bytes / (kMmaMacsPerCycle * efficiency);
  const double finish =
      t.tile_m * static_cast<double>(t.tile_n) * (w.epilogue_instructions + 3.0) / kEpilogueLanes;
  const double rounds = ceil_div(tiles, w.multiprocessors * resident);
  const double per_round =
      (multiply + finish) * std::min(resident, ceil_div(tiles, w.multiprocessors));
  // A block alone passes a slice in about 400 cycles, however small its tile.
  const double slices = ceil_div(w.depth_bytes, t.tile_k);
  const double cycles = 2200.0 + rounds * std::max(per_round, 400.0 * slices);
  return overlapped(cycles / (kClockGhz * 1e3), memory_us(w, t.tile_m, t.tile_n, false));
}

template <typename Tactic>
struct Candidate {
  double us = 0;
  Tactic tactic;
};

std::vector<Candidate<WgmmaTactic>> wgmma_candidates(const Workload& w,
                                                     const ConvProblem& problem) {
  std::vector<Candidate<WgmmaTactic>> result;
  const int deepest = w.tap_bytes <= 32 ? 32 : w.tap_bytes <= 64 ? 64 : 128;
  const bool ring = problem.epilogue.step_count > 0 &&
                    problem.epilogue.steps[0].kind == EpilogueStep::Kind::kResidual;
  const auto add = [&](WgmmaTactic t) { result.push_back({estimate_us(w, t), t}); };
  for (const int tile_n : {16, 32, 48, 64, 80, 96, 128, 160, 192, 256}) {
    if (tile_n > w.rows && tile_n != 16 && tile_n - w.rows >= 16) continue;
    for (const int m_blocks : {1, 2, 4}) {
      for (const int groups : {1, 2}) {
        for (const int warpgroups : {1, 2, 3}) {
          if (groups * warpgroups > 4 || groups * warpgroups == 1) continue;
          if (m_blocks * tile_n / 2 > (groups * warpgroups == 2 ? 176 : 96)) continue;
          WgmmaTactic t{m_blocks, tile_n, deepest, 0, groups, warpgroups, false, false, 0, 1};
          const bool large_weights = w.weight_bytes > 8e6 && w.pixels > 4096;
          if (large_weights) t.swizzle_m = 16;
          for (const bool resident : {false, true}) {
            if (resident && (t.swizzle_m > 1 || tile_n * w.depth_bytes > 150e3)) continue;
            t.resident_weights = resident;
            t.copy_out = false;
            t.residual_stages = 0;
            add(t);
            if (tile_n % 64 != 0) continue;
            t.copy_out = true;
            if (!ring) add(t);
            t.residual_stages = ring ? 4 : 0;
            if (ring) add(t);
          }
        }
      }
    }
  }
  return result;
}

std::vector<Candidate<MmaTactic>> mma_candidates(const Workload& w) {
  std::vector<Candidate<MmaTactic>> result;
  constexpr MmaTactic kTactics[] = {
      {128, 128, 64, 2, 2, 3, 1}, {128, 128, 64, 2, 4, 4, 1}, {128, 64, 64, 4, 1, 4, 2},
      {128, 64, 64, 2, 2, 4, 2},  {64, 64, 64, 2, 2, 4, 2},   {64, 64, 128, 2, 2, 4, 2},
      {64, 32, 64, 4, 1, 4, 2},   {64, 32, 128, 2, 2, 4, 2},  {64, 16, 64, 4, 1, 4, 2},
      {64, 16, 128, 4, 1, 4, 2},  {128, 32, 64, 4, 1, 4, 2},  {32, 32, 128, 2, 2, 4, 2},
      {256, 64, 64, 4, 1, 3, 1},  {128, 16, 64, 4, 1, 4, 2}};
  for (const MmaTactic& t : kTactics) {
    if (t.tile_n > 16 && t.tile_n >= 2 * w.rows) continue;
    result.push_back({estimate_us(w, t), t});
  }
  return result;
}

// A block's life: start, all of its slices at about 50 bytes a cycle, one multiplication behind the
// last, and for split sums the exchange.
double estimate_us(const Workload& w, const LatencyTactic& t) {
  const double slices = ceil_div(w.tap_bytes, t.tile_k) * w.taps;
  const double bytes = ceil_div(slices, t.split) * (64.0 + t.tile_n) * t.tile_k;
  const double blocks = ceil_div(w.pixels, 64) * ceil_div(w.rows, t.tile_n) * t.split;
  const double resident = std::max(1.0, std::floor(227.0 * 1024 / (bytes + 4096)));
  // Clusters leave some multiprocessors unused; a block that waits for another's end starts cold.
  const double usable = w.multiprocessors * (t.split >= 4 ? 0.8 : 1.0);
  const double rounds = ceil_div(blocks, usable * resident);
  const double together = std::min(resident, ceil_div(blocks, usable));
  const double exchange = t.split * t.warpgroups == 1 ? 0.0 : t.split == 1 ? 0.3 : 0.8;
  const double multiply = bytes / (t.warpgroups == 1 ? 60.0 : 90.0);
  const double cycles = std::max(bytes * together / 48.0, multiply);
  const double in_turn = rounds > 1 ? 2.2 * rounds : 1.0;
  const double memory =
      (w.input_bytes + w.output_bytes + w.residual_bytes + w.weight_bytes) / kDramBytesPerUs;
  return overlapped(1.0 + exchange + in_turn * cycles / (kClockGhz * 1e3), memory);
}

std::vector<Candidate<LatencyTactic>> latency_candidates(const Workload& w) {
  std::vector<Candidate<LatencyTactic>> result;
  const int deepest = w.tap_bytes <= 32 ? 32 : w.tap_bytes <= 64 ? 64 : 128;
  for (const int tile_n : {16, 32, 64, 96, 128}) {
    for (const int split : {1, 2, 4, 8}) {
      for (const int warpgroups : {1, 2}) {
        const double blocks = ceil_div(w.pixels, 64) * ceil_div(w.rows, tile_n) * split;
        if (blocks > 8 * w.multiprocessors) continue;
        const LatencyTactic t{tile_n, deepest, split, warpgroups};
        result.push_back({estimate_us(w, t), t});
      }
    }
  }
  return result;
}

// Halo tiles for the layers that they serve: their input passes through L2 about once.
std::vector<KernelSpec> halo_candidates(const ConvProblem& problem) {
  std::vector<KernelSpec> result;
  const ConvShape& s = problem.shape;
  if (s.kernel_h * s.kernel_w == 1) return result;
  const std::int64_t pitch = s.out_w + s.kernel_w - 1;
  const int tile_n =
      static_cast<int>(std::min<std::int64_t>(128, conv_layout(s, problem.input).group_rows));
  for (const int m_blocks : {4, 2}) {
    const int rows = static_cast<int>(std::min<std::int64_t>(64 * m_blocks / pitch, s.out_h));
    for (int stages = 6; stages >= 2 && rows > 0; --stages) {
      Result<KernelSpec> spec = halo_conv(problem, {rows, m_blocks, tile_n, stages});
      if (!spec.ok()) continue;
      result.push_back(*std::move(spec));
      break;
    }
  }
  return result;
}

// Loads at about 50 bytes a cycle hide products and epilogues, or the other way round.
double estimate_us(const Workload& w, const ConvShape& s, const HaloChunksTactic& t) {
  const bool resident = t.weight_stages == 0;
  const double chunks = ceil_div(w.tap_bytes, t.chunk_bytes);
  const double steps = w.taps * ceil_div(w.tap_bytes, 32);
  const auto pitch = static_cast<double>(s.out_w + s.kernel_w - 1);
  const double pixel_bytes = static_cast<double>(t.rows + s.kernel_h - 1) * pitch * w.tap_bytes;
  const double weight_bytes = t.tile_n * w.taps * chunks * t.chunk_bytes;
  const double tile_m = 64.0 * t.m_blocks * t.group_warpgroups;
  // An instruction reads 2 KB of pixels, however few its channels.
  const double instruction = std::max(64.0 * 32.0 * t.tile_n / kWgmmaMacsPerCycle, 18.0);
  const double multiply = tile_m / 64.0 * steps * instruction + 25.0 * w.taps * chunks;
  const double lanes = std::min(kEpilogueLanes, 65.0 * t.group_warpgroups);
  const double finish = tile_m * t.tile_n * w.epilogue_instructions / lanes *
                            (t.tile_n < 64 ? 1.25 : 1.0) +  // short stores
                        (w.residual_bytes > 0 ? 1650.0 : 950.0);
  const double load = (pixel_bytes + (resident ? 0.0 : weight_bytes)) / 50.0;
  const double tiles_n = ceil_div(w.rows, t.tile_n);
  const double tiles = w.pixels / static_cast<double>(s.out_h * s.out_w) *
                       ceil_div(static_cast<double>(s.out_h), t.rows);
  const double walkers = std::max(1.0, std::floor(w.multiprocessors / tiles_n));
  const double in_turn =
      t.turns == 1 ? multiply + finish : std::max(multiply, (multiply + finish) / t.turns);
  const double fill =
      1500.0 + std::max(multiply, (pixel_bytes + weight_bytes) / 50.0) + load / chunks + finish;
  const double cycles = fill + (ceil_div(tiles, walkers) - 1) * overlapped(load, in_turn);
  const double memory =
      (w.input_bytes + w.output_bytes + w.residual_bytes + w.weight_bytes) / kDramBytesPerUs;
  return overlapped(cycles / (kClockGhz * 1e3), memory);
}

// Where im2col reads much for few products or half empty slices, and no other halo kernel serves.
bool suits_chunks(const ConvShape& s, const Workload& w) {
  if (s.stride_h * s.stride_w * s.dilation_h * s.dilation_w != 1) return false;
  const double bytes = w.tap_bytes;
  const bool served = bytes == 16 || bytes == 32 || bytes == 64 || bytes == 128;
  return w.groups == 1 && w.taps > 1 && !served && (bytes < 128 || w.rows <= 96);
}

std::vector<Candidate<HaloChunksTactic>> halo_chunks_candidates(const Workload& w,
                                                                const ConvProblem& problem) {
  std::vector<Candidate<HaloChunksTactic>> result;
  const ConvShape& s = problem.shape;
  if (!suits_chunks(s, w)) return result;
  constexpr int kBlocks[][3] = {{1, 1, 1}, {1, 2, 1}, {2, 2, 1}, {4, 2, 1}, {1, 3, 1},
                                {1, 1, 2}, {2, 1, 2}, {4, 1, 2}, {1, 1, 3}, {2, 1, 3}};
  const std::int64_t pitch = s.out_w + s.kernel_w - 1;
  for (const int tile_n : {16, 32, 48, 64, 80, 96, 128}) {
    if (tile_n > w.rows && tile_n != 16) continue;
    for (const auto& [m_blocks, warpgroups, turns] : kBlocks) {
      const std::int64_t most = 64 * m_blocks * warpgroups / pitch;
      if (most == 0) continue;
      const std::int64_t strips = (s.out_h + most - 1) / most;
      const auto rows = static_cast<int>((s.out_h + strips - 1) / strips);
      for (const int chunk_bytes : {64, 128}) {
        if (w.tap_bytes < 128 && chunk_bytes != (w.tap_bytes <= 64 ? 64 : 128)) continue;
        for (const int weight_stages : {0, 2}) {
          const HaloChunksTactic t{rows,   m_blocks,    warpgroups, turns,
                                   tile_n, chunk_bytes, 2,          weight_stages};
          result.push_back({estimate_us(w, s, t), t});
        }
      }
    }
  }
  return result;
}

// The tactic with the stages of pixels and, unless they are resident, of weights that fit.
Result<KernelSpec> with_most_stages(const ConvProblem& problem, HaloChunksTactic tactic) {
  Result<KernelSpec> spec = unsupported("halo tactic without room for its stages");
  const bool resident = tactic.weight_stages == 0;
  for (tactic.stages = 4; tactic.stages >= 2 && !spec.ok(); --tactic.stages) {
    for (const int weight_stages : {8, 6, 4}) {
      if (spec.ok()) break;
      tactic.weight_stages = resident ? 0 : weight_stages;
      spec = halo_chunks_conv(problem, tactic);
    }
  }
  return spec;
}

// The best two of them, as far as they promise less than `most_us`.
std::vector<Candidate<KernelSpec>> best_halo_chunks(const Workload& w, const ConvProblem& problem,
                                                    double most_us) {
  std::vector<Candidate<KernelSpec>> result;
  auto candidates = halo_chunks_candidates(w, problem);
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const auto& a, const auto& b) { return a.us < b.us; });
  for (const auto& candidate : candidates) {
    if (result.size() == 2 || candidate.us >= most_us) break;
    Result<KernelSpec> spec = with_most_stages(problem, candidate.tactic);
    if (spec.ok()) result.push_back({candidate.us, *std::move(spec)});
  }
  return result;
}

// The tactic with as many stages as shared memory holds (8 at most); fails if fewer than 3 fit.
Result<KernelSpec> with_most_stages(const ConvProblem& problem, WgmmaTactic tactic) {
  Result<KernelSpec> spec = unsupported("wgmma tactic without room for 3 stages");
  for (tactic.stages = 8; tactic.stages >= 3; --tactic.stages) {
    spec = wgmma_conv(problem, tactic);
    if (spec.ok()) return spec;
  }
  return spec;
}

}  // namespace

Result<std::vector<KernelSpec>> conv_candidates(const ConvProblem& problem,
                                                const ConvTarget& target, std::int64_t batch,
                                                int count) {
  XINFER_RETURN_IF_ERROR(check_conv_problem(problem));
  if (problem.input == DType::kFloat32) {
    XINFER_ASSIGN_OR_RETURN(KernelSpec spec, float_conv(problem));
    return std::vector<KernelSpec>{std::move(spec)};
  }
  const Workload w = workload_of(problem, batch, target.multiprocessors);
  const auto faster = [](const auto& a, const auto& b) { return a.us < b.us; };
  std::vector<Candidate<KernelSpec>> found;
  if (target.capability == 90 && target.allow_wgmma) {
    auto candidates = wgmma_candidates(w, problem);
    std::stable_sort(candidates.begin(), candidates.end(), faster);
    for (const auto& candidate : candidates) {
      if (static_cast<int>(found.size()) >= count) break;
      Result<KernelSpec> spec = with_most_stages(problem, candidate.tactic);
      if (spec.ok()) found.push_back({candidate.us, *std::move(spec)});
    }
  }
  if (target.capability == 90 && target.allow_wgmma) {
    // Where a pixel has at most 64 bytes im2col is slow: 22 bytes a cycle of each multiprocessor.
    const double factor = w.tap_bytes <= 64 ? 0.7 : 1.0;
    const double us = found.empty() ? 0.0 : found.front().us * factor;
    for (KernelSpec& spec : halo_candidates(problem)) found.push_back({us, std::move(spec)});
    for (const auto& candidate : latency_candidates(w)) {
      Result<KernelSpec> spec = latency_conv(problem, candidate.tactic);
      if (spec.ok()) found.push_back({candidate.us, *std::move(spec)});
    }
  }
  for (const auto& candidate : mma_candidates(w)) {
    Result<KernelSpec> spec = mma_conv(problem, candidate.tactic);
    if (spec.ok()) found.push_back({candidate.us, *std::move(spec)});
  }
  if (found.empty()) {
    return unsupported("no CUDA convolution kernel from {} to {} for this layer",
                       to_string(problem.input), to_string(problem.epilogue.output_dtype));
  }
  std::stable_sort(found.begin(), found.end(), faster);
  if (target.capability == 90 && target.allow_wgmma) {
    // The other estimates are too low where a pixel has at most 64 bytes: see above. No device has
    // confirmed those of chunks, so that where nothing is timed the best of the others stays first.
    const double most_us = found.front().us / (w.tap_bytes <= 64 ? 0.7 : 1.0);
    auto chunked = best_halo_chunks(w, problem, most_us);
    found.insert(found.begin() + 1, std::make_move_iterator(chunked.begin()),
                 std::make_move_iterator(chunked.end()));
  }
  std::vector<KernelSpec> specs;
  for (auto& candidate : found) {
    if (static_cast<int>(specs.size()) < count) specs.push_back(std::move(candidate.tactic));
  }
  return specs;
}

}  // namespace xinfer::kernels::cuda
