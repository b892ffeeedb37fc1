// Launches that need not wait for the one before them.
#pragma once

#include "lower/cuda/lower_cuda.h"

namespace xinfer::lower {

/// Gives launches whose chosen kernels allow it the form that waits late (KernelSpec::waits_late):
/// where the launch before writes nothing but what an epilogue adds, as in the branches of a block,
/// both then run beside each other. A batch point's chosen kernel is its first candidate.
void choose_late_waits(OpenCudaPlan& open);

}  // namespace xinfer::lower
