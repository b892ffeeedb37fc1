// The choices follow from measurements: docs/performance.md.
#include "kernels/chain/chain_cost.h"

#include <unistd.h>

#include <algorithm>

#include "kernels/conv/gemm_kernel.h"

namespace xinfer::kernels {
namespace {

/// Depthwise lines that a projection reads back: they stay in L1 and are enough rows for its tiles.
constexpr std::int64_t kTileBytes = 24 * 1024;
/// Output lines that depthwise kernels compute at once are 1, 2 or 4.
constexpr std::int64_t kLinesAtOnce = 4;
/// The share of L2 that a thread keeps of an expanded image beside everything else that a network
/// touches. Larger images gain by being chained, smaller ones lose what tiles that end with every
/// line cost (MobileNetV2's blocks on an EPYC with 1 MB and a Xeon with 2 MB).
constexpr double kCachedShare = 3.0 / 16;
constexpr double kUsualL2Bytes = 1 << 20;
/// Multiply-accumulates worth a thread of their own, about 3 µs of 1x1 layers.
constexpr std::int64_t kMacsPerThread = 1 << 19;

double l2_bytes() {
  static const long bytes = ::sysconf(_SC_LEVEL2_CACHE_SIZE);
  return bytes > 0 ? static_cast<double>(bytes) : kUsualL2Bytes;
}

}  // namespace

double least_chained_bytes(int threads) { return kCachedShare * l2_bytes() * threads; }

ChainTactic choose_chain_tactic(const Chain& chain, int threads) {
  const ChainLayer& depthwise = chain.depthwise;
  const ConvShape& s = depthwise.shape;
  const auto element =
      static_cast<std::int64_t>(size_of(depthwise.arguments.epilogue.output_dtype));
  const std::int64_t groups = kTileBytes / (s.out_w * s.out_channels * element * kLinesAtOnce);
  ChainTactic tactic;
  tactic.tile_lines = std::min(s.out_h, std::max<std::int64_t>(groups, 1) * kLinesAtOnce);
  std::int64_t macs = s.macs() + chain.expand.shape.macs();
  if (chain.project) macs += chain.project->shape.macs();
  const std::int64_t tiles = s.batch * s.out_h / tactic.tile_lines;
  tactic.parts = static_cast<int>(
      std::clamp<std::int64_t>(std::min(macs / kMacsPerThread, tiles), 1, threads));
  return tactic;
}

bool is_worth_chaining(const Chain& chain, CpuIsa isa, int threads) {
  if (!can_chain(chain)) return false;
  // Strips of AMX store the rows of one tile while they multiply the next: lines are too short for
  // them, blocks take up to 1.4 times as long.
  if (select_gemm_kernel(chain.expand.type, isa).run_strip != nullptr) return false;
  const ConvShape& s = chain.depthwise.shape;
  const std::size_t expanded = static_cast<std::size_t>(s.batch * s.in_h * s.in_w * s.in_channels) *
                               size_of(chain.expand.arguments.epilogue.output_dtype);
  return static_cast<double>(expanded) >= least_chained_bytes(threads);
}

}  // namespace xinfer::kernels
