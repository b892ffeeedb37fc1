#include "passes/choose_scales.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "kernels/elementwise/unary.h"
#include "passes/match.h"
#include "passes/table_range.h"
#include "quant/quantize.h"

namespace xinfer::passes {
namespace {

using ir::EpilogueOp;
using ir::Graph;
using ir::NodeId;
using ir::ValueId;

/// A value with readers besides the Concat joins the Concat's grid if their thresholds are within
/// this factor: it then loses at most half a bit, and a conversion is saved.
constexpr double kJoinRatio = 0.7;
/// A table's input is moved where that makes its range smaller by more than this.
constexpr double kWorthCentering = 0.95;

/// Values that share one grid.
struct Group {
  std::vector<ValueId> members;  ///< the first one is the source whose range counts
  double threshold = 0;
  bool set_by_hand = false;
  bool non_negative = false;
};

class ScaleChooser {
 public:
  ScaleChooser(const Graph& graph, const RegionChoice& choice, const RangeMap& ranges,
               const ir::Constraints& constraints, const Signs& signs)
      : graph_(graph),
        uses_(graph),
        choice_(choice),
        ranges_(ranges),
        constraints_(constraints),
        signs_(signs),
        group_of_(graph.value_count(), -1) {}

  Grids choose() {
    for (ValueId value : int8_values()) add_group(value);
    for (const PlannedRegion& planned : choice_.regions) {
      if (!planned.int8_output) continue;
      if (planned.form == Int8Form::kMovement) join_movement(planned.region);
      if (planned.form == Int8Form::kConcat) join_concat(planned.region);
    }
    for (const PlannedRegion& planned : choice_.regions) {
      if (planned.int8_output) narrow_table_inputs(planned);
    }
    Grids grids;
    for (const Group& group : groups_) {
      for (ValueId value : group.members) grids.values[value] = quantization_of(group, value);
    }
    grids.table_inputs = std::move(table_inputs_);
    return grids;
  }

 private:
  /// What INT8 nodes read, and both ends of every table in an INT8 epilogue.
  std::set<ValueId> int8_values() const {
    std::set<ValueId> values;
    for (std::size_t i = 0; i < choice_.wanted.size(); ++i) {
      if (choice_.wanted[i]) values.insert(static_cast<ValueId>(i));
    }
    for (const PlannedRegion& planned : choice_.regions) {
      if (!planned.int8_output) continue;
      for (const RegionStep& step : planned.region.steps) {
        if (!is_table_step(step)) continue;
        values.insert(step.input);
        values.insert(graph_.node(step.node).outputs[0]);
      }
    }
    return values;
  }

  void add_group(ValueId value) {
    const std::string& name = graph_.value(value).name;
    Group group;
    group.members = {value};
    if (const auto hand = constraints_.ranges.find(name); hand != constraints_.ranges.end()) {
      group.threshold = std::max(std::abs(hand->second.low), std::abs(hand->second.high));
      group.set_by_hand = true;
    } else {
      group.threshold = ranges_.at(name).threshold;
      group.non_negative = signs_.non_negative[static_cast<std::size_t>(value)];
      const auto offset = signs_.offsets.values.find(value);
      if (offset != signs_.offsets.values.end()) {
        group.threshold += offset->second.largest();
        group.non_negative = true;
      }
    }
    group_of_[static_cast<std::size_t>(value)] = static_cast<int>(groups_.size());
    groups_.push_back(std::move(group));
  }

  int group_index(ValueId value) const { return group_of_[static_cast<std::size_t>(value)]; }
  Group& group(ValueId value) { return groups_[static_cast<std::size_t>(group_index(value))]; }

  /// Moves the members of `from` into `into`, which keeps its threshold.
  void merge(int into, int from) {
    if (into == from) return;
    Group& target = groups_[static_cast<std::size_t>(into)];
    Group& source = groups_[static_cast<std::size_t>(from)];
    for (ValueId member : source.members) {
      group_of_[static_cast<std::size_t>(member)] = into;
      target.members.push_back(member);
    }
    target.set_by_hand |= source.set_by_hand;
    target.non_negative &= source.non_negative;
    source.members.clear();
  }

  /// The output takes its input's grid; only two different ranges set by hand keep them apart. A
  /// value that is proved non-negative only behind the op (Clip at 0) does not change the grid.
  void join_movement(const Region& region) {
    const ValueId input = graph_.node(region.anchor).inputs[0];
    Group& source = group(input);
    Group& target = group(region.output);
    if (target.set_by_hand) {
      if (source.set_by_hand && source.threshold != target.threshold) return;
      source.threshold = target.threshold;
    }
    target.non_negative = source.non_negative;
    merge(group_index(input), group_index(region.output));
  }

  void join_concat(const Region& region) {
    const ValueId output = region.output;
    if (joined_already(region)) return;
    for (ValueId input : graph_.node(region.anchor).inputs) {
      const Group& source = group(input);
      const Group& target = group(output);
      if (group_index(input) == group_index(output)) continue;
      if (source.set_by_hand || target.set_by_hand) {
        if (source.threshold == target.threshold) merge(group_index(output), group_index(input));
        continue;
      }
      const bool alone = feeds_only(source, region.anchor);
      if (alone || is_nearly(source, target)) join_into(output, input, alone);
    }
  }

