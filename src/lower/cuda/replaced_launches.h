// Launches whose work a later launch's kernel may do (KernelSpec::replaces_previous).
#pragma once

#include "lower/cuda/lower_cuda.h"

namespace xinfer::lower {

/// The point of a launch that serves the batch.
const BatchPoint& point_for(const OpenLaunch& launch, std::int64_t batch);

/// Leaves launches out at the batches at which a later launch's chosen kernel, the first of its
/// candidates, replaces them. A launch that is itself left out replaces nothing.
void leave_out_replaced(OpenCudaPlan& open);

}  // namespace xinfer::lower
