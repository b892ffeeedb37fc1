// The rules were read off a table of ResNet-50's layers times all shapes, measured on a Xeon with
// AMX:
//   1x4  stores whole cache lines, which is what short sums spend their time on: best to a depth of
//        512, by up to a quarter;
//   2x2  loads least for its products: best for deeper sums;
//   4x1  reads every weight once for up to 64 rows: best where weights are larger than L2 and there
//        are no more rows (3x3 x 512 at 7x7: 76 µs against 91).
#include "kernels/conv/strip_tiles.h"

namespace xinfer::kernels {
namespace {

constexpr std::int64_t kShortDepth = 512;
constexpr std::int64_t kLargeWeightBytes = 2 * 1024 * 1024;
constexpr std::int64_t kFewRows = 64;

}  // namespace

StripTiles choose_strip_tiles(std::int64_t rows, std::int64_t panels, std::int64_t depth) {
  if (panels == 1) return {4, 1};
  if (rows <= kFewRows && panels * kPanelChannels * depth >= kLargeWeightBytes) return {4, 1};
  if (panels >= 3 && depth <= kShortDepth) return {1, 4};
  return {2, 2};
}

}  // namespace xinfer::kernels
