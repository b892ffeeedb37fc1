#include "passes/fuse_epilogues.h"

#include <algorithm>

#include "passes/match.h"
#include "passes/regions.h"

namespace xinfer::passes {
namespace {

using ir::EpilogueOp;
using ir::Graph;
using ir::NodeId;
using ir::ValueId;

/// Inputs x, w and bias come before the residuals; an absent bias keeps its place.
constexpr std::size_t kFirstResidual = 3;

std::size_t position_of(const Graph& graph, NodeId node) {
  const auto at = std::find(graph.order().begin(), graph.order().end(), node);
  return static_cast<std::size_t>(at - graph.order().begin());
}

/// A residual may be computed behind the anchor: then the anchor moves down to it. Nothing in
/// between reads the anchor's value, whose only reader is the region.
void move_behind_residual(Graph& graph, NodeId anchor, ValueId residual) {
  const NodeId producer = graph.value(residual).producer;
  if (producer == ir::kNoNode) return;
  if (position_of(graph, producer) > position_of(graph, anchor)) graph.move_after(anchor, producer);
}

void merge_step(Graph& graph, NodeId anchor, const RegionStep& step) {
  EpilogueOp op = step.op;
  if (op.kind == EpilogueOp::Kind::kResidual) {
    std::vector<ValueId>& inputs = graph.node(anchor).inputs;
    inputs.resize(std::max(inputs.size(), kFirstResidual), ir::kNoValue);
    op.residual_input = static_cast<int>(inputs.size());
    inputs.push_back(step.residual);
    move_behind_residual(graph, anchor, step.residual);
  }
  ir::epilogue_of(graph.node(anchor).op)->push_back(std::move(op));
  add_origins(graph, anchor, step.node);
}

void merge_region(Graph& graph, const Region& region) {
  if (region.steps.empty()) return;
  for (const RegionStep& step : region.steps) merge_step(graph, region.anchor, step);
  graph.adopt_output(region.anchor, 0, region.output);
  for (auto step = region.steps.rbegin(); step != region.steps.rend(); ++step) {
    graph.remove_node(step->node);
    std::for_each(step->quantize_nodes.rbegin(), step->quantize_nodes.rend(),
                  [&](NodeId id) { graph.remove_node(id); });
  }
}

}  // namespace

Status fuse_epilogues(Graph& graph) {
  for (const Region& region : find_regions(graph)) merge_region(graph, region);
  graph.remove_dead_nodes();
  return Status();
}

}  // namespace xinfer::passes
