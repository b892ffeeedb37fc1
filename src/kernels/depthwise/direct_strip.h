// Strips (depthwise_strip.h) of direct kernels: float32 input lines dense in a ring.
#pragma once

#include <memory>

#include "kernels/depthwise/depthwise_strip.h"

namespace xinfer::kernels {

/// For layers with direct kernels, whose input pixels are dense.
Result<std::unique_ptr<DepthwiseStrip>> make_direct_strip(const ConvShape& shape,
                                                          const ConvArguments& arguments,
                                                          CpuIsa isa);

}  // namespace xinfer::kernels
