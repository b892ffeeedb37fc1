// Values whose channels may be scaled against the weights around them without changing what a
// float graph computes.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/graph.h"

namespace xinfer::passes {

/// Values joined by residual Adds, linear between the layers that write and read them. Dividing
/// channel c of all of them by a factor is undone by the weights of the readers.
struct ChannelGroup {
  std::int64_t channels = 0;
  std::vector<ir::ValueId> values;  ///< in no particular order; none is a graph input or output
  std::vector<ir::NodeId> writers;  ///< Conv and MatMul with constant weights, LayerNorm
  std::vector<ir::NodeId> readers;  ///< Conv and MatMul with constant weights
};

/// The largest such groups, in the order of their first values; each value is in one at most. The
/// channel axis is 1 behind a Conv and the last behind a MatMul or LayerNorm. What anything else
/// reads or writes is in no group.
std::vector<ChannelGroup> find_channel_groups(const ir::Graph& graph);

/// Input channel that element `index` of a reader's weights meets; output channel that element
/// `index` of a writer's weights makes.
std::size_t input_channel(const ir::Graph& graph, ir::NodeId reader, std::size_t index);
std::size_t output_channel(const ir::Graph& graph, ir::NodeId writer, std::size_t index);

}  // namespace xinfer::passes
