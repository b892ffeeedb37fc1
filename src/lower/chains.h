// Which steps of a plan for a CPU may run as a chain, some lines at a time (kernels/chain).
#pragma once

#include "lower/lowering.h"

namespace xinfer::lower {

/// Marks inverted residuals: a depthwise convolution with the 1x1 convolutions around it. Whether
/// they run as a chain is decided when shapes are bound; memory is planned so that they can.
void mark_chains(Lowering& lowering);

}  // namespace xinfer::lower
