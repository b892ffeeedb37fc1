// Quantize / Dequantize pairs where the plan says INT8. Conv and MatMul that run in INT8 read the
// quantised value itself, which is what marks them (their weights stay float32 constants until
// lowering quantises them per channel); every other reader gets the dequantised value, which means
// the same and needs no mark.
#include <algorithm>

#include "ir/infer.h"
#include "passes/activation_offsets.h"
#include "passes/int8_support.h"
#include "passes/match.h"
#include "passes/pipeline.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::kNoNode;
using ir::NodeId;
using ir::ValueId;

bool is_int8(const PrecisionPlan& plan, NodeId node) {
  const auto it = plan.nodes.find(node);
  return it != plan.nodes.end() && it->second.precision == ir::Precision::kInt8;
}

class QdqInserter {
 public:
  QdqInserter(Graph& graph, const PrecisionPlan& plan) : graph_(graph), plan_(plan), uses_(graph) {}

  Status run() {
    apply_offsets(graph_, plan_);
    for (const auto& [value, quantization] : plan_.values) {
      XINFER_RETURN_IF_ERROR(insert(value, quantization));
    }
    graph_.remove_dead_nodes();
    return Status();
  }

 private:
  Status insert(ValueId value, const ValueQuantization& quantization) {
    const std::string base = graph_.value(value).name;
    const NodeId quantize = insert_behind(value, ir::Quantize{}, base + "_quantized");
    const ValueId quantized = graph_.node(quantize).outputs[0];
    graph_.value(quantized).dtype = quantization.dtype;
    graph_.value(quantized).scale = quantization.scale;
    XINFER_RETURN_IF_ERROR(ir::infer_node(graph_, quantize));
    const NodeId dequantize = graph_.insert_node_after(quantize, "", ir::Dequantize{}, {quantized},
                                                       {base + "_dequantized"});
    XINFER_RETURN_IF_ERROR(ir::infer_node(graph_, dequantize));
    redirect_readers(value, quantized, graph_.node(dequantize).outputs[0]);
    return Status();
  }

  NodeId insert_behind(ValueId value, ir::Op op, const std::string& output) {
    const NodeId producer = graph_.value(value).producer;
    return producer == kNoNode
               ? graph_.insert_node_before(graph_.order().front(), "", std::move(op), {value},
                                           {output})
               : graph_.insert_node_after(producer, "", std::move(op), {value}, {output});
  }

  /// What a float producer wrote stays in float for float readers; what an INT8 producer wrote
  /// exists in INT8 only, unless it is a graph output.
  void redirect_readers(ValueId value, ValueId quantized, ValueId dequantized) {
    const bool int8_only =
        is_int8(plan_, graph_.value(value).producer) && !graph_.is_graph_output(value);
    for (NodeId user : uses_.users(value)) {
      const bool int8 = is_int8(plan_, user);
      if (!int8 && !int8_only) continue;
      std::vector<ValueId>& inputs = graph_.node(user).inputs;
      const Int8Form form = int8_form(graph_, user);
      const bool direct = form == Int8Form::kAccumulator || form == Int8Form::kProduct;
      std::replace(inputs.begin(), inputs.end(), value, int8 && direct ? quantized : dequantized);
    }
  }

  Graph& graph_;
  const PrecisionPlan& plan_;
  const ir::UseMap uses_;
};

}  // namespace

Status insert_qdq(Graph& graph, const PrecisionPlan& plan) {
  return QdqInserter(graph, plan).run();
}

}  // namespace xinfer::passes
