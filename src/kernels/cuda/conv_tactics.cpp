// Which tactics are worth timing: enumerate, estimate, sort.
#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <set>

#include "kernels/cuda/conv_constants.h"
#include "kernels/cuda/conv_estimates.h"

namespace xinfer::kernels::cuda {
namespace {

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

std::vector<Candidate<LatencyTactic>> latency_candidates(const Workload& w) {
  std::vector<Candidate<LatencyTactic>> result;
  const int deepest = w.tap_bytes <= 32 ? 32 : w.tap_bytes <= 64 ? 64 : 128;
  for (const int tile_n : {16, 32, 48, 64, 96, 128}) {
    for (const int split : {1, 2, 4, 8}) {
      for (const int warpgroups : {1, 2}) {
        const double blocks = std::ceil(w.pixels / 64) * std::ceil(w.rows / tile_n) * split;
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

// Layers that read a pixel for several taps.
bool suits_chunks(const ConvShape& s, const Workload& w) {
  return s.stride_h * s.stride_w * s.dilation_h * s.dilation_w == 1 && w.groups == 1 &&
         w.taps > 1 && w.tap_bytes > 32;
}

std::vector<Candidate<HaloChunksTactic>> halo_chunks_candidates(const Workload& w,
                                                                const ConvProblem& problem) {
  std::vector<Candidate<HaloChunksTactic>> result;
  const ConvShape& s = problem.shape;
  if (!suits_chunks(s, w)) return result;
  constexpr int kBlocks[][3] = {{1, 1, 1}, {1, 2, 1}, {2, 2, 1}, {4, 2, 1}, {1, 3, 1},
                                {1, 1, 2}, {2, 1, 2}, {4, 1, 2}, {1, 1, 3}, {2, 1, 3}};
  const std::int64_t pitch = s.out_w + s.kernel_w - 1;
  for (const int tile_n : {16, 32, 48, 64, 80, 96, 128, 160, 192, 256}) {
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

// The tactic with as many stages as shared memory holds (8 at most); fails if fewer than 3 fit.
Result<KernelSpec> with_most_stages(const ConvProblem& problem, WgmmaTactic tactic) {
  Result<KernelSpec> spec = unsupported("wgmma tactic without room for 3 stages");
  for (tactic.stages = 8; tactic.stages >= 3; --tactic.stages) {
    spec = wgmma_conv(problem, tactic);
    if (spec.ok()) return spec;
  }
  return spec;
}

template <typename T>
bool is_faster(const Candidate<T>& a, const Candidate<T>& b) {
  return a.us < b.us;
}

// The best of a family that `make` can make, at most `most`.
template <typename Tactic, typename Make>
std::vector<Candidate<KernelSpec>> best_of(std::vector<Candidate<Tactic>> family, int most,
                                           const Make& make) {
  std::stable_sort(family.begin(), family.end(), is_faster<Tactic>);
  std::vector<Candidate<KernelSpec>> result;
  for (const auto& candidate : family) {
    if (static_cast<int>(result.size()) >= most) break;
    Result<KernelSpec> spec = make(candidate.tactic);
    if (spec.ok()) result.push_back({candidate.us, *std::move(spec)});
  }
  return result;
}

void append(std::vector<Candidate<KernelSpec>>& to, std::vector<Candidate<KernelSpec>> from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

// No family but the persistent one may take all places: their estimates err in different ways.
constexpr int kMostLatency = 6, kMostChunks = 4, kMostMma = 1;
constexpr std::size_t kLeastChunks = 2;  // where several are asked for

// One of each division into tiles: turns, bytes of a chunk and stages matter less.
std::vector<Candidate<KernelSpec>> best_halo_chunks(const Workload& w, const ConvProblem& problem) {
  std::set<std::array<int, 3>> divisions;
  return best_of(halo_chunks_candidates(w, problem), kMostChunks,
                 [&](const HaloChunksTactic& t) -> Result<KernelSpec> {
                   const std::array division = {t.m_blocks, t.group_warpgroups, t.tile_n};
                   if (divisions.contains(division)) return unsupported("another of a division");
                   Result<KernelSpec> spec = with_most_stages(problem, t);
                   if (spec.ok()) divisions.insert(division);
                   return spec;
                 });
}

// Of all kernels on wgmma but those in chunks, in no order.
std::vector<Candidate<KernelSpec>> most_on_wgmma(const Workload& w, const ConvProblem& problem,
                                                 int count) {
  auto found = best_of(wgmma_candidates(w, problem), count,
                       [&](const WgmmaTactic& t) { return with_most_stages(problem, t); });
  // Where a pixel has at most 64 bytes im2col is slow: 22 bytes a cycle of each multiprocessor.
  const double halo_us = found.empty() ? 0.0 : found.front().us * (w.tap_bytes <= 64 ? 0.7 : 1.0);
  for (KernelSpec& spec : halo_candidates(problem)) found.push_back({halo_us, std::move(spec)});
  append(found, best_of(latency_candidates(w), kMostLatency,
                        [&](const LatencyTactic& t) { return latency_conv(problem, t); }));
  return found;
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
  std::vector<Candidate<KernelSpec>> found;
  const bool wgmma = target.capability == 90 && target.allow_wgmma;
  if (wgmma) found = most_on_wgmma(w, problem, count);
  append(found, best_of(mma_candidates(w), found.empty() ? count : kMostMma,
                        [&](const MmaTactic& t) { return mma_conv(problem, t); }));
  if (found.empty()) {
    return unsupported("no CUDA convolution kernel from {} to {} for this layer",
                       to_string(problem.input), to_string(problem.epilogue.output_dtype));
  }
  std::stable_sort(found.begin(), found.end(), is_faster<KernelSpec>);
  if (wgmma) {
    auto chunks = best_halo_chunks(w, problem);
    const auto places = static_cast<std::size_t>(count);
    const std::size_t promised = places > kLeastChunks ? std::min(kLeastChunks, chunks.size()) : 0;
    if (found.size() > places - promised) {
      found.erase(found.begin() + static_cast<std::ptrdiff_t>(places - promised), found.end());
    }
    append(found, std::move(chunks));
    std::stable_sort(found.begin(), found.end(), is_faster<KernelSpec>);
  }
  std::vector<KernelSpec> specs;
  for (auto& candidate : found) {
    if (static_cast<int>(specs.size()) < count) specs.push_back(std::move(candidate.tactic));
  }
  return specs;
}

}  // namespace xinfer::kernels::cuda
