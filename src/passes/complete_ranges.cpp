#include "passes/complete_ranges.h"

#include "passes/match.h"

namespace xinfer::passes {
namespace {

void share(const ir::Graph& graph, ir::NodeId id, RangeMap& ranges) {
  if (!op_as<ir::Reshape>(graph, id) && !op_as<ir::Transpose>(graph, id)) return;
  const std::string& input = graph.value(graph.node(id).inputs[0]).name;
  const std::string& output = graph.value(graph.node(id).outputs[0]).name;
  if (const auto found = ranges.find(input); found != ranges.end()) {
    ranges.emplace(output, ValueRange(found->second));
  } else if (const auto behind = ranges.find(output); behind != ranges.end()) {
    ranges.emplace(input, ValueRange(behind->second));
  }
}

}  // namespace

RangeMap complete_ranges(const ir::Graph& graph, RangeMap ranges) {
  const std::vector<ir::NodeId>& order = graph.order();
  for (ir::NodeId id : order) share(graph, id, ranges);
  for (auto id = order.rbegin(); id != order.rend(); ++id) share(graph, *id, ranges);
  return ranges;
}

}  // namespace xinfer::passes
