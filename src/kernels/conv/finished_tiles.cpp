#include "kernels/conv/finished_tiles.h"

namespace xinfer::kernels {

FinishedTiles finished_tiles_avx512vbmi(const StorePlan& plan);

FinishedTiles select_finished_tiles(const GemmKernel& kernel, const StorePlan& plan) {
  const bool has_tiles = kernel.isa == CpuIsa::kAvx512Vnni && kernel.type != ConvType::kF32 &&
                         kernel.run != nullptr && __builtin_cpu_supports("avx512vbmi");
  return has_tiles ? finished_tiles_avx512vbmi(plan) : FinishedTiles();
}

}  // namespace xinfer::kernels
