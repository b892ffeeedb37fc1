#include "passes/choose_int8_regions.h"

#include <algorithm>

#include "passes/channel_outliers.h"
#include "passes/equalise_channels.h"
#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::EpilogueOp;
using ir::Graph;
using ir::kNoNode;
using ir::NodeId;
using ir::ValueId;

/// A Concat whose inputs' thresholds differ by more than this factor (4 bits) is kept in float for
/// its float readers: at a detector's end boxes in pixels would wipe out class scores.
constexpr double kLargestConcatRatio = 16.0;

bool name_matches(const Graph& graph, NodeId id, const std::string& pattern) {
  const ir::Node& node = graph.node(id);
  const auto matches = [&](const std::string& text) { return ir::matches_glob(pattern, text); };
  return matches(node.name) || std::any_of(node.origins.begin(), node.origins.end(), matches) ||
         std::any_of(node.outputs.begin(), node.outputs.end(), [&](ValueId value) {
           return value != ir::kNoValue && matches(name_before_equalising(graph.value(value).name));
         });
}

/// Does a Softmax's result reach `value` through movement alone?
bool comes_from_softmax(const Graph& graph, ValueId value) {
  NodeId producer = graph.value(value).producer;
  while (producer != kNoNode) {
    if (op_as<ir::Softmax>(graph, producer)) return true;
    if (int8_form(graph, producer) != Int8Form::kMovement) return false;
    producer = graph.value(graph.node(producer).inputs[0]).producer;
  }
  return false;
}

class RegionChooser {
 public:
  RegionChooser(const Graph& graph, const RangeMap& ranges, const ir::Constraints& constraints)
      : graph_(graph), uses_(graph), ranges_(ranges), constraints_(constraints) {}

  RegionChoice choose() {
    list_regions();
    for (PlannedRegion& planned : choice_.regions) {
      planned.obstacle = obstacle_of(planned);
      planned.int8 = planned.obstacle.empty();
    }
    do {
      mark_wanted();
    } while (drop_unsupplied());
    return std::move(choice_);
  }

 private:
  // --- regions ---

  void list_regions() {
    std::vector<std::size_t> position(graph_.node_count(), 0);
    for (std::size_t i = 0; i < graph_.order().size(); ++i) {
      position[static_cast<std::size_t>(graph_.order()[i])] = i;
    }
    std::vector<bool> taken(graph_.node_count(), false);
    for (Region& region : find_regions(graph_)) {
      cut(region);
      taken[static_cast<std::size_t>(region.anchor)] = true;
      for (const RegionStep& step : region.steps) taken[static_cast<std::size_t>(step.node)] = true;
      add_region(std::move(region));
    }
    for (NodeId id : graph_.order()) {
      if (!taken[static_cast<std::size_t>(id)]) add_region({id, {}, graph_.node(id).outputs[0]});
    }
    std::sort(choice_.regions.begin(), choice_.regions.end(),
              [&](const PlannedRegion& a, const PlannedRegion& b) {
                return position[static_cast<std::size_t>(a.region.last_node())] <
                       position[static_cast<std::size_t>(b.region.last_node())];
              });
    index_regions();
  }

  void add_region(Region region) {
    PlannedRegion planned;
    planned.form = int8_form(graph_, region.anchor);
    planned.region = std::move(region);
    choice_.regions.push_back(std::move(planned));
  }

  void index_regions() {
    choice_.region_of.assign(graph_.node_count(), -1);
    for (std::size_t i = 0; i < choice_.regions.size(); ++i) {
      const Region& region = choice_.regions[i].region;
      choice_.region_of[static_cast<std::size_t>(region.anchor)] = static_cast<int>(i);
      for (const RegionStep& step : region.steps) {
        choice_.region_of[static_cast<std::size_t>(step.node)] = static_cast<int>(i);
      }
    }
  }

