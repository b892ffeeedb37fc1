#include "passes/regions.h"

#include <algorithm>
#include <optional>

#include "kernels/epilogue.h"
#include "passes/match.h"

namespace xinfer::passes {
namespace {

using ir::EpilogueOp;
using ir::Graph;
using ir::kNoNode;
using ir::kNoValue;
using ir::NodeId;
using ir::ValueId;

/// Functions that an epilogue computes without a table on an INT8 accumulator.
bool needs_no_table(const ir::Unary& op) { return op.function == kernels::Unary::kLeakyRelu; }

class RegionFinder {
 public:
  explicit RegionFinder(const Graph& graph)
      : graph_(graph), uses_(graph), taken_(graph.node_count(), false) {}

  std::vector<Region> find() {
    for (const bool accumulators : {true, false}) {
      for (auto it = graph_.order().rbegin(); it != graph_.order().rend(); ++it) {
        const bool is_accumulator = op_as<ir::Conv>(graph_, *it) || op_as<ir::MatMul>(graph_, *it);
        const bool wanted =
            accumulators ? is_accumulator : op_as<ir::Binary>(graph_, *it) != nullptr;
        if (wanted && !taken_[static_cast<std::size_t>(*it)]) regions_.push_back(extend(*it));
      }
    }
    return std::move(regions_);
  }

 private:
  Region extend(NodeId anchor) {
    Region region{anchor, {}, graph_.node(anchor).outputs[0]};
    taken_[static_cast<std::size_t>(anchor)] = true;
    int8_ = is_int8_anchor(graph_, anchor);
    const std::size_t present = ir::epilogue_of(graph_.node(anchor).op)->size();
    // Elementwise kernels end in one clip at most.
    const bool is_binary = op_as<ir::Binary>(graph_, anchor) != nullptr;
    const std::size_t limit = is_binary ? 1 : kernels::kMaxEpilogueSteps;
    while (present + region.steps.size() < limit) {
      std::optional<RegionStep> step = next_step(region);
      if (!step || (is_binary && step->op.kind != EpilogueOp::Kind::kClip)) break;
      taken_[static_cast<std::size_t>(step->node)] = true;
      region.output = graph_.node(step->node).outputs[0];
      region.steps.push_back(std::move(*step));
    }
    return region;
  }

  std::optional<RegionStep> next_step(const Region& region) const {
    const ir::Value& value = graph_.value(region.output);
    if (value.is_quantized() || value.dtype != DType::kFloat32) return std::nullopt;
    const NodeId user = sole_user(graph_, uses_, region.output);
    if (user == kNoNode || taken_[static_cast<std::size_t>(user)]) return std::nullopt;
    if (op_as<ir::Quantize>(graph_, user)) return step_behind_quantize(region, user);
    RegionStep step;
    step.node = user;
    step.input = region.output;
    step.op.value_name = graph_.value(graph_.node(user).outputs[0]).name;
    if (const auto* clip = op_as<ir::Clip>(graph_, user)) {
      step.op.kind = EpilogueOp::Kind::kClip;
      step.op.low = clip->low;
      step.op.high = clip->high;
      return step;
    }
    if (const auto* unary = op_as<ir::Unary>(graph_, user)) {
      if (int8_ && !needs_no_table(*unary)) return std::nullopt;
      set_function(step.op, *unary);
      return step;
    }
    return residual_step(region, std::move(step), region.output);
  }

