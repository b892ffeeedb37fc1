// Which values of a float graph cannot be negative, whatever the input.
#pragma once

#include <vector>

#include "ir/graph.h"
#include "passes/precision_plan.h"

namespace xinfer::passes {

/// Indexed by value id. Proved from the ops (behind ReLU, Sigmoid, Softmax, …, kept by pooling,
/// movement, sums and products) and from `inputs`, graph inputs known to be non-negative; never
/// from the observed range of any other value. NaN is not considered.
std::vector<bool> find_non_negative(const ir::Graph& graph,
                                    const std::vector<ir::ValueId>& inputs = {});

/// The same, with the graph inputs whose samples never were negative.
std::vector<bool> find_non_negative(const ir::Graph& graph, const RangeMap& ranges);

}  // namespace xinfer::passes
