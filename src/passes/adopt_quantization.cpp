#include "passes/adopt_quantization.h"

#include <set>

#include "ir/infer.h"
#include "passes/choose_int8_regions.h"
#include "passes/int8_support.h"
#include "passes/match.h"
#include "passes/pipeline.h"
#include "quant/weights.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::kNoNode;
using ir::NodeId;
using ir::Precision;
using ir::ValueId;

bool is_conversion(const Graph& graph, NodeId node) {
  return op_as<ir::Quantize>(graph, node) || op_as<ir::Dequantize>(graph, node);
}

bool is_accumulator(const Graph& graph, NodeId node) {
  return op_as<ir::Conv>(graph, node) || op_as<ir::MatMul>(graph, node);
}

class Adopter {
 public:
  Adopter(Graph& graph, const ir::Constraints& constraints, const PrecisionOptions& options)
      : graph_(graph), constraints_(constraints), options_(options) {}

  Result<PrecisionPlan> run() {
    XINFER_RETURN_IF_ERROR(advance_quantize_nodes());
    const std::vector<NodeId> nodes = graph_.order();
    for (NodeId id : nodes) {
      if (op_as<ir::Unary>(graph_, id)) absorb_shifts(id);
    }
    for (NodeId id : nodes) {
      if (!graph_.node(id).removed && is_accumulator(graph_, id)) adopt(id);
    }
    graph_.remove_dead_nodes();
    return describe();
  }

 private:
  // --- Quantize before movement ---

  /// Rounding is monotone and movement keeps values as they are: Quantize(MaxPool(x)) and
  /// MaxPool(Quantize(x)) give the same bytes.
  Status advance_quantize_nodes() {
    const std::vector<NodeId> nodes(graph_.order().rbegin(), graph_.order().rend());
    for (NodeId id : nodes) {
      const bool moves = int8_form(graph_, id) == Int8Form::kMovement &&
                         !op_as<ir::Clip>(graph_, id) && !op_as<ir::Pad>(graph_, id);
      if (!moves || !constraint_obstacle(graph_, id, constraints_).empty()) continue;
      const ValueId input = graph_.node(id).inputs[0];
      const NodeId quantize = sole_user(graph_, graph_.node(id).outputs[0]);
      const bool computed = graph_.value(input).producer != kNoNode &&
                            !is_conversion(graph_, graph_.value(input).producer);
      if (!op_as<ir::Quantize>(graph_, quantize) || !computed || sole_user(graph_, input) != id) {
        continue;
      }
      XINFER_RETURN_IF_ERROR(quantize_operand(id, graph_.node(quantize).outputs[0]));
    }
    return Status();
  }

  /// Puts a Quantize and Dequantize of the grid of `like` between a node and its operand.
  Status quantize_operand(NodeId node, ValueId like) {
    const ValueId input = graph_.node(node).inputs[0];
    const std::string base = graph_.value(input).name;
    const NodeId quantize =
        graph_.insert_node_before(node, "", ir::Quantize{}, {input}, {base + "_quantized"});
    const ValueId quantized = graph_.node(quantize).outputs[0];
    graph_.value(quantized).dtype = graph_.value(like).dtype;
    graph_.value(quantized).scale = graph_.value(like).scale;
    XINFER_RETURN_IF_ERROR(ir::infer_node(graph_, quantize));
    const NodeId dequantize = graph_.insert_node_after(quantize, "", ir::Dequantize{}, {quantized},
                                                       {base + "_dequantized"});
    XINFER_RETURN_IF_ERROR(ir::infer_node(graph_, dequantize));
    graph_.node(node).inputs[0] = graph_.node(dequantize).outputs[0];
    return Status();
  }

  // --- functions ---

  /// A number added to a function's argument or result, between quantised values, is part of the
  /// function's table: how lifted activations are written.
  void absorb_shifts(NodeId id) {
    const ValueId argument = graph_.node(id).inputs[0];
    const NodeId before = shift_node(graph_.value(argument).producer);
    const bool takes_before = before != kNoNode && sole_user(graph_, argument) == id;
    const ValueId source = takes_before ? scalar_operand(graph_, before)->operand : argument;
    const ValueId result = graph_.node(id).outputs[0];
    const NodeId behind = shift_node(sole_user(graph_, result));
    const ValueId end = behind == kNoNode ? result : graph_.node(behind).outputs[0];
    if (quantized_behind(source) == ir::kNoValue ||
        !op_as<ir::Quantize>(graph_, sole_user(graph_, end))) {
      return;
    }
    auto& unary = *op_as<ir::Unary>(graph_, id);
    if (takes_before) {
      unary.input_offset += scalar_operand(graph_, before)->number;
      graph_.node(id).inputs[0] = source;
      add_origins(graph_, id, before);
    }
    if (behind == kNoNode) return;
    unary.offset += scalar_operand(graph_, behind)->number;
    replace_tail(graph_, id, behind);
  }

  /// `node` if it adds a number to what it reads, else kNoNode.
  NodeId shift_node(NodeId node) const {
    const auto* add = op_as<ir::Binary>(graph_, node);
    const bool adds = add != nullptr && add->function == kernels::Binary::kAdd &&
                      add->epilogue.empty() && scalar_operand(graph_, node).has_value();
    return adds ? node : kNoNode;
  }

  // --- layers ---

