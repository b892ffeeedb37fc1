#include "passes/precision_plan.h"

#include <algorithm>

#include "passes/activation_offsets.h"
#include "passes/choose_int8_regions.h"
#include "passes/choose_scales.h"
#include "passes/complete_ranges.h"
#include "passes/count_macs.h"
#include "passes/match.h"
#include "passes/non_negative.h"

namespace xinfer::passes {
namespace {

using ir::EpilogueOp;
using ir::Graph;
using ir::NodeId;
using ir::Precision;
using ir::ValueId;

class Planner {
 public:
  Planner(const Graph& graph, RangeMap ranges, const ir::Constraints& constraints,
          const PrecisionOptions& options)
      : graph_(graph), ranges_(std::move(ranges)), constraints_(constraints), options_(options) {}

  Result<PrecisionPlan> plan() {
    const ir::Bindings sizes = counted_sizes(graph_);
    for (NodeId id : graph_.order()) {
      NodePrecision& node = plan_.nodes[id];
      node.macs = count_macs(graph_, id, sizes);
      set_float(id, "INT8 was not asked for");
    }
    if (options_.int8) {
      const RegionChoice choice = choose_int8_regions(graph_, ranges_, constraints_);
      const std::vector<bool> non_negative = find_non_negative(graph_, ranges_);
      if (options_.offsets) {
        plan_.offsets =
            find_activation_offsets(graph_, choice, ranges_, constraints_, non_negative);
      }
      Grids grids =
          choose_scales(graph_, choice, ranges_, constraints_,
                        {non_negative, plan_.offsets, /*centers_tables=*/options_.offsets});
      plan_.values = std::move(grids.values);
      plan_.offsets.table_inputs = std::move(grids.table_inputs);
      for (const PlannedRegion& planned : choice.regions) describe(planned);
      XINFER_RETURN_IF_ERROR(check_required());
    }
    return std::move(plan_);
  }

 private:
  void set_int8(NodeId node, const std::string& reason) {
    plan_.nodes[node].precision = Precision::kInt8;
    plan_.nodes[node].reason = "INT8: " + reason;
  }

  void set_float(NodeId id, const std::string& reason) {
    const ir::PrecisionRule* rule = matching_rule(graph_, id, constraints_);
    const bool fp32_asked = rule != nullptr && rule->precision == Precision::kFp32;
    const bool fp16_asked = rule != nullptr && rule->precision == Precision::kFp16;
    NodePrecision& node = plan_.nodes[id];
    node.precision = Precision::kFp32;
    node.reason = reason;
    if (!fp16_asked && (!options_.fp16 || fp32_asked)) return;
    const std::string obstacle = obstacle_to_half(id);
    if (!obstacle.empty()) {
      node.reason = fmt::format("{}; FP16 was asked for, but {}", reason, obstacle);
      return;
    }
    node.precision = Precision::kFp16;
    const std::string who = fp16_asked ? fmt::format(" by the rule \"{}\"", rule->pattern) : "";
    node.reason = fmt::format("FP16 as asked for{}; not INT8: {}", who, reason);
  }

  /// Why a float node cannot run in FP16; empty if it can.
  std::string obstacle_to_half(NodeId id) const {
    if (!options_.fp16_exists) return "the CPU has no FP16 kernels";
    const ir::Node& node = graph_.node(id);
    for (const std::vector<ValueId>* values : {&node.inputs, &node.outputs}) {
      for (const ValueId value : *values) {
        if (value == ir::kNoValue) continue;
        const ir::Value& found = graph_.value(value);
        const auto range = ranges_.find(found.name);
        if (range != ranges_.end() && range->second.amax > kLargestHalf) {
          return fmt::format("\"{}\" reaches {:.5g}; FP16 ends at {}", found.name,
                             range->second.amax, kLargestHalf);
        }
      }
    }
    const ValueId output = node.outputs.empty() ? ir::kNoValue : node.outputs[0];
    if (output != ir::kNoValue && graph_.value(output).dtype != DType::kFloat32) {
      return fmt::format("it computes {}", to_string(graph_.value(output).dtype));
    }
    return "";
  }

