// Which nodes run together in the epilogue of one node: the cut of a graph into regions.
#pragma once

#include <vector>

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// A node that moves into the epilogue of its region's anchor.
struct RegionStep {
  ir::NodeId node = ir::kNoNode;
  ir::EpilogueOp op;                       ///< residual_input is set when the step is merged
  ir::ValueId input = ir::kNoValue;        ///< what the step reads from the step before it
  ir::ValueId residual = ir::kNoValue;     ///< kResidual: the other operand
  std::vector<ir::NodeId> quantize_nodes;  ///< Quantize / Dequantize that the step swallows
};

/// True for a function that an INT8 region computes by a table; leaky ReLU has a form of its own.
inline bool is_table_step(const RegionStep& step) {
  return step.op.kind == ir::EpilogueOp::Kind::kUnary &&
         step.op.function != kernels::Unary::kLeakyRelu;
}

/// Conv, MatMul or Binary (the anchor) and what follows it, each step the only reader of the one
/// before.
struct Region {
  ir::NodeId anchor = ir::kNoNode;
  std::vector<RegionStep> steps;
  ir::ValueId output = ir::kNoValue;  ///< the value behind the last step
  ir::NodeId last_node() const { return steps.empty() ? anchor : steps.back().node; }
};

/// True for a Conv or MatMul that reads quantised values, and for an Add or Mul whose operands all
/// are quantised or come straight from Dequantize: its sums are exact integers times a scale.
bool is_int8_anchor(const ir::Graph& graph, ir::NodeId node);

/// All regions of the graph, those of Conv and MatMul before those of Binary, each kind from the
/// last node to the first: of two convolutions that meet in an Add the later one takes it. Regions
/// without steps are listed as well. Rules:
/// - a step's input has no other reader and is no graph output;
/// - Clip and leaky ReLU always fit; other functions fit a float anchor directly, an INT8 anchor
///   only between Quantize / Dequantize pairs (they become a table);
/// - an Add fits Conv and MatMul if its other operand is computed and has the output's very shape;
/// - at most kernels::kMaxEpilogueSteps steps; behind a Binary one Clip.
std::vector<Region> find_regions(const ir::Graph& graph);

}  // namespace xinfer::passes
