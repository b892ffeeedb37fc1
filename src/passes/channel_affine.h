// y * scale[c] + offset[c] behind a Conv or MatMul, folded into its constant weights and bias.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace xinfer::passes {

struct ChannelAffine {
  std::vector<double> scale, offset;  ///< one entry per output channel
};

/// True for a Conv or MatMul without epilogue whose weights (and bias, if any) are float32
/// constants: [M, C/g, k…], or one matrix.
bool can_scale_channels(const ir::Graph& graph, ir::NodeId node);

/// Output channels of such a node.
std::int64_t output_channels(const ir::Graph& graph, ir::NodeId node);

/// w' = w * scale, b' = b * scale + offset; in double, rounded to float32 once. Scales of 1 leave
/// the weights as they are.
void scale_channels(ir::Graph& graph, ir::NodeId node, const ChannelAffine& affine);

}  // namespace xinfer::passes
