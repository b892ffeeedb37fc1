// The graph as text that people read and the parser reads back.
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::ir {

/// One line a node. Constants of up to `inline_limit` elements are written out; larger ones by
/// dtype, shape and a hash unless `inline_limit` is negative (everything, for round trips).
std::string print(const Graph& graph, int inline_limit = 16);

/// Reads what print writes with inline_limit = -1. Errors name the line.
Result<Graph> parse(std::string_view text);

}  // namespace xinfer::ir
