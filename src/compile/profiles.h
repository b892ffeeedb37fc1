// From shape profiles to ranges of the graph's symbols.
#pragma once

#include <set>

#include "compile/build.h"
#include "core/status.h"
#include "ir/graph.h"
#include "lower/lower.h"

namespace xinfer::compile {

/// Largest batch where neither a profile nor a maximum was given.
inline constexpr std::int64_t kDefaultMaxBatch = 32;

/// Ranges of every symbol of the inputs: from the profiles, and for the first dimension from
/// `max_batch` (or kDefaultMaxBatch, with a warning). Fails for a profile that names no input,
/// contradicts itself or the model; a symbol without a range is reported later, by its input.
Result<lower::SymbolRanges> symbol_ranges(const ir::Graph& graph,
                                          const std::map<std::string, ShapeProfile>& profiles,
                                          std::int64_t max_batch,
                                          std::vector<std::string>& warnings);

/// Symbols that a profile gives one size (min = max).
std::map<std::string, std::int64_t> fixed_sizes(
    const ir::Graph& graph, const std::map<std::string, ShapeProfile>& profiles);

/// The first dimension's symbol of every input, where it is dynamic.
std::set<std::string> batch_symbols(const ir::Graph& graph);

}  // namespace xinfer::compile
