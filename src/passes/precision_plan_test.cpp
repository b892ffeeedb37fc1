// Who is INT8, on which grid, and what the plan says about it.
#include "passes/precision_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "passes/test_graphs.h"
#include "quant/quantize.h"

namespace xinfer::passes {
namespace {

using ir::GraphBuilder;
using ir::Precision;
using ir::ValueId;
using kernels::Unary;
using ::testing::HasSubstr;

const ir::Dim kBatch = ir::Dim::symbol("batch");
constexpr PrecisionOptions kInt8{true, false};

ValueId conv(GraphBuilder& b, ValueId x, std::int64_t channels, const std::string& name) {
  return b.conv(x, b.random_constant({channels, channels, 1, 1}, 1, name + "_w"), ir::kNoValue, {},
                name);
}

PrecisionPlan plan_of(const ir::Graph& graph, const RangeMap& ranges,
                      const ir::Constraints& constraints = {}) {
  Result<PrecisionPlan> plan = plan_precisions(graph, ranges, constraints, kInt8);
  EXPECT_TRUE(plan.ok()) << plan.status().message();
  return plan.ok() ? *std::move(plan) : PrecisionPlan();
}

Precision precision_of(const ir::Graph& graph, const PrecisionPlan& plan, const std::string& name) {
  return plan.nodes.at(graph.value(graph.find_value(name)).producer).precision;
}

const ValueQuantization& grid_of(const ir::Graph& graph, const PrecisionPlan& plan,
                                 const std::string& name) {
  return plan.values.at(graph.find_value(name));
}

bool is_quantized(const ir::Graph& graph, const PrecisionPlan& plan, const std::string& name) {
  return plan.values.contains(graph.find_value(name));
}

/// x -> conv1 -> relu -> conv2 = y
ir::Graph two_convolutions() {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  b.output(conv(b, b.relu(conv(b, x, 8, "conv1"), "relu"), 8, "y"));
  return b.finish();
}

TEST(PrecisionPlan, ScalesAreThoseOfTheCacheRoundedOnce) {
  const ir::Graph graph = two_convolutions();
  RangeMap ranges = ranges_for(graph);
  ranges["x"] = {3.3, -1.0, 3.3};
  ranges["relu"] = {5.7, 0.0, 5.1};
  const PrecisionPlan plan = plan_of(graph, ranges);
  EXPECT_EQ(grid_of(graph, plan, "x").dtype, DType::kInt8);
  EXPECT_EQ(grid_of(graph, plan, "x").scale, static_cast<float>(3.3 / 127));
  EXPECT_EQ(grid_of(graph, plan, "relu").dtype, DType::kUInt8);
  EXPECT_EQ(grid_of(graph, plan, "relu").scale, quant::u8_scale(static_cast<float>(5.1 / 127)));
  EXPECT_EQ(grid_of(graph, plan, "relu").threshold, 5.1);
  EXPECT_FALSE(is_quantized(graph, plan, "conv1")) << "inside a region";
  EXPECT_FALSE(is_quantized(graph, plan, "y")) << "graph outputs are never quantised";
}

TEST(PrecisionPlan, AnInputSeenNonNegativeIsU8) {
  const ir::Graph graph = two_convolutions();
  RangeMap ranges = ranges_for(graph);
  ranges["x"].min = 0;
  EXPECT_EQ(grid_of(graph, plan_of(graph, ranges), "x").dtype, DType::kUInt8);
}

TEST(PrecisionPlan, AnInputSeenNonNegativeStaysU8BehindMovementAndConcat) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const auto every_other = [&](std::int64_t start, const char* name) {
    return b.add(ir::Slice{{0, 0, 0, start}, {kBatch, 8, 4, 2}, {1, 1, 1, 2}}, {x}, name);
  };
  const ValueId joined = b.concat({every_other(0, "even"), every_other(1, "odd")}, 1, "joined");
  b.output(conv(b, joined, 16, "y"));
  const ir::Graph graph = b.finish();
  RangeMap ranges = ranges_for(graph);
  ranges["x"].min = 0;
  EXPECT_EQ(grid_of(graph, plan_of(graph, ranges), "joined").dtype, DType::kUInt8);
}

TEST(PrecisionPlan, ARangeSetByHandIsS8) {
  const ir::Graph graph = two_convolutions();
  ir::Constraints constraints;
  constraints.ranges["relu"] = {-2.0, 1.0};
  const PrecisionPlan plan = plan_of(graph, ranges_for(graph), constraints);
  EXPECT_EQ(grid_of(graph, plan, "relu").dtype, DType::kInt8);
  EXPECT_EQ(grid_of(graph, plan, "relu").scale, static_cast<float>(2.0 / 127));
}

TEST(PrecisionPlan, CountsMultiplyAccumulatesAtBatchOne) {
  const ir::Graph graph = two_convolutions();
  ir::Constraints constraints;
  constraints.precisions = {{"y", Precision::kFp32, true}};
  const PrecisionPlan plan = plan_of(graph, ranges_for(graph), constraints);
  EXPECT_EQ(plan.nodes.at(graph.order()[0]).macs, 8 * 8 * 4 * 4);
  EXPECT_DOUBLE_EQ(plan.int8_mac_share(graph), 0.5);
}

TEST(PrecisionPlan, WithoutInt8EverythingIsFloat) {
  const ir::Graph graph = two_convolutions();
  const Result<PrecisionPlan> plan = plan_precisions(graph, ranges_for(graph), {}, {false, false});
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(plan->values.empty());
  EXPECT_EQ(plan->int8_mac_share(graph), 0.0);
  EXPECT_THAT(reason_for(graph, *plan, "y"), HasSubstr("not asked for"));
}

TEST(PrecisionPlan, Fp16IsCarriedForWhatIsNotInt8) {
  const ir::Graph graph = two_convolutions();
  ir::Constraints constraints;
  constraints.precisions = {{"y", Precision::kFp32, true}};
  const Result<PrecisionPlan> plan = plan_precisions(graph, {}, constraints, {true, true});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(precision_of(graph, *plan, "conv1"), Precision::kFp16);
  EXPECT_EQ(precision_of(graph, *plan, "y"), Precision::kFp32);
}

TEST(PrecisionPlan, ValuesBeyondFp16StayInFp32) {
  const ir::Graph graph = two_convolutions();
  RangeMap ranges = ranges_for(graph);
  ranges["conv1"].amax = 1e5;
  const Result<PrecisionPlan> plan = plan_precisions(graph, ranges, {}, {false, true});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(precision_of(graph, *plan, "conv1"), Precision::kFp32);
  EXPECT_THAT(reason_for(graph, *plan, "conv1"),
              HasSubstr("\"conv1\" reaches 1e+05; FP16 ends at 65504"));
  EXPECT_EQ(precision_of(graph, *plan, "y"), Precision::kFp16);
  EXPECT_THAT(reason_for(graph, *plan, "y"), HasSubstr("FP16 as asked for; not INT8: "));
}

TEST(PrecisionPlan, WithoutFp16KernelsTheReasonSaysSo) {
  const ir::Graph graph = two_convolutions();
  const Result<PrecisionPlan> plan = plan_precisions(
      graph, {}, {}, PrecisionOptions{.int8 = false, .fp16 = true, .fp16_exists = false});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(precision_of(graph, *plan, "y"), Precision::kFp32);
  EXPECT_THAT(reason_for(graph, *plan, "y"), HasSubstr("the CPU has no FP16 kernels"));
}

TEST(PrecisionPlan, NamesTheMissingRange) {
  const ir::Graph graph = two_convolutions();
  RangeMap ranges = ranges_for(graph);
  ranges.erase("relu");
  const PrecisionPlan plan = plan_of(graph, ranges);
  EXPECT_EQ(precision_of(graph, plan, "conv1"), Precision::kFp32);
  EXPECT_THAT(reason_for(graph, plan, "conv1"), HasSubstr("there is no range for \"relu\""));
  EXPECT_THAT(reason_for(graph, plan, "relu"), HasSubstr("follows \"conv1\", which is not INT8"));
  EXPECT_TRUE(plan.values.empty());
}

TEST(PrecisionPlan, RefusesRangesThatGiveNoScale) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const ValueRange& bad : {ValueRange{0, 0, 0}, ValueRange{kInfinity, 0, kInfinity},
                                ValueRange{1, 0, std::nan("")}, ValueRange{1e-44, 0, 1e-44}}) {
    const ir::Graph graph = two_convolutions();
    RangeMap ranges = ranges_for(graph);
    ranges["x"] = bad;
    const PrecisionPlan plan = plan_of(graph, ranges);
    EXPECT_EQ(precision_of(graph, plan, "conv1"), Precision::kFp32);
    EXPECT_THAT(reason_for(graph, plan, "conv1"), HasSubstr("\"x\""));
    EXPECT_EQ(precision_of(graph, plan, "y"), Precision::kInt8);
  }
}

