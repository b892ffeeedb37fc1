#include "passes/activation_offsets.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "kernels/elementwise/unary.h"
#include "passes/channel_groups.h"
#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::NodeId;
using ir::ValueId;

/// An offset of the threshold itself would leave the step as it is.
constexpr double kLargestShare = 0.75;
/// Points a side at which a function's minimum is looked for: sixteen a step.
constexpr int kPoints = 127 * 16;
constexpr std::size_t kBias = 2;

using Offset = std::optional<ChannelOffset>;  ///< absent: nothing is known about the sign

ChannelOffset uniform(double value) { return {{value}, 0}; }

Offset sum(const Offset& a, const Offset& b) {
  if (!a || !b) return std::nullopt;
  const ChannelOffset& longer = a->is_uniform() ? *b : *a;
  const ChannelOffset& other = a->is_uniform() ? *a : *b;
  if (!other.is_uniform() &&
      (other.axis != longer.axis || other.values.size() != longer.values.size())) {
    return std::nullopt;
  }
  ChannelOffset result = longer;
  for (std::size_t i = 0; i < result.values.size(); ++i) result.values[i] += other.at(i);
  return result;
}

/// Is the Conv free of padding, which would be zero before the offset?
bool is_unpadded(const ir::Conv& conv) {
  const auto zero = [](std::int64_t pad) { return pad == 0; };
  return std::all_of(conv.pads_begin.begin(), conv.pads_begin.end(), zero) &&
         std::all_of(conv.pads_end.begin(), conv.pads_end.end(), zero);
}

class OffsetFinder {
 public:
  OffsetFinder(const Graph& graph, const RegionChoice& choice, const RangeMap& ranges,
               const ir::Constraints& constraints, const std::vector<bool>& non_negative)
      : graph_(graph),
        uses_(graph),
        choice_(choice),
        ranges_(ranges),
        constraints_(constraints),
        non_negative_(non_negative),
        forbidden_(graph.value_count(), false) {}

  ActivationOffsets find() {
    do {
      found_ = {};
      inner_.clear();
      for (const PlannedRegion& planned : choice_.regions) {
        if (planned.int8_output) follow(planned);
      }
    } while (forbid_unreadable());
    found_.values.merge(inner_);
    return std::move(found_);
  }

 private:
  // --- forward: which values could be lifted, and by how much ---

  void follow(const PlannedRegion& planned) {
    const Region& region = planned.region;
    switch (planned.form) {
      case Int8Form::kTable:
        if (const Offset offset = below_zero(region.anchor, graph_.node(region.anchor).inputs[0]);
            offset && accept(region.output, offset)) {
          found_.tables[region.anchor] = offset->values[0];
        }
        break;
      case Int8Form::kMovement:
        accept(region.output, moved(region.anchor));
        break;
      case Int8Form::kConcat:
        accept(region.output, joined(region.anchor));
        break;
      case Int8Form::kAccumulator:
      case Int8Form::kProduct:
      case Int8Form::kElementwise:
        follow_steps(region);
        break;
      default:
        break;
    }
  }

  /// A table's value goes straight into the residuals behind it, in float.
  void follow_steps(const Region& region) {
    Offset offset = added(region.anchor), own;
    const RegionStep* table = nullptr;
    for (const RegionStep& step : region.steps) {
      if (is_table_step(step)) {
        offset = own = below_zero(step.node, step.input);
        table = &step;
      } else if (step.residual != ir::kNoValue) {
        offset = sum(offset, known(step.residual));
      } else {
        offset.reset();
      }
    }
    if (!accept(region.output, offset) || table == nullptr) return;
    found_.tables[table->node] = own->values[0];
    const ValueId result = graph_.node(table->node).outputs[0];
    if (result != region.output) inner_[result] = *own;
  }

  Offset known(ValueId value) const {
    const auto found = found_.values.find(value);
    if (found != found_.values.end()) return found->second;
    if (non_negative_[static_cast<std::size_t>(value)]) return uniform(0);
    return std::nullopt;
  }

  /// How far a function falls below zero on the range of its input; looked for once.
  Offset below_zero(NodeId node, ValueId input) {
    const auto [found, missing] = depths_.try_emplace(node);
    if (missing) found->second = find_depth(node, input);
    return found->second;
  }

  Offset find_depth(NodeId node, ValueId input) const {
    const auto* unary = op_as<ir::Unary>(graph_, node);
    const auto range = ranges_.find(graph_.value(input).name);
    if (unary == nullptr || range == ranges_.end()) return std::nullopt;
    double least = 0;
    for (int point = -kPoints; point <= kPoints; ++point) {
      const double x = range->second.threshold * point / kPoints;
      least =
          std::min(least, kernels::unary_reference(unary->function, x, unary->alpha, unary->beta));
    }
    if (!std::isfinite(least)) return std::nullopt;
    return uniform(-least);
  }

