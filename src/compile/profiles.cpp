#include "compile/profiles.h"

#include <algorithm>

namespace xinfer::compile {
namespace {

Status merge_range(lower::SymbolRanges& symbols, const std::string& symbol,
                   const lower::SymbolRange& range, const std::string& input) {
  const auto [it, added] = symbols.try_emplace(symbol, range);
  const lower::SymbolRange& known = it->second;
  if (added || (known.min == range.min && known.opt == range.opt && known.max == range.max)) {
    return {};
  }
  return invalid_argument(
      "profile of input \"{}\": dimension \"{}\" is {}, {}, {}; another input says {}, {}, {}",
      input, symbol, range.min, range.opt, range.max, known.min, known.opt, known.max);
}

Status apply_profile(const ir::Value& input, const ShapeProfile& profile,
                     lower::SymbolRanges& symbols) {
  const std::size_t rank = input.shape.size();
  if (profile.min.size() != rank || profile.opt.size() != rank || profile.max.size() != rank) {
    return invalid_argument("profile of input \"{}\": shapes {}, {}, {} do not have {} dimensions",
                            input.name, to_string(profile.min), to_string(profile.opt),
                            to_string(profile.max), rank);
  }
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const lower::SymbolRange range = {profile.min[axis], profile.opt[axis], profile.max[axis]};
    if (range.min < 1 || range.min > range.opt || range.opt > range.max) {
      return invalid_argument(
          "profile of input \"{}\": dimension {} needs 1 <= min <= opt <= max, it has {}, {}, {}",
          input.name, axis, range.min, range.opt, range.max);
    }
    const ir::Dim& dim = input.shape[axis];
    if (dim.is_constant()) {
      if (range.min != dim.constant() || range.max != dim.constant()) {
        return invalid_argument(
            "profile of input \"{}\": dimension {} is fixed to {} in the model, not {} to {}",
            input.name, axis, dim.constant(), range.min, range.max);
      }
      continue;
    }
    XINFER_RETURN_IF_ERROR(merge_range(symbols, dim.symbol_name(), range, input.name));
  }
  return {};
}

}  // namespace

Result<lower::SymbolRanges> symbol_ranges(const ir::Graph& graph,
                                          const std::map<std::string, ShapeProfile>& profiles,
                                          std::int64_t max_batch,
                                          std::vector<std::string>& warnings) {
  lower::SymbolRanges symbols;
  for (const auto& [name, profile] : profiles) {
    const auto it = std::find_if(
        graph.inputs().begin(), graph.inputs().end(),
        [&, &wanted = name](ir::ValueId id) { return graph.value(id).name == wanted; });
    if (it == graph.inputs().end()) {
      std::string inputs;
      for (ir::ValueId id : graph.inputs()) {
        inputs += (inputs.empty() ? "\"" : ", \"") + graph.value(id).name + "\"";
      }
      return invalid_argument("a profile names input \"{}\"; the model has {}", name, inputs);
    }
    XINFER_RETURN_IF_ERROR(apply_profile(graph.value(*it), profile, symbols));
  }
  for (ir::ValueId id : graph.inputs()) {
    const ir::Value& input = graph.value(id);
    const std::string batch = input.shape.empty() ? "" : input.shape[0].symbol_name();
    if (batch.empty() || symbols.contains(batch)) continue;
    const std::int64_t largest = max_batch > 0 ? max_batch : kDefaultMaxBatch;
    if (max_batch <= 0) {
      warnings.push_back(fmt::format(
          "dimension \"{}\" of input \"{}\" is dynamic and has no profile: built for 1 to {}",
          batch, input.name, largest));
    }
    symbols[batch] = {1, largest, largest};
  }
  return symbols;
}

std::map<std::string, std::int64_t> fixed_sizes(
    const ir::Graph& graph, const std::map<std::string, ShapeProfile>& profiles) {
  std::map<std::string, std::int64_t> sizes;
  for (ir::ValueId id : graph.inputs()) {
    const ir::Value& input = graph.value(id);
    const auto profile = profiles.find(input.name);
    if (profile == profiles.end()) continue;
    for (std::size_t axis = 0; axis < input.shape.size(); ++axis) {
      const std::string symbol = input.shape[axis].symbol_name();
      const bool fixed = profile->second.min[axis] == profile->second.max[axis];
      if (!symbol.empty() && fixed) sizes[symbol] = profile->second.min[axis];
    }
  }
  return sizes;
}

std::set<std::string> batch_symbols(const ir::Graph& graph) {
  std::set<std::string> symbols;
  for (ir::ValueId id : graph.inputs()) {
    const ir::SymbolicShape& shape = graph.value(id).shape;
    if (!shape.empty() && !shape[0].symbol_name().empty()) symbols.insert(shape[0].symbol_name());
  }
  return symbols;
}

}  // namespace xinfer::compile
