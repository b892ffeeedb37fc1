// ShuffleNet's channel shuffle with its split, as strided slices.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// x [N, C, H, W] -> Reshape [N*C/g, g, H*W] -> Transpose (1, 0, 2) -> Reshape [g, N, C/g, H, W] ->
/// Gather of part j: the channels j, j + g, j + 2g, …, which is a Slice of x with step g. Saves
/// three moves of the whole tensor, and the layout changes that merging H and W costs.
Status recognise_channel_shuffle(ir::Graph& graph);

}  // namespace xinfer::passes