TEST(PrecisionPlan, RefusesWeightsThatAreNotFinite) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 1, 4, 4});
  b.output(b.conv(x, b.constant({1, 1, 1, 1}, {std::nanf("")}, "w"), ir::kNoValue, {}, "y"));
  const PrecisionPlan plan = plan_of(b.finish(), ranges_for(b.graph()));
  EXPECT_THAT(reason_for(b.graph(), plan, "y"), HasSubstr("weights must be finite"));
}

TEST(PrecisionPlan, RefusesAccumulatorsThatCouldOverflow) {
  // 2^31 / (127 * 255) = 66311 equal weights are the first too many.
  for (const std::int64_t k : {66311, 66312}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {kBatch, k});
    const std::vector<float> ones(static_cast<std::size_t>(k), 1.0f);
    b.output(b.matmul(x, b.constant({k, 1}, ones, "w"), ir::kNoValue, "y"));
    const PrecisionPlan plan = plan_of(b.finish(), ranges_for(b.graph()));
    EXPECT_EQ(precision_of(b.graph(), plan, "y"), k == 66311 ? Precision::kInt8 : Precision::kFp32);
    if (k == 66312) {
      EXPECT_THAT(reason_for(b.graph(), plan, "y"), HasSubstr("2^31"));
    }
  }
}

