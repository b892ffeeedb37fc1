// What a graph computes is the same before and after the passes: float exactly up to rounding,
// INT8 up to its grids.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "compile/execute.h"
#include "ir/build.h"
#include "ir/text.h"
#include "passes/channel_groups.h"
#include "passes/equalise_channels.h"
#include "passes/hoist_transposes.h"
#include "passes/pipeline.h"

namespace xinfer::passes {
namespace {

using ir::GraphBuilder;
using ir::kNoValue;
using ir::ValueId;
using kernels::Unary;

Tensor random_tensor(const Shape& shape, std::uint32_t seed) {
  std::mt19937 random(seed);
  Tensor tensor(DType::kFloat32, shape);
  for (float& value : tensor.values<float>()) {
    value = static_cast<float>(random()) / 4294967296.0f * 2.0f - 1.0f;
  }
  return tensor;
}

std::vector<float> run(const ir::Graph& graph, const Tensor& input) {
  Result<std::vector<Tensor>> outputs = compile::execute(graph, {input});
  EXPECT_TRUE(outputs.ok()) << outputs.status().message() << "\n" << ir::print(graph, 0);
  if (!outputs.ok()) return {};
  const auto values = outputs->front().values<float>();
  return {values.begin(), values.end()};
}

double largest_magnitude(const std::vector<float>& values) {
  double largest = 0;
  for (float value : values) largest = std::max(largest, std::abs(static_cast<double>(value)));
  return largest;
}

/// Every difference is at most `tolerance` of the largest expected magnitude.
void expect_close(const std::vector<float>& found, const std::vector<float>& expected,
                  double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  const double bound = tolerance * largest_magnitude(expected);
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_NEAR(found[i], expected[i], bound) << "element " << i;
  }
}

/// Made-up channel maxima for every group, one channel in three quiet.
RangeMap uneven_ranges(const ir::Graph& graph) {
  RangeMap ranges;
  for (const ChannelGroup& group : find_channel_groups(graph)) {
    for (ValueId value : group.values) {
      ValueRange& range = ranges[graph.value(value).name];
      range.amax = range.threshold = 4.0;
      for (std::int64_t c = 0; c < group.channels; ++c) {
        range.channel_amax.push_back(c % 3 == 0 ? 0.125f : 4.0f);
      }
    }
  }
  return ranges;
}

/// Signal to noise of `found` against `expected`, in dB.
double sqnr(const std::vector<float>& found, const std::vector<float>& expected) {
  double signal = 0, noise = 1e-30;
  for (std::size_t i = 0; i < found.size(); ++i) {
    signal += static_cast<double>(expected[i]) * expected[i];
    noise += std::pow(static_cast<double>(found[i]) - expected[i], 2);
  }
  return 10 * std::log10(signal / noise);
}

struct Case {
  const char* name;
  Shape input;
  ValueId (*build)(GraphBuilder& b, ValueId x);
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

ValueId conv(GraphBuilder& b, ValueId x, std::int64_t in, std::int64_t out, std::uint32_t seed) {
  return b.conv(x, b.random_constant({out, in, 3, 3}, seed), b.random_constant({out}, seed + 1),
                {1, 1});
}

ValueId residual_block(GraphBuilder& b, ValueId x) {
  const ValueId trunk = b.relu(conv(b, x, 4, 8, 1));
  const ValueId branch = b.clip(conv(b, trunk, 8, 8, 3), 0, 6);
  const ValueId sum = b.relu(b.add_values(conv(b, branch, 8, 8, 5), trunk));
  return conv(b, sum, 8, 4, 7);
}

ValueId silu_block(GraphBuilder& b, ValueId x) {
  const auto silu = [&](ValueId v) { return b.multiply(v, b.unary(Unary::kSigmoid, v)); };
  const ValueId first = silu(conv(b, x, 4, 8, 1));
  const ValueId second = b.add_values(first, silu(conv(b, first, 8, 8, 3)));
  const ValueId pooled = b.max_pool(second, 3, {1, 1});
  return conv(b, b.concat({second, pooled, first}, 1), 24, 4, 5);
}

/// Every SiLU is read by layers without padding alone, through a sum, a pooling and a Concat.
ValueId lifted_block(GraphBuilder& b, ValueId x) {
  const auto pointwise = [&](ValueId v, std::int64_t inputs, std::uint32_t seed) {
    return b.conv(v, b.random_constant({8, inputs, 1, 1}, seed), b.random_constant({8}, seed + 1));
  };
  const ValueId first = b.unary(Unary::kSilu, pointwise(x, 4, 1));
  const ValueId second = b.unary(Unary::kSilu, pointwise(first, 8, 3));
  const ValueId sum = b.add_values(first, second);
  const ValueId both = b.concat({b.max_pool(sum, 3, {1, 1}), b.relu(pointwise(x, 4, 5))}, 1);
  return pointwise(b.unary(Unary::kHardSwish, pointwise(both, 16, 7)), 8, 9);
}

ValueId squeeze_and_excite(GraphBuilder& b, ValueId x) {
  const ValueId trunk = b.relu(conv(b, x, 4, 8, 1));
  const ValueId mean = b.global_average_pool(trunk);
  const ValueId w = b.random_constant({8, 8, 1, 1}, 9);
  const ValueId gate = b.unary(Unary::kSigmoid, b.conv(mean, w, kNoValue));
  return conv(b, b.multiply(trunk, gate), 8, 4, 5);
}

ValueId padded_affine(GraphBuilder& b, ValueId x) {
  const ValueId pad =
      b.add(ir::Pad{kernels::PadMode::kConstant, {0, 0, 1, 0}, {0, 0, 2, 1}, 0}, {x});
  const ValueId scaled = b.multiply(conv(b, pad, 4, 8, 1), b.random_constant({8, 1, 1}, 3));
  const ValueId shifted =
      b.binary(kernels::Binary::kSub, b.random_constant({1, 8, 1, 1}, 4), scaled);
  return conv(b, b.relu(shifted), 8, 4, 5);
}

ValueId channel_shuffle(GraphBuilder& b, ValueId x) {
  const ValueId trunk = b.relu(conv(b, x, 4, 8, 1));
  const ValueId turned = b.transpose(b.reshape(trunk, {2 * 4, 2, 36}), {1, 0, 2});
  const ValueId parts = b.reshape(turned, {2, 2, 4, 6, 6});
  const ValueId even = b.add(ir::Gather{0}, {parts, b.integers(Shape{}, {0})});
  const ValueId odd = b.add(ir::Gather{0}, {parts, b.integers(Shape{}, {1})});
  return b.concat({conv(b, odd, 4, 4, 5), conv(b, even, 4, 4, 7)}, 1);
}

/// A transformer block over [2, 4, 36] read as 36 tokens of 4.
ValueId attention_block(GraphBuilder& b, ValueId x) {
  const ValueId tokens = b.transpose(b.reshape(x, {2, 4, 36}), {0, 2, 1});
  const ValueId wide = b.matmul(tokens, b.random_constant({4, 8}, 1));
  const ValueId norm = b.layer_norm(wide, b.random_constant({8}, 2), b.random_constant({8}, 3), 2);
  const ValueId qkv = b.matmul(norm, b.random_constant({8, 24}, 4), b.random_constant({24}, 5));
  const ValueId parts = b.transpose(b.reshape(qkv, {2, 36, 3, 2, 4}), {2, 0, 3, 1, 4});
  const auto part = [&](std::int64_t index) {
    return b.add(ir::Gather{0}, {parts, b.integers(Shape{}, {index})});
  };
  const ValueId scores = b.matmul(part(0), b.transpose(part(1), {0, 1, 3, 2}));
  const ValueId weights = b.softmax(b.multiply(scores, b.constant(Shape{}, {0.5f})), 3);
  const ValueId mixed = b.transpose(b.matmul(weights, part(2)), {0, 2, 1, 3});
  const ValueId out = b.matmul(b.reshape(mixed, {2, 36, 8}), b.random_constant({8, 8}, 6));
  const ValueId stream = b.add_values(wide, out);
  const ValueId hidden =
      b.matmul(stream, b.random_constant({8, 16}, 7), b.random_constant({16}, 8));
  const ValueId root = b.binary(kernels::Binary::kDiv, hidden, b.constant(Shape{}, {1.4142135f}));
  const ValueId gate = b.add_values(b.unary(Unary::kErf, root), b.constant(Shape{}, {1.0f}));
  const ValueId gelu = b.multiply(b.multiply(hidden, gate), b.constant(Shape{}, {0.5f}));
  return b.matmul(gelu, b.random_constant({16, 4}, 9));
}

class Preservation : public ::testing::TestWithParam<Case> {
 protected:
  ir::Graph build() const {
    GraphBuilder b;
    ir::SymbolicShape shape(GetParam().input.begin(), GetParam().input.end());
    b.output(GetParam().build(b, b.input("x", std::move(shape))), "y");
    return b.finish();
  }
  Tensor input() const { return random_tensor(GetParam().input, 17); }