  /// Inputs that are one group (x beside max-poolings of x) hand their grid on to the Concat.
  bool joined_already(const Region& region) {
    const std::vector<ValueId>& inputs = graph_.node(region.anchor).inputs;
    const int first = group_index(inputs.front());
    const bool one_group = std::all_of(inputs.begin(), inputs.end(),
                                       [&](ValueId input) { return group_index(input) == first; });
    const bool by_hand = group(region.output).set_by_hand || group(inputs.front()).set_by_hand;
    if (inputs.size() < 2 || !one_group || by_hand) return false;
    merge(first, group_index(region.output));
    return true;
  }

  /// Do the members reach no reader but the Concat, directly or by movement inside the group?
  bool feeds_only(const Group& source, NodeId concat) const {
    return std::all_of(source.members.begin(), source.members.end(), [&](ValueId member) {
      const std::vector<NodeId>& users = uses_.users(member);
      return !graph_.is_graph_output(member) &&
             std::all_of(users.begin(), users.end(),
                         [&](NodeId user) { return user == concat || moves_within(source, user); });
    });
  }

  bool moves_within(const Group& group, NodeId user) const {
    const int region = choice_.region_of[static_cast<std::size_t>(user)];
    const PlannedRegion& planned = choice_.regions[static_cast<std::size_t>(region)];
    return planned.form == Int8Form::kMovement && planned.int8_output &&
           group_index(planned.region.output) == group_index(group.members.front());
  }

  /// What only a table reads needs no code for inputs that the table's output cannot tell apart.
  void narrow_table_inputs(const PlannedRegion& planned) {
    for (const RegionStep& step : planned.region.steps) {
      if (!is_table_step(step)) continue;
      Group& input = group(step.input);
      if (input.set_by_hand || input.members.size() > 1) continue;
      const TableRange range = useful_range(step, input.threshold);
      const bool first = &step == &planned.region.steps.front();
      if (first && !input.non_negative && can_center(planned) &&
          range.half() < kWorthCentering * range.threshold()) {
        input.threshold = range.half();
        table_inputs_[step.node] = -range.center();
      } else {
        input.threshold = range.threshold();
      }
    }
  }

  TableRange useful_range(const RegionStep& step, double threshold) {
    const auto table = signs_.offsets.tables.find(step.node);
    const double offset = table == signs_.offsets.tables.end() ? 0.0 : table->second;
    const auto function = [&](double x) {
      return kernels::unary_reference(step.op.function, x, step.op.alpha, step.op.beta) + offset;
    };
    const Group& output = group(graph_.node(step.node).outputs[0]);
    return useful_table_range(function, threshold, encoding_of(output));
  }

  /// Has the layer a bias that can move its result?
  bool can_center(const PlannedRegion& planned) const {
    if (!signs_.centers_tables || planned.form != Int8Form::kAccumulator) return false;
    const ValueId bias = input_of(graph_, planned.region.anchor, 2);
    return bias == ir::kNoValue || is_float_constant(graph_, bias);
  }

  static bool is_nearly(const Group& a, const Group& b) {
    const auto [low, high] = std::minmax(a.threshold, b.threshold);
    return a.non_negative == b.non_negative && low >= kJoinRatio * high;
  }

  void join_into(ValueId output, ValueId input, bool alone) {
    const double threshold = std::max(group(output).threshold, group(input).threshold);
    const bool non_negative = group(output).non_negative;
    merge(group_index(output), group_index(input));
    // What only the Concat reads follows the Concat's own range and sign.
    if (alone) group(output).non_negative = non_negative;
    if (!alone) group(output).threshold = threshold;
  }

  static quant::Encoding encoding_of(const Group& group) {
    const DType dtype = group.non_negative && !group.set_by_hand ? DType::kUInt8 : DType::kInt8;
    return {dtype, quant::scale_for(quant::s8_scale(group.threshold), dtype)};
  }

  ValueQuantization quantization_of(const Group& group, ValueId value) const {
    ValueQuantization result;
    const quant::Encoding encoding = encoding_of(group);
    result.dtype = encoding.dtype;
    result.scale = encoding.scale;
    result.threshold = group.threshold;
    result.reason = fmt::format("{}, T = {:.5g}", sign_reason(group, value), group.threshold);
    if (group.members.size() > 1 && group.members.front() != value) {
      result.reason +=
          fmt::format(", shares the scale of \"{}\"", graph_.value(group.members.front()).name);
    }
    return result;
  }

  std::string sign_reason(const Group& group, ValueId value) const {
    if (group.set_by_hand) return "s8: its range was set by hand";
    if (const auto offset = signs_.offsets.values.find(value);
        offset != signs_.offsets.values.end()) {
      return fmt::format("u8: lifted by {:.4g}", offset->second.largest());
    }
    return group.non_negative ? "u8: never negative" : "s8: may be negative";
  }

  const Graph& graph_;
  const ir::UseMap uses_;
  const RegionChoice& choice_;
  const RangeMap& ranges_;
  const ir::Constraints& constraints_;
  const Signs& signs_;
  std::vector<Group> groups_;
  std::vector<int> group_of_;
  std::map<NodeId, double> table_inputs_;
};

}  // namespace

Grids choose_scales(const Graph& graph, const RegionChoice& choice, const RangeMap& ranges,
                    const ir::Constraints& constraints, const Signs& signs) {
  return ScaleChooser(graph, choice, ranges, constraints, signs).choose();
}

}  // namespace xinfer::passes
