#include "passes/test_graphs.h"

#include "ir/text.h"

namespace xinfer::passes {
namespace {

std::string name_of(const ir::Graph& graph, ir::ValueId id) {
  return id == ir::kNoValue ? "_" : graph.value(id).name;
}

std::string typed(const ir::Graph& graph, ir::ValueId id) {
  const ir::Value& value = graph.value(id);
  if (!value.is_quantized()) return value.name;
  return value.name + (value.dtype == DType::kUInt8 ? ":u8" : ":s8");
}

std::string step_text(const ir::EpilogueOp& step) {
  switch (step.kind) {
    case ir::EpilogueOp::Kind::kResidual:
      return " residual";
    case ir::EpilogueOp::Kind::kClip:
      return " clip";
    case ir::EpilogueOp::Kind::kUnary:
      return step.table_input_scale > 0 ? " table" : " function";
  }
  return "";
}

std::string node_text(const ir::Graph& graph, const ir::Node& node) {
  std::string text = typed(graph, node.outputs[0]) + " = " + ir::op_name(node.op) + "(";
  std::size_t count = node.inputs.size();
  while (count > 0 && node.inputs[count - 1] == ir::kNoValue) --count;
  for (std::size_t i = 0; i < count; ++i) {
    text += (i == 0 ? "" : ", ") + name_of(graph, node.inputs[i]);
  }
  text += ")";
  if (const auto* epilogue = ir::epilogue_of(node.op)) {
    for (const ir::EpilogueOp& step : *epilogue) text += step_text(step);
  }
  return text;
}

void expect_ok(const Status& status, const ir::Graph& graph) {
  ASSERT_TRUE(status.ok()) << status.message() << "\n" << ir::print(graph, 0);
}

}  // namespace

std::vector<std::string> nodes_of(const ir::Graph& graph) {
  std::vector<std::string> lines;
  for (ir::NodeId id : graph.order()) lines.push_back(node_text(graph, graph.node(id)));
  return lines;
}

void run_twice(ir::Graph& graph, const std::function<Status(ir::Graph&)>& pass) {
  expect_ok(pass(graph), graph);
  expect_ok(ir::verify(graph), graph);
  const std::string once = ir::print(graph, 0);
  expect_ok(pass(graph), graph);
  EXPECT_EQ(ir::print(graph, 0), once) << "the pass is not idempotent";
}

RangeMap ranges_for(const ir::Graph& graph, double threshold) {
  RangeMap ranges;
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    const ir::Value& value = graph.value(static_cast<ir::ValueId>(i));
    if (value.dtype == DType::kFloat32) ranges[value.name] = {threshold, -threshold, threshold};
  }
  return ranges;
}

QuantizedGraph quantize_graph(const ir::Graph& graph, const RangeMap& ranges,
                              const ir::Constraints& constraints) {
  QuantizedGraph result;
  result.graph = graph;
  Result<PrecisionPlan> plan = plan_precisions(graph, ranges, constraints, {true, false});
  EXPECT_TRUE(plan.ok()) << plan.status().message();
  if (!plan.ok()) return result;
  result.plan = *std::move(plan);
  expect_ok(insert_qdq(result.graph, result.plan), result.graph);
  expect_ok(ir::verify(result.graph), result.graph);
  run_twice(result.graph, fuse);
  return result;
}

std::string reason_for(const ir::Graph& graph, const PrecisionPlan& plan,
                       const std::string& value) {
  return plan.nodes.at(graph.value(graph.find_value(value)).producer).reason;
}

}  // namespace xinfer::passes