  Offset added(NodeId node) const {
    const auto* binary = op_as<ir::Binary>(graph_, node);
    if (binary == nullptr || binary->function != kernels::Binary::kAdd) return std::nullopt;
    const std::vector<ValueId>& inputs = graph_.node(node).inputs;
    if (graph_.value(inputs[0]).shape != graph_.value(inputs[1]).shape) return std::nullopt;
    return sum(known(inputs[0]), known(inputs[1]));
  }

  Offset moved(NodeId node) const {
    Offset offset = known(graph_.node(node).inputs[0]);
    if (!offset) return offset;
    if (op_as<ir::Pool>(graph_, node) || op_as<ir::Resize>(graph_, node)) return offset;
    if (const auto* slice = op_as<ir::Slice>(graph_, node)) return sliced(*slice, *offset);
    const bool moves_all = op_as<ir::Reshape>(graph_, node) || op_as<ir::Transpose>(graph_, node) ||
                           op_as<ir::Gather>(graph_, node);
    return moves_all && offset->is_uniform() ? offset : std::nullopt;
  }

  static Offset sliced(const ir::Slice& slice, const ChannelOffset& offset) {
    if (offset.is_uniform()) return offset;
    const auto axis = static_cast<std::size_t>(offset.axis);
    const ir::Dim& start = slice.start[axis];
    const ir::Dim& size = slice.size[axis];
    if (!start.is_constant() || !size.is_constant()) return std::nullopt;
    ChannelOffset result{{}, offset.axis};
    for (std::int64_t i = 0; i < size.constant(); ++i) {
      result.values.push_back(
          offset.at(static_cast<std::size_t>(start.constant() + i * slice.step[axis])));
    }
    return result;
  }

  Offset joined(NodeId concat) const {
    const std::int64_t axis = op_as<ir::Concat>(graph_, concat)->axis;
    ChannelOffset result{{}, axis};
    for (ValueId input : graph_.node(concat).inputs) {
      const Offset offset = known(input);
      const ir::Dim& count = graph_.value(input).shape[static_cast<std::size_t>(axis)];
      if (!offset || !count.is_constant() || (!offset->is_uniform() && offset->axis != axis))
        return std::nullopt;
      for (std::int64_t i = 0; i < count.constant(); ++i) {
        result.values.push_back(offset->at(static_cast<std::size_t>(i)));
      }
    }
    const auto same = [&](double value) { return value == result.values.front(); };
    if (std::all_of(result.values.begin(), result.values.end(), same)) result.values.resize(1);
    return result;
  }

  bool accept(ValueId value, const Offset& offset) {
    const auto i = static_cast<std::size_t>(value);
    if (!offset || offset->largest() == 0 || forbidden_[i] || non_negative_[i]) return false;
    const std::string& name = graph_.value(value).name;
    const auto range = ranges_.find(name);
    if (range == ranges_.end() || constraints_.ranges.contains(name) ||
        offset->largest() > kLargestShare * range->second.threshold) {
      return false;
    }
    found_.values[value] = *offset;
    return true;
  }

  // --- backward: who reads them ---

  /// Returns true if a value was found that some reader cannot take.
  bool forbid_unreadable() {
    bool changed = false;
    for (const auto& [value, offset] : found_.values) {
      const std::vector<NodeId>& users = uses_.users(value);
      const bool readable =
          !graph_.is_graph_output(value) &&
          std::all_of(users.begin(), users.end(), [&, id = value, &lift = offset](NodeId user) {
            return can_take(user, id, lift);
          });
      if (readable) continue;
      forbidden_[static_cast<std::size_t>(value)] = true;
      changed = true;
    }
    return changed;
  }

  bool can_take(NodeId reader, ValueId value, const ChannelOffset& offset) const {
    const int index = choice_.region_of[static_cast<std::size_t>(reader)];
    const PlannedRegion& planned = choice_.regions[static_cast<std::size_t>(index)];
    if (!planned.int8) return false;
    if (reader == planned.region.anchor && planned.form == Int8Form::kAccumulator) {
      return takes_back(reader, value, offset);
    }
    return planned.int8_output && found_.values.contains(planned.region.output) &&
           hands_on(planned, reader);
  }

  /// Does what `reader` reads reach the region's end by additions and movement alone?
  static bool hands_on(const PlannedRegion& planned, NodeId reader) {
    if (planned.form == Int8Form::kTable) return false;
    const std::vector<RegionStep>& steps = planned.region.steps;
    const auto from = std::find_if(steps.begin(), steps.end(),
                                   [&](const RegionStep& step) { return step.node == reader; });
    const bool is_anchor = from == steps.end();
    if (is_anchor && planned.form == Int8Form::kProduct) return false;
    return std::all_of(is_anchor ? steps.begin() : from, steps.end(),
                       [](const RegionStep& step) { return step.residual != ir::kNoValue; });
  }

