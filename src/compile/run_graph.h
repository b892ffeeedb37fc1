// A graph's outputs for given inputs: the short way for tests and tools.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/status.h"
#include "ir/graph.h"
#include "xinfer/core/tensor.h"

namespace xinfer::compile {

/// Simplifies a copy of `graph` and runs it; fuses it first if `fused`. Outputs in the graph's
/// order. Slow to set up: every call lowers the graph anew.
Result<std::vector<Tensor>> run_graph(const ir::Graph& graph,
                                      const std::map<std::string, Tensor>& inputs,
                                      bool fused = false);

}  // namespace xinfer::compile
