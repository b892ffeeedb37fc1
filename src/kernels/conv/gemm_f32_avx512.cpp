// float32 micro-kernel for AVX-512: every accumulator is one FMA chain.
#include "kernels/conv/gemm_avx512.h"

namespace xinfer::kernels {
namespace {

XINFER_TILES(f32, "vfmadd231ps")

}  // namespace

void gemm_f32_avx512(const GemmTile& tile, int rows, int panels) {
  f32_tiles[panels - 1][rows - 1](tile);
}

}  // namespace xinfer::kernels