  void adopt(NodeId id) {
    obstacles_[id] = obstacle_of(id);
    if (!obstacles_[id].empty()) return;
    const std::size_t count = activation_count(graph_, id, int8_form(graph_, id));
    for (std::size_t i = 0; i < count; ++i) {
      ValueId& input = graph_.node(id).inputs[i];
      if (!graph_.value(input).is_quantized()) input = quantized_behind(input);
    }
  }

  /// What a Dequantize that produces `value` reads, or the value if it is quantised itself.
  ValueId quantized_behind(ValueId value) const {
    if (graph_.value(value).is_quantized()) return value;
    const NodeId dequantize = producer_as<ir::Dequantize>(graph_, value);
    return dequantize == kNoNode ? ir::kNoValue : graph_.node(dequantize).inputs[0];
  }

  std::string obstacle_of(NodeId id) const {
    const Int8Form form = int8_form(graph_, id);
    if (form == Int8Form::kNone) return "its operands are not quantised in the model";
    std::string obstacle = constraint_obstacle(graph_, id, constraints_);
    const std::size_t count = activation_count(graph_, id, form);
    for (std::size_t i = 0; obstacle.empty() && i < count; ++i) {
      const ValueId input = graph_.node(id).inputs[i];
      if (quantized_behind(input) != ir::kNoValue) continue;
      obstacle = fmt::format("the model does not quantise \"{}\"", graph_.value(input).name);
    }
    if (obstacle.empty()) obstacle = weight_obstacle(graph_, id, form);
    if (obstacle.empty() && form == Int8Form::kAccumulator && !has_gridded_weights(graph_, id)) {
      const ValueId weights = graph_.node(id).inputs[1];
      obstacle =
          fmt::format("the model does not quantise its weights \"{}\"", graph_.value(weights).name);
    }
    return obstacle;
  }

  // --- what came of it ---

  Result<PrecisionPlan> describe() {
    PrecisionOptions options = options_;
    options.int8 = false;
    XINFER_ASSIGN_OR_RETURN(PrecisionPlan plan, plan_precisions(graph_, {}, constraints_, options));
    XINFER_ASSIGN_OR_RETURN(const std::set<std::string> int8, names_in_int8());
    for (NodeId id : graph_.order()) {
      if (is_conversion(graph_, id)) {
        plan.nodes.erase(id);
        note_grid(plan, id);
        continue;
      }
      NodePrecision& node = plan.nodes[id];
      if (int8.contains(graph_.node(id).name)) {
        node.precision = Precision::kInt8;
        node.reason = "INT8: quantised in the model";
      } else if (node.precision == Precision::kFp32) {
        const auto obstacle = obstacles_.find(id);
        node.reason = obstacle != obstacles_.end() && !obstacle->second.empty()
                          ? obstacle->second
                          : "the model leaves it in float";
      }
      XINFER_RETURN_IF_ERROR(check_required(id, node));
    }
    return plan;
  }

  /// The value that a Quantize reads has its grid, for reports.
  void note_grid(PrecisionPlan& plan, NodeId id) const {
    if (!op_as<ir::Quantize>(graph_, id)) return;
    const ir::Value& quantized = graph_.value(graph_.node(id).outputs[0]);
    const double steps = quantized.dtype == DType::kUInt8 ? 255 : 127;
    ValueQuantization& found = plan.values[graph_.node(id).inputs[0]];
    found.dtype = quantized.dtype;
    found.scale = quantized.scale;
    found.threshold = steps * static_cast<double>(quantized.scale);
    found.reason = fmt::format("{}: as the model says", found.dtype == DType::kUInt8 ? "u8" : "s8");
  }

  /// Names of nodes that compute on quantised values once fusion has absorbed the conversions.
  Result<std::set<std::string>> names_in_int8() const {
    Graph fused = graph_;
    XINFER_RETURN_IF_ERROR(fuse(fused));
    std::set<std::string> names;
    for (NodeId id : fused.order()) {
      const ir::Node& node = fused.node(id);
      const ValueId input = input_of(fused, id, 0);
      if (is_conversion(fused, id) || input == ir::kNoValue || !fused.value(input).is_quantized()) {
        continue;
      }
      names.insert(node.name);
      names.insert(node.origins.begin(), node.origins.end());
    }
    return names;
  }

  Status check_required(NodeId id, const NodePrecision& node) const {
    const ir::PrecisionRule* rule = matching_rule(graph_, id, constraints_);
    if (rule == nullptr || !rule->required) return Status();
    const bool is_int8 = node.precision == Precision::kInt8;
    if (is_int8 == (rule->precision == Precision::kInt8)) return Status();
    return invalid_argument("node \"{}\" ({}) must be {} by the rule \"{}\", but {}",
                            graph_.node(id).name, ir::op_name(graph_.node(id).op),
                            ir::to_string(rule->precision), rule->pattern,
                            is_int8 ? "the model quantises what it reads" : node.reason);
  }

  Graph& graph_;
  const ir::Constraints& constraints_;
  const PrecisionOptions& options_;
  std::map<NodeId, std::string> obstacles_;
};

}  // namespace

bool holds_quantization(const Graph& graph) {
  for (NodeId id : graph.order()) {
    if (op_as<ir::Quantize>(graph, id)) return true;
  }
  return false;
}

Result<PrecisionPlan> adopt_quantization(Graph& graph, const ir::Constraints& constraints,
                                         const PrecisionOptions& options) {
  return Adopter(graph, constraints, options).run();
}

}  // namespace xinfer::passes