  /// Ends the region before a step that cannot be part of an INT8 one.
  void cut(Region& region) const {
    if (int8_form(graph_, region.anchor) == Int8Form::kNone) return;
    const auto unfit =
        std::find_if(region.steps.begin(), region.steps.end(), [&](const RegionStep& step) {
          if (step.op.kind == EpilogueOp::Kind::kClip) return false;
          if (!constraint_obstacle(step.node).empty()) return true;
          const ValueId result = graph_.node(step.node).outputs[0];
          return is_table_step(step) &&
                 !(range_obstacle(step.input).empty() && range_obstacle(result).empty());
        });
    if (unfit == region.steps.end()) return;
    region.output = unfit->input;
    region.steps.erase(unfit, region.steps.end());
  }

  // --- what forbids INT8 ---

  std::string range_obstacle(ValueId value) const {
    return passes::range_obstacle(graph_, value, ranges_, constraints_);
  }

  std::string constraint_obstacle(NodeId node) const {
    return passes::constraint_obstacle(graph_, node, constraints_);
  }

  std::string obstacle_of(const PlannedRegion& planned) const {
    const NodeId anchor = planned.region.anchor;
    if (planned.form == Int8Form::kNone) return no_form_reason(anchor);
    std::string obstacle = constraint_obstacle(anchor);
    if (obstacle.empty()) obstacle = weight_obstacle(graph_, anchor, planned.form);
    if (obstacle.empty() && planned.form == Int8Form::kProduct) obstacle = policy_obstacle(anchor);
    const std::size_t count = activation_count(graph_, anchor, planned.form);
    for (std::size_t i = 0; obstacle.empty() && i < count; ++i) {
      obstacle = range_obstacle(graph_.node(anchor).inputs[i]);
    }
    // An average may end in float; everything else needs its output's range.
    if (obstacle.empty() && planned.form != Int8Form::kAverage) {
      obstacle = range_obstacle(planned.region.output);
    }
    if (obstacle.empty() && planned.form == Int8Form::kAccumulator) {
      obstacle = channel_outlier_obstacle(graph_, graph_.node(anchor).inputs[0], ranges_);
    }
    if (obstacle.empty() && planned.form == Int8Form::kAccumulator) {
      obstacle = output_error_obstacle(graph_.node(anchor).inputs[0]);
    }
    return obstacle;
  }

  /// Why the best scale for what a layer reads is not good enough, by the error that calibration
  /// measured at the layer's output.
  std::string output_error_obstacle(ValueId value) const {
    const auto range = ranges_.find(graph_.value(value).name);
    if (range == ranges_.end() || !range->second.output_error) return "";
    const double error = *range->second.output_error;
    if (error <= kLargestOutputError) return "";
    return fmt::format(
        "the scale chosen for \"{}\" leaves {:.1f} dB by calibration's measure, less than {:.0f} "
        "dB",
        graph_.value(value).name, -10 * std::log10(error), -10 * std::log10(kLargestOutputError));
  }

  std::string no_form_reason(NodeId node) const {
    const ir::Op& op = graph_.node(node).op;
    const bool has_weights = op_as<ir::Conv>(graph_, node) || op_as<ir::MatMul>(graph_, node);
    const ValueId input = input_of(graph_, node, 0);
    if (input != ir::kNoValue && graph_.value(input).dtype != DType::kFloat32) {
      return fmt::format("it works on {}", to_string(graph_.value(input).dtype));
    }
    if (has_weights) return "its weights are not constant float32";
    return fmt::format("{} has no INT8 form here", ir::op_name(op));
  }

  std::string policy_obstacle(NodeId matmul) const {
    for (std::size_t i : {0, 1}) {
      if (comes_from_softmax(graph_, graph_.node(matmul).inputs[i])) {
        return "its operand is a Softmax: attention weights of 1/255 and less would be lost";
      }
    }
    return "";
  }

  // --- the fixed point: drop INT8 where no reader wants it or no producer has it ---

