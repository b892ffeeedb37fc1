#include "passes/round_biases.h"

#include "ir/infer.h"
#include "passes/test_graphs.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::ValueId;

Tensor floats(Shape shape, const std::vector<float>& values) {
  return Tensor(std::move(shape), std::span<const float>(values));
}

/// A quantised x [2, 2, 1, 1] or [2, 2], of steps of 1/4.
ValueId add_quantised_input(Graph& graph, ir::SymbolicShape shape) {
  const ValueId x = graph.add_input("x", DType::kUInt8, std::move(shape));
  graph.value(x).scale = 0.25f;
  return x;
}

std::vector<float> bias_behind(const Graph& graph, ValueId output) {
  const ir::Node& node = graph.node(graph.value(output).producer);
  const auto values = graph.value(node.inputs[2]).constant->values<float>();
  return {values.begin(), values.end()};
}

TEST(RoundBiases, ConvolutionsGetWholeStepsOfTheirSums) {
  Graph graph;
  const ValueId x = add_quantised_input(graph, {2, 2, 1, 1});
  // Weight scales 1 and 2: the sums count steps of 1/4 and 1/2.
  const ValueId w = graph.add_constant("w", floats({2, 2, 1, 1}, {127, -3, 254, 2}));
  const ValueId b = graph.add_constant("b", floats({2}, {0.3f, 0.3f}));
  ir::Conv conv;
  conv.kernel = conv.strides = conv.dilations = {1, 1};
  conv.pads_begin = conv.pads_end = {0, 0};
  const ir::NodeId node = graph.add_node("conv", conv, {x, w, b}, {"y"});
  ASSERT_TRUE(ir::infer_node(graph, node).ok());
  graph.add_output("y", graph.node(node).outputs[0]);
  run_twice(graph, round_biases);
  EXPECT_EQ(bias_behind(graph, graph.find_value("y")), (std::vector<float>{0.25f, 0.5f}));
}

/// The bias of x [rank dimensions] times 127 * identity, steps of 1/4, which was 0.3.
std::vector<float> rounded_bias_of_product(const ir::SymbolicShape& shape, bool quantised) {
  Graph graph;
  const ValueId x =
      quantised ? add_quantised_input(graph, shape) : graph.add_input("x", DType::kFloat32, shape);
  const ValueId w = graph.add_constant("w", floats({2, 2}, {127, 0, 0, 127}));
  const ValueId b = graph.add_constant("b", floats({2}, {0.3f, 1e10f}));
  const ValueId small = graph.add_constant("small", floats({2}, {0.3f, 0.3f}));
  const ir::NodeId big = graph.add_node("big", ir::MatMul{}, {x, w, b}, {"beyond_int32"});
  const ir::NodeId node = graph.add_node("small", ir::MatMul{}, {x, w, small}, {"y"});
  for (const ir::NodeId id : {big, node}) EXPECT_TRUE(ir::infer_node(graph, id).ok());
  for (const char* name : {"beyond_int32", "y"}) graph.add_output(name, graph.find_value(name));
  run_twice(graph, round_biases);
  EXPECT_EQ(bias_behind(graph, graph.find_value("beyond_int32")),
            (std::vector<float>{0.3f, 1e10f}));
  return bias_behind(graph, graph.find_value("y"));
}

TEST(RoundBiases, ProductsOfMatricesOnly) {
  const std::vector<float> as_it_was = {0.3f, 0.3f};
  EXPECT_EQ(rounded_bias_of_product({2, 2}, true), (std::vector<float>{0.25f, 0.25f}));
  EXPECT_EQ(rounded_bias_of_product({1, 2, 2}, true), as_it_was);
  EXPECT_EQ(rounded_bias_of_product({2, 2}, false), as_it_was);
}

}  // namespace
}  // namespace xinfer::passes
