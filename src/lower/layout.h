// Physical layouts: which order of axes a value has in memory.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/graph.h"

namespace xinfer::lower {

/// kPlain: ONNX's order. kChannelsLast: [N, C, spatial…] stored as [N, spatial…, C] (rank 3 to 5).
enum class Layout { kPlain, kChannelsLast };

/// Position in memory of ONNX axis `axis` of a value of `rank` axes.
std::int64_t physical_axis(std::int64_t axis, std::int64_t rank, Layout layout);

/// ONNX axis at each physical position: {0, 2, 3, 1} for a rank-4 channels-last value.
std::vector<std::int64_t> axes_in_memory(std::int64_t rank, Layout layout);

/// `shape` in memory order.
ir::SymbolicShape physical_shape(const ir::SymbolicShape& shape, Layout layout);

/// True where both layouts store the same bytes: one channel, or no more than one spatial position,
/// or a rank that has no channels-last form.
bool layouts_coincide(const ir::SymbolicShape& shape);

/// Ops whose kernels want channels-last input and give channels-last output.
bool demands_channels_last(const ir::Graph& graph, ir::NodeId node);

/// Ops that work in either layout as long as operands agree.
bool accepts_any_layout(const ir::Op& op);

/// For every value: true if someone downstream, through layout-agnostic ops, wants it
/// channels-last.
std::vector<bool> wanted_channels_last(const ir::Graph& graph);

}  // namespace xinfer::lower
