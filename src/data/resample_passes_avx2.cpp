// The inner loops of 8-bit resizing for AVX2.
#include "data/resample_passes_inl.h"

namespace xinfer {

const ResamplePasses kResamplePassesAvx2 = kPasses;

}  // namespace xinfer
