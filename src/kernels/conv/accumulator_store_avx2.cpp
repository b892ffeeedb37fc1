// The epilogue for AVX2: the plain loops, vectorised by the compiler.
#include "kernels/conv/accumulator_store_loops.h"

namespace xinfer::kernels {

void store_accumulators_avx2(const StorePlan& plan, const AccumulatorTile& tile) {
  store_any(plan, tile);
}

}  // namespace xinfer::kernels
