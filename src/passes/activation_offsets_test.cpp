#include "passes/activation_offsets.h"

#include <gtest/gtest.h>

#include "ir/build.h"
#include "ir/verify.h"
#include "passes/match.h"
#include "passes/test_graphs.h"

namespace xinfer::passes {
namespace {

using ir::GraphBuilder;
using ir::ValueId;
using kernels::Unary;

constexpr std::int64_t kChannels = 4;
constexpr double kSiluMinimum = 0.27846;
/// The search looks at points 4 / 2032 apart, beside which the function is flat.
constexpr double kSearch = 1e-5;

/// Small networks of convolutions with kChannels channels and a bias each.
class Net {
 public:
  Net() { x_ = b_.input("x", {ir::Dim::symbol("batch"), kChannels, 6, 6}); }

  ValueId x() const { return x_; }
  GraphBuilder& builder() { return b_; }

  ValueId conv(ValueId x, const std::string& name, std::int64_t kernel = 1, std::int64_t pad = 0) {
    const std::int64_t inputs = b_.value(x).shape[1].constant();
    const ValueId w = b_.random_constant({kChannels, inputs, kernel, kernel}, 7, name + "_w");
    const ValueId bias = b_.random_constant({kChannels}, 8, name + "_b");
    return b_.conv(x, w, bias, {.pad = pad}, name);
  }

  ValueId silu(ValueId x, const std::string& name) { return b_.unary(Unary::kSilu, x, name); }

  /// A last layer, so that `x` is no output itself.
  ir::Graph finish(ValueId x) {
    b_.output(conv(x, "last"));
    return b_.finish();
  }

 private:
  GraphBuilder b_;
  ValueId x_;
};

PrecisionPlan plan_of(const ir::Graph& graph, const ir::Constraints& constraints = {}) {
  return plan_precisions(graph, ranges_for(graph), constraints, {.int8 = true}).value();
}

/// The offset of a value, one number a channel; empty without one.
std::vector<double> offset_of(const ir::Graph& graph, const PrecisionPlan& plan,
                              const std::string& value) {
  const auto found = plan.offsets.values.find(graph.find_value(value));
  return found == plan.offsets.values.end() ? std::vector<double>() : found->second.values;
}

DType dtype_of(const ir::Graph& graph, const PrecisionPlan& plan, const std::string& value) {
  return plan.values.at(graph.find_value(value)).dtype;
}

void expect_offset(const ir::Graph& graph, const PrecisionPlan& plan, const std::string& value,
                   const std::vector<double>& expected) {
  const std::vector<double> found = offset_of(graph, plan, value);
  ASSERT_EQ(found.size(), expected.size()) << value;
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], kSearch);
  EXPECT_EQ(dtype_of(graph, plan, value), DType::kUInt8) << value;
}

TEST(ActivationOffsets, LiftWhatOnlyUnpaddedLayersRead) {
  Net net;
  const ir::Graph graph = net.finish(net.silu(net.conv(net.x(), "first"), "act"));
  const PrecisionPlan plan = plan_of(graph);
  expect_offset(graph, plan, "act", {kSiluMinimum});
  const ValueQuantization& grid = plan.values.at(graph.find_value("act"));
  EXPECT_NEAR(grid.threshold, 4 + kSiluMinimum, kSearch);
  EXPECT_NEAR(grid.scale, (4 + kSiluMinimum) / 255, 1e-6);
  EXPECT_EQ(grid.reason, "u8: lifted by 0.2785, T = 4.2785");
}

TEST(ActivationOffsets, TheReadersBiasTakesThemBack) {
  Net net;
  const ir::Graph before = net.finish(net.silu(net.conv(net.x(), "first"), "act"));
  const PrecisionPlan plan = plan_of(before);
  ir::Graph graph = before;
  apply_offsets(graph, plan);
  ASSERT_TRUE(ir::verify(graph).ok()) << ir::verify(graph).message();
  EXPECT_EQ(graph.find_value("act"), ir::kNoValue);
  const ir::NodeId table = graph.value(graph.find_value("act_offset")).producer;
  const double offset = op_as<ir::Unary>(graph, table)->offset;
  EXPECT_NEAR(offset, kSiluMinimum, kSearch);

  const ir::Node& reader = graph.node(graph.value(graph.find_value("last")).producer);
  const auto weights = graph.value(reader.inputs[1]).constant->values<float>();
  const auto bias = graph.value(reader.inputs[2]).constant->values<float>();
  const auto old = before.value(before.find_value("last_b")).constant->values<float>();
  for (std::size_t n = 0; n < kChannels; ++n) {
    double expected = static_cast<double>(old[n]);
    for (std::size_t c = 0; c < kChannels; ++c) {
      expected -= offset * static_cast<double>(weights[n * kChannels + c]);
    }
    EXPECT_NEAR(bias[n], expected, 1e-6);
  }
}