TEST(PrecisionPlan, ProductsOfDynamicSizeStayFloat) {
  const ir::Dim length = ir::Dim::symbol("length");
  // [batch, rows, inner] x [batch, inner, columns]
  const auto reason_of_product = [](const ir::Dim& inner, const ir::Dim& columns) {
    GraphBuilder b;
    const ValueId left = b.input("left", {kBatch, 4, inner});
    const ValueId right = b.input("right", {kBatch, inner, columns});
    b.output(b.matmul(left, right, ir::kNoValue, "y"));
    const PrecisionPlan plan = plan_of(b.finish(), ranges_for(b.graph()));
    return reason_for(b.graph(), plan, "y");
  };
  EXPECT_THAT(reason_of_product(8, 8), testing::StartsWith("INT8: "));
  EXPECT_THAT(reason_of_product(length, 8), HasSubstr("its inner dimension length is dynamic"));
  EXPECT_THAT(reason_of_product(8, length), HasSubstr("its number of columns length is dynamic"));
}

TEST(PrecisionPlan, LaterRulesWinAndOnlyListedNodesMayBeInt8) {
  const ir::Graph graph = two_convolutions();
  ir::Constraints constraints;
  constraints.precisions = {{"conv*", Precision::kFp32, true}, {"conv1", Precision::kInt8, true}};
  EXPECT_EQ(precision_of(graph, plan_of(graph, ranges_for(graph), constraints), "conv1"),
            Precision::kInt8);
  constraints = {};
  constraints.int8_only = {"con?1"};
  const PrecisionPlan plan = plan_of(graph, ranges_for(graph), constraints);
  EXPECT_EQ(precision_of(graph, plan, "conv1"), Precision::kInt8);
  EXPECT_EQ(precision_of(graph, plan, "y"), Precision::kFp32);
  EXPECT_THAT(reason_for(graph, plan, "y"), HasSubstr("not among the nodes"));
}

TEST(PrecisionPlan, ARequiredInt8ThatCannotBeIsAnError) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8});
  b.output(b.softmax(x, 1, "probabilities"));
  ir::Constraints constraints;
  constraints.precisions = {{"prob*", Precision::kInt8, true}};
  const Result<PrecisionPlan> plan =
      plan_precisions(b.finish(), ranges_for(b.graph()), constraints, kInt8);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.status().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(plan.status().message(),
            "node \"probabilities\" (Softmax) must be INT8 by the rule \"prob*\", but Softmax has "
            "no INT8 form here");
}

TEST(PrecisionPlan, AnIslandBetweenFloatNodesStaysFloat) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId left = b.softmax(x, 1, "left"), right = b.softmax(x, 2, "right");
  b.output(b.softmax(b.add_values(left, right, "sum"), 3, "y"));
  const PrecisionPlan plan = plan_of(b.finish(), ranges_for(b.graph()));
  EXPECT_EQ(precision_of(b.graph(), plan, "sum"), Precision::kFp32);
  EXPECT_TRUE(plan.values.empty());
}

