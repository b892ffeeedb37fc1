// float32 micro-kernel for AVX2 + FMA.
#include "kernels/conv/gemm_avx2.h"

namespace xinfer::kernels {
namespace {

struct FloatOp {
  using Vector = __m256;
  static Vector load(const std::byte* p) {
    return _mm256_loadu_ps(reinterpret_cast<const float*>(p));
  }
  static void store(std::byte* p, Vector v) { _mm256_store_ps(reinterpret_cast<float*>(p), v); }
  static Vector broadcast(const std::byte* p) {
    return _mm256_broadcast_ss(reinterpret_cast<const float*>(p));
  }
  static Vector accumulate(Vector acc, Vector a, Vector b) { return _mm256_fmadd_ps(a, b, acc); }
};

}  // namespace

void gemm_f32_avx2(const GemmTile& tile, int rows, int) { run_tile_256<FloatOp>(tile, rows); }

}  // namespace xinfer::kernels
