// The arithmetic peak of one core.
#pragma once

#include "kernels/conv/conv.h"

namespace xinfer::kernels {

/// GOPS (two operations a multiply-accumulate) of a register-only loop of the instruction that
/// `isa`'s micro-kernel for `type` is built on; portable kernels are measured against AVX2's.
double measure_peak_gops(ConvType type, CpuIsa isa);

}  // namespace xinfer::kernels
