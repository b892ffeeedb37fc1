// What INT8 form a node has, and what keeps it from taking that form.
#pragma once

#include <string>

#include "ir/graph.h"
#include "passes/precision_plan.h"
#include "quant/weights.h"

namespace xinfer::passes {

/// How a node works on quantised values.
enum class Int8Form {
  kNone,
  kAccumulator,    ///< Conv, MatMul with constant weights: int32 sums, weights per channel
  kProduct,        ///< MatMul of two computed values
  kElementwise,    ///< Add, Mul of two computed values
  kTable,          ///< a function of one value, 256 entries
  kAverage,        ///< average pooling, mean over the spatial axes: int32 sums, no weights
  kInterpolation,  ///< linear Resize: weighted sums on a grid of its own
  kMovement,       ///< moves or compares bytes: input and output share one grid
  kConcat,         ///< moves bytes of several inputs that share one grid
};

/// By the op and its operands' nature alone (float or already quantised graphs).
Int8Form int8_form(const ir::Graph& graph, ir::NodeId node);

/// The number of leading inputs that carry activations: 1 for Conv, Pool, …, 2 for Binary and a
/// product, all for Concat.
std::size_t activation_count(const ir::Graph& graph, ir::NodeId node, Int8Form form);

/// True if a threshold gives a scale that an engine may hold.
bool is_usable(const ValueRange& range);

/// Why a value of the graph cannot be quantised with these ranges; empty if it can.
std::string range_obstacle(const ir::Graph& graph, ir::ValueId value, const RangeMap& ranges,
                           const ir::Constraints& constraints);

/// Why the node's own data (weights, accumulator, attributes) forbids INT8; empty if nothing does.
/// Assumes the largest activations, u8.
std::string weight_obstacle(const ir::Graph& graph, ir::NodeId node, Int8Form form);

/// The constant weights of an accumulator that has passed weight_obstacle.
quant::WeightView weights_of(const ir::Graph& graph, ir::NodeId node);

/// True if the constant weights of an accumulator hold whole numbers of steps, a step a channel, as
/// DequantizeLinear writes them.
bool has_gridded_weights(const ir::Graph& graph, ir::NodeId node);

}  // namespace xinfer::passes
