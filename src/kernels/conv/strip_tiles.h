// Which tile shape a strip kernel computes with.
#pragma once

#include <cstdint>

#include "kernels/conv/gemm_kernel.h"

namespace xinfer::kernels {

/// A product [rows, depth] x [depth, panels * 16] of one group on one thread; `depth` counts bytes
/// of a row over all taps.
StripTiles choose_strip_tiles(std::int64_t rows, std::int64_t panels, std::int64_t depth);

}  // namespace xinfer::kernels
