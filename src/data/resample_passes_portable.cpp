// The inner loops of 8-bit resizing for any x86-64.
#include "data/resample_passes_inl.h"

namespace xinfer {

const ResamplePasses kResamplePassesPortable = kPasses;

const ResamplePasses& resample_passes(CpuIsa isa) {
  return includes(isa, CpuIsa::kAvx2) ? kResamplePassesAvx2 : kResamplePassesPortable;
}

}  // namespace xinfer