  /// `step.node` as an Add of `operand` (the region's value, or its dequantised form).
  std::optional<RegionStep> residual_step(const Region& region, RegionStep step,
                                          ValueId operand) const {
    const auto* add = op_as<ir::Binary>(graph_, step.node);
    if (add == nullptr || add->function != kernels::Binary::kAdd || !add->epilogue.empty() ||
        op_as<ir::Binary>(graph_, region.anchor)) {
      return std::nullopt;
    }
    const ValueId other = other_operand(graph_, step.node, operand);
    const ir::Value& residual = graph_.value(other);
    const ir::SymbolicShape& shape = graph_.value(operand).shape;
    if (other == operand || residual.is_constant() || residual.shape != shape ||
        graph_.value(graph_.node(step.node).outputs[0]).shape != shape) {
      return std::nullopt;
    }
    step.op.kind = EpilogueOp::Kind::kResidual;
    step.residual = other;
    const NodeId dequantize = producer_as<ir::Dequantize>(graph_, other);
    if (int8_ && dequantize != kNoNode) step.residual = graph_.node(dequantize).inputs[0];
    return step;
  }

  /// Quantize -> Dequantize -> function -> Quantize is a table; and what a table wrote may go on
  /// into a residual Add, which reads the table's bytes.
  std::optional<RegionStep> step_behind_quantize(const Region& region, NodeId quantize) const {
    if (!int8_) return std::nullopt;
    const ValueId grid = graph_.node(quantize).outputs[0];
    const NodeId dequantize = sole_user(graph_, uses_, grid);
    if (op_as<ir::Dequantize>(graph_, dequantize) == nullptr) return std::nullopt;
    const ValueId real = graph_.node(dequantize).outputs[0];
    const NodeId user = sole_user(graph_, uses_, real);
    if (user == kNoNode || taken_[static_cast<std::size_t>(user)]) return std::nullopt;
    RegionStep step;
    step.node = user;
    step.input = region.output;
    step.quantize_nodes = {quantize, dequantize};
    const ValueId result = graph_.node(user).outputs[0];
    step.op.value_name = graph_.value(result).name;
    if (const auto* unary = op_as<ir::Unary>(graph_, user)) {
      const NodeId next = sole_user(graph_, uses_, result);
      if (needs_no_table(*unary) || op_as<ir::Quantize>(graph_, next) == nullptr) {
        return std::nullopt;
      }
      set_function(step.op, *unary);
      set_grids(step.op, graph_.value(grid), graph_.value(graph_.node(next).outputs[0]));
      return step;
    }
    const bool behind_table = !region.steps.empty() && region.steps.back().op.table_input_scale > 0;
    return behind_table ? residual_step(region, std::move(step), real) : std::nullopt;
  }

  static void set_function(EpilogueOp& step, const ir::Unary& unary) {
    step.kind = EpilogueOp::Kind::kUnary;
    step.function = unary.function;
    step.alpha = unary.alpha;
    step.beta = unary.beta;
    step.input_offset = unary.input_offset;
    step.offset = unary.offset;
  }

  static void set_grids(EpilogueOp& step, const ir::Value& input, const ir::Value& output) {
    step.table_input_scale = input.scale;
    step.table_input_dtype = input.dtype;
    step.table_output_scale = output.scale;
    step.table_output_dtype = output.dtype;
  }

  const Graph& graph_;
  const ir::UseMap uses_;
  std::vector<bool> taken_;
  bool int8_ = false;
  std::vector<Region> regions_;
};

bool is_int8_operand(const Graph& graph, ValueId id) {
  return graph.value(id).is_quantized() || producer_as<ir::Dequantize>(graph, id) != kNoNode;
}

}  // namespace

bool is_int8_anchor(const Graph& graph, NodeId node) {
  const std::vector<ValueId>& inputs = graph.node(node).inputs;
  const auto* binary = op_as<ir::Binary>(graph, node);
  if (binary == nullptr) return graph.value(inputs[0]).is_quantized();
  const bool has_kernel =
      binary->function == kernels::Binary::kAdd || binary->function == kernels::Binary::kMul;
  return has_kernel && std::all_of(inputs.begin(), inputs.end(),
                                   [&](ValueId id) { return is_int8_operand(graph, id); });
}

std::vector<Region> find_regions(const Graph& graph) { return RegionFinder(graph).find(); }

}  // namespace xinfer::passes
