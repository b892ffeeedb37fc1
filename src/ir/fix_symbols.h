// Dynamic dimensions that turn out to have one size become constants.
#pragma once

#include <map>
#include <string>

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::ir {

/// Replaces symbols by numbers in the shapes of the inputs and in every op, and infers all shapes
/// anew. Symbols that the graph does not have are ignored. Fails where a shape does not fit.
Status fix_symbols(Graph& graph, const std::map<std::string, std::int64_t>& sizes);

}  // namespace xinfer::ir
