// INT8 micro-kernel for AVX-VNNI, the 256-bit VEX vpdpbusd of client CPUs.
#include "kernels/conv/gemm_vnni256.h"

namespace xinfer::kernels {

void gemm_u8s8_avxvnni(const GemmTile& tile, int rows, int) { run_tile_256<VnniOp>(tile, rows); }
void gemm_s8s8_avxvnni(const GemmTile& tile, int rows, int) { run_tile_256<VnniOp>(tile, rows); }

}  // namespace xinfer::kernels