TEST(PrecisionPlan, AnAddOfFloatOperandsIsQuantisedBehindIt) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId sum = b.add_values(b.softmax(x, 1, "left"), b.softmax(x, 2, "right"), "sum");
  b.output(conv(b, sum, 8, "y"));
  const PrecisionPlan plan = plan_of(b.finish(), ranges_for(b.graph()));
  EXPECT_EQ(precision_of(b.graph(), plan, "sum"), Precision::kFp32);
  EXPECT_TRUE(is_quantized(b.graph(), plan, "sum"));
  EXPECT_FALSE(is_quantized(b.graph(), plan, "left"));
}

TEST(PrecisionPlan, MovementSharesTheScaleOfItsSource) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId relu = b.relu(conv(b, x, 8, "conv"), "relu");
  const ValueId pooled = b.max_pool(relu, 2, {2}, "pooled");
  b.output(conv(b, b.transpose(pooled, {0, 1, 3, 2}, "turned"), 8, "y"));
  RangeMap ranges = ranges_for(b.graph());
  ranges["pooled"].threshold = 3.0;
  ranges["turned"].threshold = 2.0;
  const PrecisionPlan plan = plan_of(b.finish(), ranges);
  for (const char* name : {"relu", "pooled", "turned"}) {
    EXPECT_EQ(grid_of(b.graph(), plan, name).threshold, 4.0) << name;
  }
  EXPECT_THAT(grid_of(b.graph(), plan, "turned").reason, HasSubstr("shares the scale of \"relu\""));
}

/// relu (u8) and plain (s8), joined and read by a convolution; relu also by `other` if asked.
ir::Graph joined_branches(bool relu_has_other_reader) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId relu = b.relu(conv(b, x, 8, "conv1"), "relu");
  const ValueId plain = conv(b, x, 8, "plain");
  b.output(conv(b, b.concat({relu, plain}, 1, "joined"), 16, "y"));
  if (relu_has_other_reader) b.output(conv(b, relu, 8, "other"));
  return b.finish();
}

TEST(PrecisionPlan, ProducersThatOnlyAConcatReadsTakeItsScale) {
  const ir::Graph graph = joined_branches(false);
  RangeMap ranges = ranges_for(graph);
  ranges["relu"].threshold = 1.0;
  const PrecisionPlan plan = plan_of(graph, ranges);
  for (const char* name : {"joined", "relu", "plain"}) {
    EXPECT_EQ(grid_of(graph, plan, name).threshold, 4.0) << name;
    EXPECT_EQ(grid_of(graph, plan, name).dtype, DType::kInt8) << name << ": one input is signed";
  }
}

TEST(PrecisionPlan, AProducerBehindMovementTakesTheConcatsScaleToo) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId pooled = b.max_pool(conv(b, x, 8, "small"), 3, {1, 1}, "pooled");
  b.output(conv(b, b.concat({pooled, conv(b, x, 8, "large")}, 1, "joined"), 16, "y"));
  RangeMap ranges = ranges_for(b.graph());
  ranges["small"].threshold = ranges["pooled"].threshold = 1.0;
  const PrecisionPlan plan = plan_of(b.finish(), ranges);
  EXPECT_EQ(grid_of(b.graph(), plan, "small").threshold, 4.0);
  EXPECT_EQ(grid_of(b.graph(), plan, "pooled").threshold, 4.0);
}

TEST(PrecisionPlan, OtherProducersKeepTheirScaleBesideAConcat) {
  const ir::Graph graph = joined_branches(true);
  RangeMap ranges = ranges_for(graph);
  ranges["relu"].threshold = 1.0;
  const PrecisionPlan plan = plan_of(graph, ranges);
  EXPECT_EQ(grid_of(graph, plan, "relu").threshold, 1.0);
  EXPECT_EQ(grid_of(graph, plan, "relu").dtype, DType::kUInt8);
  EXPECT_EQ(grid_of(graph, plan, "joined").threshold, 4.0);
}

