// Detection heads: channels brought to the end of the joined scales become channels brought to the
// end of each scale, which is how kernels store it anyway.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// Transpose(0, 2, 1) of Concat(axis 2) of values that a Reshape made of [N, C, H, W]:
///
///   [N, C, H, W] -> Reshape [N, C, H * W] -> Concat -> Transpose       becomes
///   [N, C, H, W] -> Transpose [N, H, W, C] -> Reshape [N, H * W, C] -> Concat on axis 1
///
/// and the same without a Concat. Nodes between are read by nothing else. A value stored channels
/// last then needs no movement before the Concat, which copies whole blocks.
Status hoist_transposes(ir::Graph& graph);

}  // namespace xinfer::passes
