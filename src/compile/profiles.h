// From shape profiles to ranges of the graph's symbols.
#pragma once

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

}  // namespace xinfer::compile