TEST(ActivationOffsets, AMissingBiasIsMade) {
  GraphBuilder b;
  const ValueId x = b.input("x", {ir::Dim::symbol("batch"), 3, kChannels});
  const ValueId h = b.matmul(x, b.random_constant({kChannels, 5}, 1, "w1"), ir::kNoValue, "h");
  const ValueId act = b.unary(Unary::kGelu, h, "act");
  b.output(b.matmul(act, b.random_constant({5, 2}, 2, "w2"), ir::kNoValue, "y"));
  ir::Graph graph = b.finish();
  const PrecisionPlan plan = plan_of(graph);
  expect_offset(graph, plan, "act", {0.16997});
  apply_offsets(graph, plan);
  ASSERT_TRUE(ir::verify(graph).ok()) << ir::verify(graph).message();
  const ir::Node& reader = graph.node(graph.value(graph.find_value("y")).producer);
  ASSERT_EQ(reader.inputs.size(), 3U);
  EXPECT_EQ(graph.value(reader.inputs[2]).constant->shape(), (Shape{2}));
}

TEST(ActivationOffsets, ZeroPaddingForbidsThem) {
  Net net;
  const ValueId act = net.silu(net.conv(net.x(), "first"), "act");
  const ir::Graph graph = net.finish(net.conv(act, "padded", 3, 1));
  const PrecisionPlan plan = plan_of(graph);
  EXPECT_TRUE(offset_of(graph, plan, "act").empty());
  EXPECT_EQ(dtype_of(graph, plan, "act"), DType::kInt8);
}

TEST(ActivationOffsets, OneReaderThatCannotTakeThemForbidsThemForAll) {
  Net net;
  const ValueId act = net.silu(net.conv(net.x(), "first"), "act");
  net.builder().output(net.conv(act, "padded", 3, 1));
  const ir::Graph graph = net.finish(act);
  EXPECT_TRUE(plan_of(graph).offsets.values.empty());
}

TEST(ActivationOffsets, SumsAddThem) {
  Net net;
  const ValueId first = net.silu(net.conv(net.x(), "first"), "act");
  const ValueId second = net.silu(net.conv(first, "second"), "inner");
  const ir::Graph graph = net.finish(net.builder().add_values(first, second, "sum"));
  const PrecisionPlan plan = plan_of(graph);
  expect_offset(graph, plan, "act", {kSiluMinimum});
  expect_offset(graph, plan, "inner", {kSiluMinimum});
  expect_offset(graph, plan, "sum", {2 * kSiluMinimum});
}

TEST(ActivationOffsets, AResidualBeforeAFunctionForbidsThem) {
  Net net;
  const ValueId first = net.silu(net.conv(net.x(), "first"), "act");
  const ValueId sum = net.builder().add_values(first, net.conv(first, "second"), "sum");
  const ir::Graph graph = net.finish(net.silu(sum, "end"));
  const PrecisionPlan plan = plan_of(graph);
  EXPECT_TRUE(offset_of(graph, plan, "act").empty());
  expect_offset(graph, plan, "end", {kSiluMinimum});
}

TEST(ActivationOffsets, DifferByChannelBehindAConcat) {
  Net net;
  const ValueId lifted = net.silu(net.conv(net.x(), "first"), "act");
  const ValueId plain = net.builder().relu(net.conv(net.x(), "second"), "relu");
  const ValueId both = net.builder().concat({lifted, plain}, 1, "both");
  const ir::Graph before = net.finish(net.builder().max_pool(both, 2, {}, "pooled"));
  const PrecisionPlan plan = plan_of(before);
  const double c = kSiluMinimum;
  expect_offset(before, plan, "pooled", {c, c, c, c, 0, 0, 0, 0});
  ir::Graph graph = before;
  apply_offsets(graph, plan);
  const ir::Node& reader = graph.node(graph.value(graph.find_value("last")).producer);
  const auto weights = graph.value(reader.inputs[1]).constant->values<float>();
  const auto old = before.value(before.find_value("last_b")).constant->values<float>();
  double expected = static_cast<double>(old[0]);
  for (std::size_t i = 0; i < kChannels; ++i) expected -= c * static_cast<double>(weights[i]);
  EXPECT_NEAR(graph.value(reader.inputs[2]).constant->values<float>()[0], expected, 1e-4);
}

