// The epilogue in plain C++.
#include "kernels/conv/accumulator_store_loops.h"

namespace xinfer::kernels {

void store_accumulators_portable(const StorePlan& plan, const AccumulatorTile& tile) {
  store_any(plan, tile);
}

}  // namespace xinfer::kernels
