// Which products absorb the scaling behind them, and what the plan then holds.
#include "lower/absorbed_scaling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

#include "lower/lower.h"

namespace xinfer::lower {
namespace {

/// softmax(a x b * factor) with INT8 operands.
struct Attention {
  ir::Graph graph;
  ir::NodeId product, scaling;

  explicit Attention(float factor) {
    const ir::SymbolicShape shape = {ir::Dim(4), ir::Dim(4)};
    const ir::ValueId a = graph.add_input("a", DType::kInt8, shape);
    const ir::ValueId b = graph.add_input("b", DType::kInt8, shape);
    graph.value(a).scale = 0.5f;
    graph.value(b).scale = 0.3f;
    product = graph.add_node("product", ir::MatMul{}, {a, b, ir::kNoValue}, {"scores"});
    const ir::ValueId c = graph.add_constant("factor", Tensor({}, std::span(&factor, 1)));
    scaling = graph.add_node("scaling", ir::Binary{kernels::Binary::kMul, {}}, {output(product), c},
                             {"scaled"});
    const ir::NodeId softmax =
        graph.add_node("softmax", ir::Softmax{.axis = 1}, {output(scaling)}, {"weights"});
    for (ir::NodeId node : {product, scaling, softmax}) {
      graph.value(output(node)).dtype = DType::kFloat32;
      graph.value(output(node)).shape = shape;
    }
    graph.add_output("y", output(softmax));
  }
  ir::ValueId output(ir::NodeId node) const { return graph.node(node).outputs[0]; }
  std::optional<float> factor() const { return absorbed_factor(graph, graph.node(product)); }
  ir::ValueId operand() const { return absorbed_operand(graph, graph.node(scaling)); }
};

TEST(AbsorbedScaling, ProductsAbsorbPowersOfTwo) {
  for (float factor : {0.125f, 1.0f, 4.0f}) {
    const Attention attention(factor);
    EXPECT_EQ(attention.factor(), factor);
    EXPECT_EQ(attention.operand(), attention.output(attention.product));
  }
}

TEST(AbsorbedScaling, OtherFactorsWouldRoundTwice) {
  for (float factor : {0.3f, 0.0f, -0.5f, 0x1p-60f}) {
    const Attention attention(factor);
    EXPECT_EQ(attention.factor(), std::nullopt) << factor;
    EXPECT_EQ(attention.operand(), ir::kNoValue) << factor;
  }
}

TEST(AbsorbedScaling, UnscaledResultsThatAreReadStay) {
  Attention output(0.125f);
  output.graph.add_output("scores", output.output(output.product));
  EXPECT_EQ(output.factor(), std::nullopt);
  Attention floating(0.125f);
  floating.graph.value(floating.graph.node(floating.product).inputs[0]).scale = 0;
  EXPECT_EQ(floating.factor(), std::nullopt);
}

TEST(AbsorbedScaling, PlansHoldOneStepAndTheScaledName) {
  for (float factor : {0.125f, 0.3f}) {
    const bool absorbed = factor == 0.125f;
    const Attention attention(factor);
    engine::BlobWriter blobs;
    const auto plan = lower_cpu(attention.graph, {}, blobs);
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    const auto& steps = (*plan)->steps;
    EXPECT_EQ(std::count_if(
                  steps.begin(), steps.end(),
                  [](const auto& step) { return step->params.type == engine::fb::Params::Binary; }),
              absorbed ? 0 : 1);
    const auto product = std::find_if(steps.begin(), steps.end(), [](const auto& step) {
      return step->params.type == engine::fb::Params::MatMul;
    });
    ASSERT_NE(product, steps.end());
    const auto tensor = static_cast<std::size_t>((*product)->outputs[0]);
    EXPECT_EQ((*plan)->tensors[tensor]->names,
              std::vector<std::string>{absorbed ? "scaled" : "scores"});
  }
}

}  // namespace
}  // namespace xinfer::lower
