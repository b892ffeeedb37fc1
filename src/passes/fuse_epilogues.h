// Merges every region's steps into its anchor's epilogue.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// After it a Conv, MatMul or Binary produces its region's last value, under that value's name.
/// Float and INT8 regions alike; the rules are in regions.h.
Status fuse_epilogues(ir::Graph& graph);

}  // namespace xinfer::passes
