// Which values of a float graph cannot be negative, whatever the input.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace xinfer::passes {

/// Indexed by value id. Proved from the ops alone (behind ReLU, Sigmoid, Softmax, …, kept by
/// pooling, movement, sums and products), never from observed ranges. NaN is not considered.
std::vector<bool> find_non_negative(const ir::Graph& graph);

}  // namespace xinfer::passes