  bool takes_back(NodeId reader, ValueId value, const ChannelOffset& offset) const {
    const std::vector<ValueId>& inputs = graph_.node(reader).inputs;
    const ValueId bias = input_of(graph_, reader, kBias);
    if (inputs[0] != value || std::count(inputs.begin(), inputs.end(), value) != 1) return false;
    if (bias != ir::kNoValue && !is_float_constant(graph_, bias)) return false;
    const auto rank = static_cast<std::int64_t>(graph_.value(value).shape.size());
    if (const auto* conv = op_as<ir::Conv>(graph_, reader)) {
      return is_unpadded(*conv) && (offset.is_uniform() || offset.axis == 1);
    }
    const auto* matmul = op_as<ir::MatMul>(graph_, reader);
    return !matmul->transpose_a && graph_.value(inputs[1]).shape.size() == 2 &&
           (offset.is_uniform() || offset.axis == rank - 1);
  }

  const Graph& graph_;
  const ir::UseMap uses_;
  const RegionChoice& choice_;
  const RangeMap& ranges_;
  const ir::Constraints& constraints_;
  const std::vector<bool>& non_negative_;
  std::vector<bool> forbidden_;  ///< by value id
  std::map<NodeId, Offset> depths_;
  ActivationOffsets found_;
  std::map<ValueId, ChannelOffset> inner_;  ///< what tables hand to residuals of their own region
};

/// A layer's bias by output channel, in double; zeros where it has none.
std::vector<double> bias_of(const Graph& graph, NodeId layer) {
  const auto weights = graph.value(graph.node(layer).inputs[1]).constant->size();
  const std::size_t channels = weights == 0 ? 0 : output_channel(graph, layer, weights - 1) + 1;
  const ValueId bias = input_of(graph, layer, kBias);
  if (bias == ir::kNoValue) return std::vector<double>(channels, 0.0);
  const auto values = graph.value(bias).constant->values<float>();
  return {values.begin(), values.end()};
}

void set_bias(Graph& graph, NodeId layer, const std::vector<double>& bias) {
  Tensor tensor(DType::kFloat32, {static_cast<std::int64_t>(bias.size())});
  std::transform(bias.begin(), bias.end(), tensor.values<float>().begin(),
                 [](double value) { return static_cast<float>(value); });
  std::vector<ValueId>& inputs = graph.node(layer).inputs;
  inputs.resize(std::max(inputs.size(), kBias + 1), ir::kNoValue);
  set_constant_input(graph, layer, kBias, std::move(tensor), graph.node(layer).name + "_bias");
}

/// Subtracts from the bias what the lifted input adds to every sum.
void take_back(Graph& graph, NodeId reader, const ChannelOffset& offset) {
  const auto weights = graph.value(graph.node(reader).inputs[1]).constant->values<float>();
  std::vector<double> bias = bias_of(graph, reader);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    bias[output_channel(graph, reader, i)] -=
        static_cast<double>(weights[i]) * offset.at(input_channel(graph, reader, i));
  }
  set_bias(graph, reader, bias);
}

/// Moves what the function of `table` reads, and lets the function take it back.
void center(Graph& graph, NodeId table, double shift) {
  const ValueId input = graph.node(table).inputs[0];
  const NodeId layer = graph.value(input).producer;
  std::vector<double> bias = bias_of(graph, layer);
  for (double& value : bias) value += shift;
  set_bias(graph, layer, bias);
  op_as<ir::Unary>(graph, table)->input_offset = -shift;
  graph.rename_value(input, graph.value(input).name + "_offset");
}

}  // namespace

ActivationOffsets find_activation_offsets(const Graph& graph, const RegionChoice& choice,
                                          const RangeMap& ranges,
                                          const ir::Constraints& constraints,
                                          const std::vector<bool>& non_negative) {
  return OffsetFinder(graph, choice, ranges, constraints, non_negative).find();
}

void apply_offsets(Graph& graph, const PrecisionPlan& plan) {
  for (const auto& [node, offset] : plan.offsets.tables) {
    op_as<ir::Unary>(graph, node)->offset = offset;
  }
  for (const auto& [node, shift] : plan.offsets.table_inputs) center(graph, node, shift);
  const std::vector<NodeId> nodes = graph.order();
  for (NodeId node : nodes) {
    if (int8_form(graph, node) != Int8Form::kAccumulator) continue;
    const auto offset = plan.offsets.values.find(graph.node(node).inputs[0]);
    if (offset != plan.offsets.values.end()) take_back(graph, node, offset->second);
  }
  for (const auto& [value, offset] : plan.offsets.values) {
    graph.rename_value(value, graph.value(value).name + "_offset");
  }
}

}  // namespace xinfer::passes
