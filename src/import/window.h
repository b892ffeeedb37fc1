// The attributes that convolutions and poolings share: kernel, strides, dilations, pads, auto_pad.
#pragma once

#include <vector>

#include "import/node_context.h"

namespace xinfer::import {

struct Window {
  std::vector<std::int64_t> kernel, strides, dilations, pads_begin, pads_end;  ///< per spatial axis
};

/// Reads the window of a node whose data input has shape `x` ([N, C, spatial…]). `kernel` is what
/// the weight says, empty where the attribute kernel_shape decides. auto_pad is resolved; SAME with
/// strides needs static spatial dimensions.
Result<Window> read_window(NodeContext& node, const ir::SymbolicShape& x,
                           const std::vector<std::int64_t>& kernel);

}  // namespace xinfer::import
