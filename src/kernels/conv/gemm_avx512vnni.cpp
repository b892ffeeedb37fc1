// INT8 micro-kernel for AVX-512 VNNI: u8 (or s8 shifted by 128) x s8, vpdpbusd without saturation.
#include "kernels/conv/gemm_avx512.h"
#include "kernels/conv/gemm_avx512_taps.h"

namespace xinfer::kernels {
namespace {

XINFER_TILES(int8, "vpdpbusd")

}  // namespace

void gemm_u8s8_avx512vnni(const GemmTile& tile, int rows, int panels) {
  int8_tiles[panels - 1][rows - 1](tile);
}
void gemm_s8s8_avx512vnni(const GemmTile& tile, int rows, int panels) {
  int8_tiles[panels - 1][rows - 1](tile);
}
void gemm_u8s8_avx512vnni_three_taps(const GemmTile& tile, int rows) { kThreeTaps[rows - 1](tile); }
void gemm_s8s8_avx512vnni_three_taps(const GemmTile& tile, int rows) { kThreeTaps[rows - 1](tile); }

}  // namespace xinfer::kernels
