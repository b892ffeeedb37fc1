#include "passes/absorb_quantization.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ir/infer.h"
#include "passes/int8_support.h"
#include "passes/match.h"
#include "passes/regions.h"
#include "quant/quantize.h"

namespace xinfer::passes {
namespace {

using ir::EpilogueOp;
using ir::Graph;
using ir::kNoNode;
using ir::kNoValue;
using ir::NodeId;
using ir::ValueId;

bool same_grid(const ir::Value& a, const ir::Value& b) {
  return a.dtype == b.dtype && a.scale == b.scale;
}

void set_grid(Graph& graph, ValueId value, ValueId like) {
  graph.value(value).dtype = graph.value(like).dtype;
  graph.value(value).scale = graph.value(like).scale;
}

/// The quantised value behind `value`: itself, or what its Dequantize reads; else kNoValue.
ValueId quantized_source(const Graph& graph, ValueId value) {
  if (graph.value(value).is_quantized()) return value;
  const NodeId dequantize = producer_as<ir::Dequantize>(graph, value);
  return dequantize == kNoNode ? kNoValue : graph.node(dequantize).inputs[0];
}

/// The Quantize that alone reads `value`, or kNoNode.
NodeId quantize_behind(const Graph& graph, ValueId value) {
  const NodeId user = sole_user(graph, value);
  return op_as<ir::Quantize>(graph, user) != nullptr ? user : kNoNode;
}

/// Makes `value` itself what `quantize`, its only reader, produced.
void absorb(Graph& graph, ValueId value, NodeId quantize) {
  const ValueId quantized = graph.node(quantize).outputs[0];
  set_grid(graph, value, quantized);
  graph.replace_uses(quantized, value);
  graph.remove_node(quantize);
}

/// The clamp to the grid makes a last Clip redundant where its bound, in steps of the grid, rounds
/// to the grid's own limit.
void drop_implied_clip(Graph& graph, NodeId node) {
  std::vector<EpilogueOp>& epilogue = *ir::epilogue_of(graph.node(node).op);
  const ir::Value& output = graph.value(graph.node(node).outputs[0]);
  if (epilogue.empty() || epilogue.back().kind != EpilogueOp::Kind::kClip) return;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const quant::GridLimits grid = quant::limits_of(output.dtype);
  EpilogueOp& clip = epilogue.back();
  if (static_cast<float>(clip.low / output.scale) < static_cast<float>(grid.min) + 0.5f) {
    clip.low = -kInfinity;
  }
  if (static_cast<float>(clip.high / output.scale) > static_cast<float>(grid.max) - 0.5f) {
    clip.high = kInfinity;
  }
  if (clip.low == -kInfinity && clip.high == kInfinity) epilogue.pop_back();
}

void absorb_into_anchor(Graph& graph, NodeId node) {
  if (!is_int8_anchor(graph, node)) return;
  if (op_as<ir::Binary>(graph, node)) {
    for (ValueId& input : graph.node(node).inputs) input = quantized_source(graph, input);
  }
  const ValueId output = graph.node(node).outputs[0];
  const NodeId quantize = quantize_behind(graph, output);
  if (quantize == kNoNode) return;
  absorb(graph, output, quantize);
  drop_implied_clip(graph, node);
}

/// Pooling, means, tables, interpolation: INT8 in and out, each with a grid of its own. Averages
/// may end a chain in float as well, since they work from integer sums.
void absorb_into_computed(Graph& graph, NodeId node, bool float_output_allowed) {
  const ValueId input = quantized_source(graph, graph.node(node).inputs[0]);
  const ValueId output = graph.node(node).outputs[0];
  const NodeId quantize = quantize_behind(graph, output);
  if (input == kNoValue || (quantize == kNoNode && !float_output_allowed)) return;
  graph.node(node).inputs[0] = input;
  if (quantize != kNoNode) absorb(graph, output, quantize);
}

/// One input and one output of the same bytes. A Quantize to another grid stays, behind the op.
void absorb_into_movement(Graph& graph, NodeId node) {
  const ValueId input = quantized_source(graph, graph.node(node).inputs[0]);
  const ValueId output = graph.node(node).outputs[0];
  if (graph.value(output).is_quantized()) return;
  const NodeId quantize = quantize_behind(graph, output);
  if (input == kNoValue || quantize == kNoNode) return;
  graph.node(node).inputs[0] = input;
  if (same_grid(graph.value(input), graph.value(graph.node(quantize).outputs[0]))) {
    absorb(graph, output, quantize);
  } else {
    set_grid(graph, output, input);
  }
}

/// Inputs on another grid than the output's get a requantise step of their own.
Status absorb_into_concat(Graph& graph, NodeId node) {
  const std::vector<ValueId> inputs = graph.node(node).inputs;
  const ValueId output = graph.node(node).outputs[0];
  if (graph.value(output).is_quantized()) return Status();
  const NodeId quantize = quantize_behind(graph, output);
  const bool all_quantized = std::all_of(inputs.begin(), inputs.end(), [&](ValueId id) {
    return quantized_source(graph, id) != kNoValue;
  });
  if (quantize == kNoNode || !all_quantized) return Status();
  absorb(graph, output, quantize);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    ValueId source = quantized_source(graph, inputs[i]);
    if (!same_grid(graph.value(source), graph.value(output))) {
      const std::string wanted = graph.value(source).name + "_requantized";
      const NodeId step = graph.insert_node_before(node, "", ir::Quantize{}, {source}, {wanted});
      const ValueId requantized = graph.node(step).outputs[0];
      set_grid(graph, requantized, output);
      XINFER_RETURN_IF_ERROR(ir::infer_node(graph, step));
      source = requantized;
    }
    graph.node(node).inputs[i] = source;
  }
  return Status();
}

/// Quantize of what Dequantize wrote: nothing if the grids are equal, else one INT8 step.
void absorb_into_quantize(Graph& graph, NodeId node) {
  const ValueId input = quantized_source(graph, graph.node(node).inputs[0]);
  const ValueId output = graph.node(node).outputs[0];
  if (input == kNoValue) return;
  graph.node(node).inputs[0] = input;
  if (!same_grid(graph.value(input), graph.value(output)) || graph.is_graph_output(output)) return;
  graph.replace_uses(output, input);
  graph.remove_node(node);
}

/// Its tables hold the bytes.
void absorb_into_image(Graph& graph, NodeId node) {
  const ValueId output = graph.node(node).outputs[0];
  const NodeId quantize = quantize_behind(graph, output);
  if (quantize != kNoNode) absorb(graph, output, quantize);
}

Status absorb_into(Graph& graph, NodeId node) {
  if (op_as<ir::Quantize>(graph, node)) {
    absorb_into_quantize(graph, node);
    return Status();
  }
  if (op_as<ir::ConvertImage>(graph, node)) {
    absorb_into_image(graph, node);
    return Status();
  }
  switch (int8_form(graph, node)) {
    case Int8Form::kAccumulator:
    case Int8Form::kProduct:
    case Int8Form::kElementwise:
      absorb_into_anchor(graph, node);
      return Status();
    case Int8Form::kTable:
    case Int8Form::kInterpolation:
      absorb_into_computed(graph, node, false);
      return Status();
    case Int8Form::kAverage:
      absorb_into_computed(graph, node, true);
      return Status();
    case Int8Form::kMovement:
      absorb_into_movement(graph, node);
      return Status();
    case Int8Form::kConcat:
      return absorb_into_concat(graph, node);
    case Int8Form::kNone:
      return Status();
  }
  return Status();
}

}  // namespace

Status absorb_quantization(Graph& graph) {
  const std::vector<NodeId> nodes = graph.order();
  for (NodeId node : nodes) {
    if (graph.node(node).removed) continue;
    XINFER_RETURN_IF_ERROR(absorb_into(graph, node));
  }
  graph.remove_dead_nodes();
  return Status();
}

}  // namespace xinfer::passes