TEST(ActivationOffsets, ASignedPartOfAConcatForbidsThem) {
  Net net;
  const ValueId lifted = net.silu(net.conv(net.x(), "first"), "act");
  const ValueId both = net.builder().concat({lifted, net.conv(net.x(), "signed")}, 1, "both");
  const ir::Graph graph = net.finish(both);
  EXPECT_TRUE(plan_of(graph).offsets.values.empty());
}

TEST(ActivationOffsets, ARangeSetByHandStaysSigned) {
  Net net;
  const ir::Graph graph = net.finish(net.silu(net.conv(net.x(), "first"), "act"));
  ir::Constraints constraints;
  constraints.ranges["act"] = {-4, 4};
  const PrecisionPlan plan = plan_of(graph, constraints);
  EXPECT_TRUE(plan.offsets.values.empty());
  EXPECT_EQ(dtype_of(graph, plan, "act"), DType::kInt8);
}

TEST(ActivationOffsets, AFunctionAsFarBelowZeroAsAboveGainsNothing) {
  Net net;
  const ValueId h = net.conv(net.x(), "first");
  const ir::Graph graph = net.finish(net.builder().unary(Unary::kTanh, h, "act"));
  RangeMap ranges = ranges_for(graph);
  ranges["act"] = {1, -1, 1};
  const PrecisionPlan plan = plan_precisions(graph, ranges, {}, {.int8 = true}).value();
  EXPECT_TRUE(plan.offsets.values.empty());
}

/// "first" reaches 30 either way, but a SiLU that ends at 12 shows only [-5, 12] of it.
RangeMap ranges_with_a_wide_argument(const ir::Graph& graph) {
  RangeMap ranges = ranges_for(graph, 12);
  ranges["first"] = {30, -30, 30};
  return ranges;
}

TEST(ActivationOffsets, ATablesInputMovesToTheMiddleOfItsGrid) {
  Net net;
  const ir::Graph before = net.finish(net.silu(net.conv(net.x(), "first"), "act"));
  const PrecisionPlan plan =
      plan_precisions(before, ranges_with_a_wide_argument(before), {}, {.int8 = true}).value();
  ir::Graph graph = before;
  apply_offsets(graph, plan);
  ASSERT_TRUE(ir::verify(graph).ok()) << ir::verify(graph).message();
  const ir::NodeId table = graph.value(graph.find_value("act_offset")).producer;
  const double shift = -op_as<ir::Unary>(graph, table)->input_offset;
  EXPECT_NEAR(shift, -3.4, 0.3);
  const double half = plan.values.at(before.find_value("first")).threshold;
  EXPECT_NEAR(half - shift, 12, 0.3);   // the upper end
  EXPECT_NEAR(half + shift, 5.2, 0.5);  // the lower one

  const ValueId first = graph.find_value("first_offset");
  ASSERT_NE(first, ir::kNoValue);
  const ir::Node& layer = graph.node(graph.value(first).producer);
  const auto bias = graph.value(layer.inputs[2]).constant->values<float>();
  const auto old = before.value(before.find_value("first_b")).constant->values<float>();
  for (std::size_t n = 0; n < kChannels; ++n) EXPECT_NEAR(bias[n], old[n] + shift, 1e-6);
}

TEST(ActivationOffsets, AResidualBeforeATableLeavesItsInputInPlace) {
  Net net;
  const ValueId h = net.builder().relu(net.conv(net.x(), "start"), "h");
  const ValueId sum = net.builder().add_values(h, net.conv(h, "other"), "first");
  const ir::Graph graph = net.finish(net.silu(sum, "act"));
  const PrecisionPlan plan =
      plan_precisions(graph, ranges_with_a_wide_argument(graph), {}, {.int8 = true}).value();
  EXPECT_TRUE(plan.offsets.table_inputs.empty());
  EXPECT_NEAR(plan.values.at(graph.find_value("first")).threshold, 12, 0.3);
}

TEST(ActivationOffsets, CanBeSwitchedOff) {
  Net net;
  const ir::Graph graph = net.finish(net.silu(net.conv(net.x(), "first"), "act"));
  const PrecisionPlan plan = plan_precisions(graph, ranges_with_a_wide_argument(graph), {},
                                             {.int8 = true, .offsets = false})
                                 .value();
  EXPECT_TRUE(plan.offsets.values.empty());
  EXPECT_TRUE(plan.offsets.table_inputs.empty());
  EXPECT_EQ(dtype_of(graph, plan, "act"), DType::kInt8);
}

}  // namespace
}  // namespace xinfer::passes