TEST(PrecisionPlan, BoxesBesideScoresAreNotForcedOntoOneScale) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId boxes = conv(b, x, 8, "boxes"), scores = conv(b, x, 8, "scores");
  const ValueId joined = b.concat({boxes, scores}, 1, "joined");
  b.output(conv(b, joined, 16, "y"));
  b.output(b.softmax(joined, 1, "p"));
  RangeMap ranges = ranges_for(b.graph());
  ranges["boxes"].threshold = ranges["joined"].threshold = 640;
  ranges["scores"].threshold = 1;
  const PrecisionPlan plan = plan_of(b.finish(), ranges);
  EXPECT_EQ(precision_of(b.graph(), plan, "joined"), Precision::kFp32);
  EXPECT_THAT(reason_for(b.graph(), plan, "joined"), HasSubstr("1 to 640, a factor of 640"));
  EXPECT_FALSE(is_quantized(b.graph(), plan, "scores"));
}

TEST(PrecisionPlan, PoolingsOfOneValueJoinWithoutConversion) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId base = conv(b, x, 8, "base");
  const ValueId pooled = b.max_pool(base, 3, {1, 1}, "pooled");
  b.output(conv(b, b.concat({base, pooled}, 1, "joined"), 16, "y"));
  RangeMap ranges = ranges_for(b.graph());
  ranges["joined"].threshold = 1.5;
  const QuantizedGraph quantized = quantize_graph(b.finish(), ranges);
  EXPECT_EQ(count_ops<ir::Quantize>(quantized.graph), 1) << "the network's input";
}

TEST(PrecisionPlan, RangesPassThroughMovementThatHasNone) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 8, 4, 4});
  const ValueId flat = b.reshape(conv(b, x, 8, "conv"), {kBatch, 128}, "flat");
  b.output(b.matmul(flat, b.random_constant({128, 2}, 2, "w"), ir::kNoValue, "y"));
  RangeMap ranges = ranges_for(b.graph());
  ranges.erase("conv");
  const PrecisionPlan plan = plan_of(b.finish(), ranges);
  EXPECT_EQ(precision_of(b.graph(), plan, "conv"), Precision::kInt8);
}

TEST(PrecisionPlan, AResidualStreamBehindLayerNormStaysFloatEvenForAnInt8Reader) {
  GraphBuilder b;
  const ValueId x = b.input("x", {kBatch, 5, 8});
  const ValueId ones = b.constant({8}, std::vector<float>(8, 1.0f), "ones");
  const auto project = [&](ValueId v, const std::string& name) {
    return b.matmul(v, b.random_constant({8, 8}, 3, name + "_w"), ir::kNoValue, name);
  };
  const ValueId stream = b.add_values(x, project(x, "branch"), "stream");
  b.output(b.layer_norm(stream, ones, ir::kNoValue, 2, "norm"));
  b.output(project(stream, "y"));
  const PrecisionPlan plan = plan_of(b.finish(), ranges_for(b.graph()));
  EXPECT_EQ(precision_of(b.graph(), plan, "stream"), Precision::kFp32);
  EXPECT_EQ(precision_of(b.graph(), plan, "branch"), Precision::kInt8);
  EXPECT_EQ(precision_of(b.graph(), plan, "y"), Precision::kInt8);
}

TEST(PrecisionPlan, ALayerNormBetweenInt8ProductsStaysFloat) {
  GraphBuilder b;
  const ValueId ones = b.constant({8}, std::vector<float>(8, 1.0f), "ones");
  const auto project = [&](ValueId v, const std::string& name) {
    return b.matmul(v, b.random_constant({8, 8}, 3, name + "_w"), ir::kNoValue, name);
  };
  const ValueId first = project(b.input("x", {kBatch, 5, 8}), "first");
  b.output(project(b.layer_norm(first, ones, ir::kNoValue, 2, "norm"), "y"));
  const PrecisionPlan plan = plan_of(b.finish(), ranges_for(b.graph()));
  EXPECT_EQ(precision_of(b.graph(), plan, "norm"), Precision::kFp32);
  EXPECT_FALSE(is_quantized(b.graph(), plan, "first")) << "the norm reads float";
  EXPECT_TRUE(is_quantized(b.graph(), plan, "norm")) << "quantised behind it";
}

TEST(PrecisionPlan, EveryNodeHasAReason) {
  const ir::Graph graph = joined_branches(true);
  const PrecisionPlan plan = plan_of(graph, ranges_for(graph));
  ASSERT_EQ(plan.nodes.size(), graph.order().size());
  for (const auto& [id, node] : plan.nodes) {
    EXPECT_EQ(node.precision == Precision::kInt8, node.reason.starts_with("INT8: ")) << node.reason;
    EXPECT_FALSE(node.reason.empty()) << graph.node(id).name;
  }
}

}  // namespace
}  // namespace xinfer::passes