  /// From the last region to the first: who reads INT8, and which outputs are INT8 therefore.
  void mark_wanted() {
    choice_.wanted.assign(graph_.value_count(), false);
    for (auto it = choice_.regions.rbegin(); it != choice_.regions.rend(); ++it) {
      const ValueId output = it->region.output;
      it->int8_output = it->int8 && output != ir::kNoValue && is_wanted(output) &&
                        !graph_.is_graph_output(output) && !is_residual_stream(it->region);
      if (it->int8 && needs_int8_output(it->form) && !it->int8_output) {
        it->int8 = false;
        it->obstacle = output != ir::kNoValue && graph_.is_graph_output(output)
                           ? "it writes a network output, which stays float"
                           : "its result is used in float";
      }
      if (it->int8) want_inputs(*it);
    }
  }

  bool is_wanted(ValueId value) const { return choice_.wanted[static_cast<std::size_t>(value)]; }
  void want(ValueId value) { choice_.wanted[static_cast<std::size_t>(value)] = true; }

  static bool needs_int8_output(Int8Form form) {
    return form != Int8Form::kAccumulator && form != Int8Form::kProduct &&
           form != Int8Form::kAverage;
  }

  /// A sum that a LayerNorm reads belongs to a transformer's residual stream: INT8 there costs most
  /// of the accuracy (ViT-B/16: 81 % to 24 %).
  bool is_residual_stream(const Region& region) const {
    const bool adds = op_as<ir::Binary>(graph_, region.anchor) ||
                      std::any_of(region.steps.begin(), region.steps.end(), [](const auto& step) {
                        return step.op.kind == EpilogueOp::Kind::kResidual;
                      });
    const std::vector<NodeId>& users = uses_.users(region.output);
    return adds && std::any_of(users.begin(), users.end(), [&](NodeId user) {
             return op_as<ir::LayerNorm>(graph_, user) != nullptr;
           });
  }

  void want_inputs(const PlannedRegion& planned) {
    const std::vector<ValueId>& inputs = graph_.node(planned.region.anchor).inputs;
    const std::size_t count = activation_count(graph_, planned.region.anchor, planned.form);
    for (std::size_t i = 0; i < count; ++i) want(inputs[i]);
    if (!planned.int8_output) return;
    for (const RegionStep& step : planned.region.steps) {
      if (step.residual != ir::kNoValue && range_obstacle(step.residual).empty()) {
        want(step.residual);
      }
    }
  }

  /// Returns true if a region lost INT8.
  bool drop_unsupplied() {
    bool changed = false;
    for (PlannedRegion& planned : choice_.regions) {
      if (!planned.int8) continue;
      std::string obstacle = supply_obstacle(planned);
      if (obstacle.empty()) continue;
      planned.int8 = planned.int8_output = false;
      planned.obstacle = std::move(obstacle);
      changed = true;
    }
    return changed;
  }

  std::string supply_obstacle(const PlannedRegion& planned) const {
    switch (planned.form) {
      case Int8Form::kElementwise:
      case Int8Form::kTable:
      case Int8Form::kInterpolation:
      case Int8Form::kAverage:
        return float_operand(planned, false);
      case Int8Form::kMovement:
        return float_operand(planned, true);
      case Int8Form::kConcat: {
        std::string obstacle = float_operand(planned, true);
        return obstacle.empty() ? concat_obstacle(planned.region) : obstacle;
      }
      default:
        return "";
    }
  }

  /// `may_convert`: a float operand whose readers are all INT8 is converted before the op, where it
  /// costs no more than behind it.
  std::string float_operand(const PlannedRegion& planned, bool may_convert) const {
    const std::size_t count = activation_count(graph_, planned.region.anchor, planned.form);
    for (std::size_t i = 0; i < count; ++i) {
      const ValueId value = graph_.node(planned.region.anchor).inputs[i];
      if (exists_in_int8(value) || (may_convert && all_readers_want(value))) continue;
      return fmt::format(
          "its input \"{}\" is float, and converting it would cost more than it saves",
          graph_.value(value).name);
    }
    return "";
  }

