// The epilogue for AVX-512 without VBMI.
#include "kernels/conv/accumulator_store_avx512.h"

namespace xinfer::kernels {

StoreAccumulators select_store_avx512(const StorePlan& plan) { return select_in_registers(plan); }

}  // namespace xinfer::kernels
