// The cost model behind choose_blocking: estimates in nanoseconds, compared, never measured.
#include "kernels/conv/blocking.h"

#include <algorithm>

namespace xinfer::kernels {
namespace {

/// A quarter of a small L2 (1 MB): what a block of rows, or weights that are to stay cached, may
/// take.
constexpr std::int64_t kCacheBytes = 256 * 1024;
/// What a block of gathered rows may take of L1 beside the weights: gathering line by line pays for
/// its set-up with several tiles at once.
constexpr std::int64_t kGatherBytes = 16 * 1024;
/// The same for rows that are read where they lie. With one tile at a time layers of short rows
/// spend up to 14 % on starting tiles (32 -> 16 and 16 -> 96 channels on an EPYC).
constexpr std::int64_t kDirectBytes = 8 * 1024;
/// Streaming from L3 by one core (30 GB/s measured on a Xeon and on an EPYC).
constexpr double kStreamBytesPerNs = 30.0;
/// Gathering writes and reads L1, and each run of a row has its own loop. Measured on an EPYC: rows
/// of 3x3 taps of 3 channels take 1.7 ns longer gathered than read as lines with a quarter more
/// steps.
constexpr double kGatherBytesPerNs = 40.0;
constexpr double kGatherRunNs = 0.8;
/// Reading what another core has just written (measured on a Xeon).
constexpr double kForeignBytesPerNs = 12.6;
/// Sharing a loop and waiting for its end costs about a microsecond; below this much work a thread
/// is not worth it. Layers that stay on one thread cost more than their time: what others have
/// written comes from their caches, and goes back (MobileNetV2, two threads on a Xeon with AMX:
/// 1.07 ms at 8 µs, 0.98 at 4, 0.90 at 2; ResNet-56 there: 0.234 at 2.5, 0.209 at 1.5, 0.211 at
/// 0.9).
constexpr double kWorthwhileNs = 1500.0;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Weights that fit beside everything else in L2 are passed over once for some tiles, which keeps
/// the tiles' rows in L1. Larger weights stay outside: every block of
/// them is then used on as many rows as L2 can hold. Strips that lie in memory are long for all
/// weights: a block of columns then stays in L1 for all of them.
std::int64_t rows_of_block(const BlockingProblem& p, std::int64_t rows, std::int64_t blocks) {
  const bool cached = blocks * p.column_bytes <= kCacheBytes;
  std::int64_t bytes = kCacheBytes;
  if (cached && p.gathered) bytes = kGatherBytes;
  if (cached && !p.gathered && !p.strips) bytes = kDirectBytes;
  const std::int64_t fit = std::max<std::int64_t>(p.tile_rows, bytes / p.row_bytes);
  const std::int64_t count = divide_up(rows, fit);
  return divide_up(divide_up(rows, count), p.tile_rows) * p.tile_rows;
}

/// Time of the largest part.
double part_ns(const BlockingProblem& p, int row_parts, int column_parts) {
  const std::int64_t rows = divide_up(p.rows, row_parts);
  const std::int64_t blocks = divide_up(p.column_blocks, column_parts);
  const std::int64_t block_rows = rows_of_block(p, rows, blocks);
  const double passes = static_cast<double>(divide_up(rows, block_rows));
  const double weights = static_cast<double>(blocks * p.column_bytes);
  const bool cached = weights <= static_cast<double>(kCacheBytes);
  const double products = static_cast<double>(rows) * static_cast<double>(blocks) *
                          static_cast<double>(p.tile_columns) * static_cast<double>(p.steps);
  const double outputs = static_cast<double>(rows * blocks * p.tile_columns);
  const double gathered = p.gathered ? static_cast<double>(rows * p.row_bytes) : 0.0;
  const double runs = p.gathered ? static_cast<double>(rows * p.row_runs) : 0.0;
  const double gather =
      (gathered + p.copied_bytes / row_parts) / kGatherBytesPerNs + runs * kGatherRunNs;
  // Layers before and after are cut by rows: a part of the columns reads rows of other threads.
  const double foreign = static_cast<double>(p.image_bytes) / row_parts * (column_parts - 1) /
                         column_parts / kForeignBytesPerNs;
  return products / p.steps_per_ns + (cached ? 1.0 : passes) * weights / kStreamBytesPerNs +
         outputs / 16 * p.store_ns + gather + foreign;
}

}  // namespace

Blocking choose_blocking(const BlockingProblem& p) {
  const double alone = part_ns(p, 1, 1);
  const int useful = static_cast<int>(std::min<double>(p.threads, alone / kWorthwhileNs));
  const int threads = std::max(1, useful);
  Blocking best;
  double best_ns = alone;
  for (int row_parts = 1; row_parts <= threads; ++row_parts) {
    const int column_parts = threads / row_parts;
    if (row_parts > p.rows || column_parts > p.column_blocks) continue;
    const double ns = part_ns(p, row_parts, column_parts);
    if (ns < best_ns) {
      best_ns = ns;
      best.row_parts = row_parts;
      best.column_parts = column_parts;
    }
  }
  best.block_rows = rows_of_block(p, divide_up(p.rows, best.row_parts),
                                  divide_up(p.column_blocks, best.column_parts));
  best.estimated_ns = best_ns;
  return best;
}

}  // namespace xinfer::kernels