  bool exists_in_int8(ValueId value) const {
    const NodeId producer = graph_.value(value).producer;
    if (producer != kNoNode && region_of(producer).int8_output) return true;
    // A convolution that reads it has it converted anyway.
    const std::vector<NodeId>& users = uses_.users(value);
    return std::any_of(users.begin(), users.end(), [&](NodeId user) {
      const PlannedRegion& reader = region_of(user);
      return reader.int8 && !needs_int8_output(reader.form) && reader.form != Int8Form::kAverage &&
             reads_as_int8(user, value);
    });
  }

  const PlannedRegion& region_of(NodeId node) const {
    return choice_
        .regions[static_cast<std::size_t>(choice_.region_of[static_cast<std::size_t>(node)])];
  }

  /// Does `user` take `value` as an INT8 operand?
  bool reads_as_int8(NodeId user, ValueId value) const {
    const PlannedRegion& planned = region_of(user);
    if (!planned.int8) return false;
    if (user != planned.region.anchor) return planned.int8_output;
    const std::vector<ValueId>& inputs = graph_.node(user).inputs;
    const auto end =
        inputs.begin() + static_cast<std::ptrdiff_t>(activation_count(graph_, user, planned.form));
    return std::find(inputs.begin(), end, value) != end;
  }

  bool all_readers_want(ValueId value) const {
    const std::vector<NodeId>& users = uses_.users(value);
    return !graph_.is_graph_output(value) &&
           std::all_of(users.begin(), users.end(),
                       [&](NodeId user) { return reads_as_int8(user, value); });
  }

  std::string concat_obstacle(const Region& region) const {
    if (all_readers_want(region.output)) return "";  // they quantise the whole anyway
    double smallest = 0, largest = 0;
    for (ValueId input : graph_.node(region.anchor).inputs) {
      const auto range = ranges_.find(graph_.value(input).name);
      if (range == ranges_.end()) continue;  // set by hand
      const double threshold = range->second.threshold;
      smallest = smallest == 0 ? threshold : std::min(smallest, threshold);
      largest = std::max(largest, threshold);
    }
    if (largest <= kLargestConcatRatio * smallest) return "";
    return fmt::format(
        "its inputs' ranges differ too much for one scale: {:.4g} to {:.4g}, a factor of {:.0f}",
        smallest, largest, largest / smallest);
  }

  const Graph& graph_;
  const ir::UseMap uses_;
  const RangeMap& ranges_;
  const ir::Constraints& constraints_;
  RegionChoice choice_;
};

}  // namespace

const ir::PrecisionRule* matching_rule(const Graph& graph, NodeId node,
                                       const ir::Constraints& constraints) {
  const auto& rules = constraints.precisions;
  const auto rule = std::find_if(rules.rbegin(), rules.rend(), [&](const ir::PrecisionRule& r) {
    return name_matches(graph, node, r.pattern);
  });
  return rule == rules.rend() ? nullptr : &*rule;
}

bool matches_any_node(const Graph& graph, const std::string& pattern) {
  return std::any_of(graph.order().begin(), graph.order().end(),
                     [&](NodeId node) { return name_matches(graph, node, pattern); });
}

std::string constraint_obstacle(const Graph& graph, NodeId node,
                                const ir::Constraints& constraints) {
  const ir::PrecisionRule* rule = matching_rule(graph, node, constraints);
  if (rule != nullptr && rule->precision != ir::Precision::kInt8) {
    return fmt::format("\"{}\" is kept in {}", rule->pattern, ir::to_string(rule->precision));
  }
  const std::vector<std::string>& only = constraints.int8_only;
  const bool listed = only.empty() || std::any_of(only.begin(), only.end(), [&](const auto& p) {
                        return name_matches(graph, node, p);
                      });
  return listed ? "" : "it is not among the nodes that may be INT8";
}

RegionChoice choose_int8_regions(const Graph& graph, const RangeMap& ranges,
                                 const ir::Constraints& constraints) {
  return RegionChooser(graph, ranges, constraints).choose();
}

}  // namespace xinfer::passes
