// The AVX-VNNI tile loop with EVEX encodings, for emulation_test.cpp.
#include "kernels/conv/gemm_vnni256.h"

namespace xinfer::kernels {

void gemm_int8_vnni256(const GemmTile& tile, int rows, int panels);
void gemm_int8_vnni256(const GemmTile& tile, int rows, int) { run_tile_256<VnniOp>(tile, rows); }

}  // namespace xinfer::kernels