  void describe(const PlannedRegion& planned) {
    const Region& region = planned.region;
    if (planned.int8) {
      set_int8(region.anchor, describe_int8(planned));
    } else {
      set_float(region.anchor, planned.obstacle);
    }
    const std::string& anchor = graph_.node(region.anchor).name;
    bool int8 = planned.int8;
    for (const RegionStep& step : region.steps) {
      // Behind the first step that needs an INT8 result the rest of a float region is float.
      const bool is_clip = step.op.kind == EpilogueOp::Kind::kClip;
      int8 = int8 && (planned.int8_output || is_clip);
      if (int8) {
        set_int8(step.node, fmt::format("fused into \"{}\"", anchor));
      } else if (planned.int8) {
        set_float(step.node, fmt::format("computed on the float32 result of \"{}\", which no INT8 "
                                         "node reads",
                                         anchor));
      } else {
        set_float(step.node,
                  fmt::format("follows \"{}\", which is not INT8: {}", anchor, planned.obstacle));
      }
    }
  }

  std::string grid_of(ValueId value) const {
    const ValueQuantization& found = plan_.values.at(value);
    return fmt::format("{} with T = {:.5g}", found.dtype == DType::kUInt8 ? "u8" : "s8",
                       found.threshold);
  }

  std::string describe_int8(const PlannedRegion& planned) const {
    const std::vector<ValueId>& inputs = graph_.node(planned.region.anchor).inputs;
    std::string text;
    switch (planned.form) {
      case Int8Form::kAccumulator:
        text = fmt::format("reads {}, weights s8 per output channel", grid_of(inputs[0]));
        break;
      case Int8Form::kProduct:
        text = fmt::format("reads {} and {}", grid_of(inputs[0]), grid_of(inputs[1]));
        break;
      case Int8Form::kElementwise:
        text = fmt::format("reads {} and {}, between INT8 nodes", grid_of(inputs[0]),
                           grid_of(inputs[1]));
        break;
      case Int8Form::kTable:
        text = fmt::format("a table of 256 bytes over {}", grid_of(inputs[0]));
        break;
      case Int8Form::kAverage:
      case Int8Form::kInterpolation:
        text = fmt::format("averages {}", grid_of(inputs[0]));
        break;
      default:
        text = fmt::format("moves bytes, {}", grid_of(planned.region.output));
        break;
    }
    return text + (planned.int8_output ? "" : "; writes float32");
  }

  /// A required precision that did not come about is an error, with what stood in its way.
  Status check_required() const {
    for (const auto& [id, node] : plan_.nodes) {
      const ir::PrecisionRule* rule = matching_rule(graph_, id, constraints_);
      if (rule == nullptr || !rule->required || rule->precision != Precision::kInt8) continue;
      if (node.precision == Precision::kInt8) continue;
      return invalid_argument("node \"{}\" ({}) must be INT8 by the rule \"{}\", but {}",
                              graph_.node(id).name, ir::op_name(graph_.node(id).op), rule->pattern,
                              node.reason);
    }
    return Status();
  }

  const Graph& graph_;
  const RangeMap ranges_;
  const ir::Constraints& constraints_;
  const PrecisionOptions& options_;
  PrecisionPlan plan_;
};

}  // namespace

double PrecisionPlan::int8_mac_share(const Graph& graph) const {
  std::int64_t all = 0, int8 = 0;
  for (const auto& [id, node] : nodes) {
    if (!op_as<ir::Conv>(graph, id) && !op_as<ir::MatMul>(graph, id)) continue;
    all += node.macs;
    if (node.precision == Precision::kInt8) int8 += node.macs;
  }
  return all == 0 ? 0.0 : static_cast<double>(int8) / static_cast<double>(all);
}

Result<PrecisionPlan> plan_precisions(const Graph& graph, const RangeMap& ranges,
                                      const ir::Constraints& constraints,
                                      const PrecisionOptions& options) {
  return Planner(graph, complete_ranges(graph, ranges), constraints, options).plan();
}

}  // namespace xinfer::passes
