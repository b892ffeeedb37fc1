#include "passes/fold_batch_norm.h"

#include <cmath>

#include "ir/infer.h"
#include "passes/channel_affine.h"
#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::NodeId;
using ir::ValueId;

Result<ChannelAffine> affine_of(const Graph& graph, NodeId id) {
  const ir::Node& node = graph.node(id);
  std::span<const float> parameters[4];
  for (std::size_t i = 0; i < 4; ++i) {
    const ValueId input = node.inputs[i + 1];
    if (!is_float_constant(graph, input)) {
      return unsupported(
          "node \"{}\" (BatchNormalization): parameter \"{}\" is no float32 constant; supported: "
          "constant scale, bias, mean and variance",
          node.name, graph.value(input).name);
    }
    parameters[i] = graph.value(input).constant->values<float>();
  }
  const double epsilon = op_as<ir::BatchNorm>(graph, id)->epsilon;
  ChannelAffine affine;
  for (std::size_t c = 0; c < parameters[0].size(); ++c) {
    const double factor = parameters[0][c] / std::sqrt(parameters[3][c] + epsilon);
    affine.scale.push_back(factor);
    affine.offset.push_back(parameters[1][c] - parameters[2][c] * factor);
  }
  return affine;
}

/// `numbers` as a float32 constant [C, 1, …] that broadcasts over [N, C, spatial…].
ValueId add_channel_constant(Graph& graph, const std::string& name,
                             const std::vector<double>& numbers, std::size_t rank) {
  Shape shape(std::max<std::size_t>(rank, 2) - 1, 1);
  shape[0] = static_cast<std::int64_t>(numbers.size());
  const std::vector<float> rounded(numbers.begin(), numbers.end());
  return graph.add_constant(name, Tensor(shape, std::span<const float>(rounded)));
}

Status decompose(Graph& graph, NodeId id, const ChannelAffine& affine) {
  const ValueId x = graph.node(id).inputs[0];
  const std::size_t rank = graph.value(x).shape.size();
  const std::string base = graph.value(graph.node(id).outputs[0]).name;
  const ValueId scale = add_channel_constant(graph, base + "_scale", affine.scale, rank);
  const ValueId offset = add_channel_constant(graph, base + "_offset", affine.offset, rank);
  const NodeId multiply = graph.insert_node_before(id, graph.node(id).name + "_scale",
                                                   ir::Binary{kernels::Binary::kMul, {}},
                                                   {x, scale}, {base + "_scaled"});
  XINFER_RETURN_IF_ERROR(ir::infer_node(graph, multiply));
  rewrite(graph, id, ir::Binary{kernels::Binary::kAdd, {}},
          {graph.node(multiply).outputs[0], offset});
  return Status();
}

Status fold_one(Graph& graph, NodeId id) {
  XINFER_ASSIGN_OR_RETURN(const ChannelAffine affine, affine_of(graph, id));
  const NodeId conv = producer_as<ir::Conv>(graph, graph.node(id).inputs[0]);
  const bool folds = conv != ir::kNoNode && only_feeds(graph, graph.node(id).inputs[0], id) &&
                     can_scale_channels(graph, conv);
  if (!folds) return decompose(graph, id, affine);
  scale_channels(graph, conv, affine);
  replace_tail(graph, conv, id);
  return Status();
}

}  // namespace

Status fold_batch_norm(Graph& graph) {
  const std::vector<NodeId> nodes = graph.order();
  for (NodeId id : nodes) {
    if (op_as<ir::BatchNorm>(graph, id)) XINFER_RETURN_IF_ERROR(fold_one(graph, id));
  }
  return Status();
}

}  // namespace xinfer::passes