  static void apply(ir::Graph& graph, const std::function<Status(ir::Graph&)>& pass) {
    const Status status = pass(graph);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  static void simplify_fully(ir::Graph& graph) {
    apply(graph, [](ir::Graph& g) { return simplify(g, compile::node_evaluator()); });
  }

  /// Exact ranges: every value made an output, one after the other.
  RangeMap measured_ranges(const ir::Graph& graph) const {
    RangeMap ranges;
    for (ir::NodeId id : graph.order()) {
      const ir::Value& value = graph.value(graph.node(id).outputs[0]);
      if (value.dtype != DType::kFloat32) continue;
      ir::Graph probe = graph;
      probe.outputs() = {{"probe", graph.node(id).outputs[0]}};
      probe.remove_dead_nodes();
      const double amax = largest_magnitude(run(probe, input()));
      ranges[value.name] = {amax, -amax, amax};
    }
    ranges["x"] = {1, -1, 1};
    return ranges;
  }
};

// A few hundred float32 products and sums a value, in another order or with folded factors: errors
// of some tens of units in the last place (6e-8) relative to the largest value.
constexpr double kFloatTolerance = 5e-6;

TEST_P(Preservation, Simplify) {
  ir::Graph graph = build();
  const std::vector<float> expected = run(graph, input());
  simplify_fully(graph);
  expect_close(run(graph, input()), expected, kFloatTolerance);
}

TEST_P(Preservation, FuseFloat) {
  ir::Graph graph = build();
  simplify_fully(graph);
  const std::vector<float> expected = run(graph, input());
  apply(graph, fuse);
  expect_close(run(graph, input()), expected, kFloatTolerance);
}

TEST_P(Preservation, Int8StaysWithinItsGrids) {
  ir::Graph graph = build();
  simplify_fully(graph);
  const std::vector<float> expected = run(graph, input());
  const RangeMap ranges = measured_ranges(graph);
  Result<PrecisionPlan> plan = plan_precisions(graph, ranges, {}, {true, false});
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_GT(plan->int8_mac_share(graph), 0.5);
  apply(graph, [&](ir::Graph& g) { return insert_qdq(g, *plan); });
  apply(graph, fuse);
  // Each of at most eight roundings to 8 bits over the full range leaves about 40 dB; 20 dB is what
  // a wrong scale, table or residual anywhere destroys.
  EXPECT_GT(sqnr(run(graph, input()), expected), 20.0) << ir::print(graph, 0);
}

INSTANTIATE_TEST_SUITE_P(, Preservation,
                         ::testing::Values(Case{"residual", {2, 4, 6, 6}, residual_block},
                                           Case{"silu", {2, 4, 6, 6}, silu_block},
                                           Case{"lifted", {2, 4, 6, 6}, lifted_block},
                                           Case{"excite", {2, 4, 6, 6}, squeeze_and_excite},
                                           Case{"affine", {2, 4, 6, 6}, padded_affine},
                                           Case{"shuffle", {2, 4, 6, 6}, channel_shuffle},
                                           Case{"attention", {2, 4, 6, 6}, attention_block}),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(ConcatSlices, HoldTheBytesOfCopies) {
  const auto joined = [](bool copy) {
    GraphBuilder b;
    const ValueId x = b.input("x", {2, 4, 6, 6});
    const ValueId left = b.relu(conv(b, x, 4, 8, 1)), right = conv(b, x, 4, 16, 3);
    b.output(conv(b, b.concat({left, right}, 1), 24, 4, 5), "y");
    // Softmax needs dense channels, so that its inputs are copied into the concatenation.
    if (copy) b.output(b.add_values(b.softmax(left, 1), b.softmax(left, 2)), "left");
    if (copy) b.output(b.add_values(b.softmax(right, 1), b.softmax(right, 2)), "right");
    return b.finish();
  };
  const Tensor input = random_tensor({2, 4, 6, 6}, 29);
  const std::vector<float> expected = run(joined(true), input);
  ASSERT_FALSE(expected.empty());
  EXPECT_EQ(run(joined(false), input), expected);
}

/// Two scales of x [batch, 4, 4, 6], height and width unequal, or the larger one alone, as the rows
/// of a detection head; quantised from their convolutions on where `int8`.
ir::Graph detection_head(bool int8, int scales) {
  const ir::Dim batch = ir::Dim::symbol("batch");
  GraphBuilder b;
  const ValueId x = b.input("x", {batch, 4, 4, 6});
  const auto scale = [&](ValueId from, std::int64_t pixels, std::uint32_t seed) {
    const ValueId y = conv(b, from, 4, 8, seed);
    return b.reshape(int8 ? b.quantize(y, DType::kInt8, 0.03f) : y, {batch, 8, pixels});
  };
  ValueId joined = scale(x, 24, 1);
  if (scales == 2) {
    const ValueId small = b.max_pool(x, 2, {.stride = 2});
    joined = b.concat({joined, scale(small, 6, 3)}, 2);
  }
  const ValueId rows = b.transpose(joined, {0, 2, 1});
  b.output(int8 ? b.dequantize(rows) : rows, "y");
  return b.finish();
}

TEST(HoistTransposes, KeepsEveryByteOfAHead) {
  const Tensor input = random_tensor({3, 4, 4, 6}, 37);
  for (const bool int8 : {false, true}) {
    for (const int scales : {1, 2}) {
      SCOPED_TRACE(testing::Message() << (int8 ? "INT8, " : "float, ") << scales << " scales");
      const ir::Graph before = detection_head(int8, scales);
      ir::Graph after = before;
      ASSERT_TRUE(hoist_transposes(after).ok());
      ASSERT_NE(ir::print(after, 0), ir::print(before, 0));
      const std::vector<float> expected = run(before, input);
      ASSERT_EQ(expected.size(), static_cast<std::size_t>(3 * 8 * (scales == 2 ? 30 : 24)));
      EXPECT_EQ(run(after, input), expected);
    }
  }
}

TEST(EqualiseChannels, KeepsWhatAStreamComputes) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 8, 6, 6});
  const auto conv = [&](ValueId from, Shape weights, std::int64_t groups, const char* name) {
    const ValueId w = b.random_constant(weights, 4, std::string(name) + "_w");
    const ValueId bias = b.random_constant({weights[0]}, 5, std::string(name) + "_b");
    return b.conv(from, w, bias, {.pad = weights[2] / 2, .groups = groups}, name);
  };
  const ValueId a = conv(x, {12, 8, 1, 1}, 1, "a");
  const ValueId inner = b.relu(conv(a, {12, 6, 3, 3}, 2, "inner"));
  const ValueId sum = b.add_values(conv(inner, {12, 12, 1, 1}, 1, "b"), a, "sum");
  b.output(conv(sum, {12, 1, 3, 3}, 12, "y"));
  const ir::Graph before = b.finish();
  ir::Graph after = before;
  RangeMap ranges = uneven_ranges(after);
  equalise_channels(after, ranges, {});
  ASSERT_NE(after.find_value("sum_equalised"), kNoValue);
  const Tensor input = random_tensor({1, 8, 6, 6}, 31);
  // Every weight and product is rounded anew: a few units in the last place of sums of 12 to 108.
  expect_close(run(after, input), run(before, input), 1e-5);
}

}  // namespace
}  // namespace xinfer::passes
