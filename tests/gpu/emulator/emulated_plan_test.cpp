// Graphs with a dynamic batch: their launches for a GPU, emulated, give what the CPU gives.
#include "emulated_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "compile/run_graph.h"
#include "core/dtype_traits.h"
#include "ir/build.h"

namespace xinfer::gpu::emulator {
namespace {

constexpr std::int64_t kBatch = 3;

ir::Dim batch() { return ir::Dim::symbol("batch"); }

/// Numbers around 0, few of them equal, that FP16 holds exactly.
Tensor numbers(Shape shape) {
  Tensor tensor(DType::kFloat32, std::move(shape));
  const auto values = tensor.values<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = std::round(std::sin(static_cast<float>(i + 1)) * 0x1p10f) * 0x1p-9f;
  }
  return tensor;
}

/// All of the graph's float layers in FP16.
lower::NodePrecisions halves(const ir::Graph& graph) {
  lower::NodePrecisions precisions;
  for (const ir::NodeId node : graph.order()) {
    precisions[graph.node(node).name] = ir::Precision::kFp16;
  }
  return precisions;
}

void expect_close(const Tensor& found, const Tensor& expected) {
  ASSERT_EQ(found.dtype(), expected.dtype());
  if (expected.dtype() == DType::kInt64) {
    const auto a = found.values<std::int64_t>(), b = expected.values<std::int64_t>();
    for (std::size_t i = 0; i < b.size(); ++i) ASSERT_EQ(a[i], b[i]) << "[" << i << "]";
    return;
  }
  const auto a = found.values<float>(), b = expected.values<float>();
  for (std::size_t i = 0; i < b.size(); ++i) {
    // Sums of at most 60 products of numbers up to 4, in another order.
    ASSERT_NEAR(a[i], b[i], 60 * 60 * 4 * 0x1p-24) << "[" << i << "]";
  }
}

/// Runs the graph on both; `inputs` by name. The precisions are the GPU's: what they put into FP16
/// must be exact there.
void expect_equal_runs(const ir::Graph& graph, const std::map<std::string, Tensor>& inputs,
                       const lower::NodePrecisions& precisions = {}) {
  const auto expected = compile::run_graph(graph, inputs);
  ASSERT_TRUE(expected.ok()) << expected.status().message();
  engine::BlobWriter blobs;
  const lower::CudaTarget target =
      lower::make_cuda_target("sm_90a", lower::CudaBackend::kAuto).value();
  const lower::SymbolRanges symbols = {{"batch", {1, kBatch, 8}}};
  const auto open = lower::lower_cuda(graph, symbols, target, blobs, precisions);
  ASSERT_TRUE(open.ok()) << open.status().message();
  std::vector<Tensor> in, out;
  for (const ir::ValueId input : graph.inputs()) in.push_back(inputs.at(graph.value(input).name));
  for (const Tensor& tensor : *expected) out.emplace_back(tensor.dtype(), tensor.shape());
  const HostCompiler compiler(XINFER_EMULATED_KERNELS);
  const Status status = emulate_plan(*open, blobs, {{"batch", kBatch}}, in, out, compiler, 1);
  ASSERT_TRUE(status.ok()) << status.message();
  for (std::size_t i = 0; i < out.size(); ++i) expect_close(out[i], (*expected)[i]);
}

TEST(EmulatedPlan, ReducesWithinImages) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {batch(), 4, 5, 3});
  ir::Reduce reduce;
  reduce.kind = kernels::ReduceKind::kL2;
  reduce.axes = {1, 3};
  reduce.keep_dims = false;
  builder.output(builder.add(reduce, {x}, "norms"));
  ir::ArgReduce arg;
  arg.axis = 2;
  builder.output(builder.add(arg, {x}, "places"));
  expect_equal_runs(builder.graph(), {{"x", numbers({kBatch, 4, 5, 3})}});
}

TEST(EmulatedPlan, MultipliesRowsOfABatchByARunTimeMatrix) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {batch(), 6});
  const ir::ValueId w = builder.input("w", {6, 7});
  builder.output(builder.matmul(x, w, ir::kNoValue, "product"));
  expect_equal_runs(builder.graph(), {{"x", numbers({kBatch, 6})}, {"w", numbers({6, 7})}});
}

TEST(EmulatedPlan, MultipliesImagesByAMatrixOfFewerAxes) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {batch(), 2, 5, 6});
  const ir::ValueId w = builder.input("w", {6, 7});
  builder.output(builder.matmul(x, w, ir::kNoValue, "product"));
  expect_equal_runs(builder.graph(), {{"x", numbers({kBatch, 2, 5, 6})}, {"w", numbers({6, 7})}});
}

TEST(EmulatedPlan, GathersRowsThatABatchNames) {
  ir::GraphBuilder builder;
  const ir::ValueId indices = builder.input("indices", {batch(), 2}, DType::kInt64);
  builder.output(
      builder.add(ir::Gather{0}, {builder.random_constant({9, 4}), indices}, "embedding"));
  const Tensor named({kBatch, 2}, std::vector<std::int64_t>{0, 8, -1, 3, 3, -9});
  expect_equal_runs(builder.graph(), {{"indices", named}});
}

/// A gather along the channels of x [2, 4, 6, 6] by constant indices of type T.
template <typename T>
void expect_gathered_channels(const std::vector<T>& channels) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {ir::Dim(2), 4, 6, 6});
  Tensor indices(dtype_of<T>, {static_cast<std::int64_t>(channels.size())});
  std::copy(channels.begin(), channels.end(), indices.values<T>().begin());
  builder.output(builder.add(ir::Gather{1}, {x, builder.constant(std::move(indices))}, "channels"));
  expect_equal_runs(builder.graph(), {{"x", numbers({2, 4, 6, 6})}});
}

TEST(EmulatedPlan, GathersChannelsThatAConstantNames) {
  expect_gathered_channels<std::int64_t>({3, 1});
  // As long as one index of 64 bits.
  expect_gathered_channels<std::int32_t>({3, 1});
  expect_gathered_channels<std::int64_t>({-2});
  expect_gathered_channels<std::int32_t>({-2});
}

TEST(EmulatedPlan, NormalisesAnyAxes) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {batch(), 4, 5, 3});
  builder.output(builder.softmax(x, 1, "soft"));
  builder.output(builder.add(ir::LayerNorm{1, 1e-5}, {x, ir::kNoValue, ir::kNoValue}, "normal"));
  expect_equal_runs(builder.graph(), {{"x", numbers({kBatch, 4, 5, 3})}});
}

TEST(EmulatedPlan, PoolsThreeAxes) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {batch(), 2, 5, 6, 7});
  for (const auto kind : {kernels::PoolKind::kMax, kernels::PoolKind::kAverage}) {
    ir::Pool pool;
    pool.kind = kind;
    pool.kernel = {3, 2, 3};
    pool.strides = {2, 1, 2};
    pool.dilations = {1, 1, 1};
    pool.pads_begin = {1, 0, 1};
    pool.pads_end = {1, 1, 1};
    const bool is_max = kind == kernels::PoolKind::kMax;
    builder.output(builder.add(pool, {x}, is_max ? "largest" : "average"));
  }
  expect_equal_runs(builder.graph(), {{"x", numbers({kBatch, 2, 5, 6, 7})}});
}

// --- movement beside FP16 layers and into padded rows
// ---------------------------------------------

TEST(EmulatedPlan, GathersFloatRowsForAnFp16Layer) {
  ir::GraphBuilder builder;
  const ir::ValueId indices = builder.input("indices", {batch(), 2}, DType::kInt64);
  const ir::ValueId table = builder.constant(numbers({9, 4}));
  const ir::ValueId rows = builder.add(ir::Gather{0}, {table, indices}, "embedding");
  builder.output(builder.unary(kernels::Unary::kAbs, rows, "abs"));
  const Tensor named({kBatch, 2}, std::vector<std::int64_t>{0, 8, -1, 3, 3, -9});
  expect_equal_runs(builder.graph(), {{"indices", named}}, halves(builder.graph()));
}

TEST(EmulatedPlan, SwapsChannelsOfTheInputForAnFp16Layer) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {batch(), 3, 4, 5});
  const ir::ValueId bgr = builder.integers({3}, {2, 1, 0});
  const ir::ValueId swapped = builder.add(ir::Gather{1}, {x, bgr}, "swapped");
  builder.output(builder.unary(kernels::Unary::kAbs, swapped, "abs"));
  expect_equal_runs(builder.graph(), {{"x", numbers({kBatch, 3, 4, 5})}}, halves(builder.graph()));
}

TEST(EmulatedPlan, GathersFromAnFp16LayerIntoAFloatOutput) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {batch(), 3, 4});
  const ir::ValueId positions = builder.input("positions", {ir::Dim(2)}, DType::kInt64);
  const ir::ValueId layer = builder.unary(kernels::Unary::kAbs, x, "abs");
  builder.output(builder.add(ir::Gather{2}, {layer, positions}, "taken"));
  expect_equal_runs(
      builder.graph(),
      {{"x", numbers({kBatch, 3, 4})}, {"positions", Tensor({2}, std::vector<std::int64_t>{3, 1})}},
      halves(builder.graph()));
}

TEST(EmulatedPlan, PadsTheInputOfAnFp16Layer) {
  for (const auto mode : {kernels::PadMode::kReflect, kernels::PadMode::kConstant}) {
    ir::GraphBuilder builder;
    const ir::ValueId x = builder.input("x", {batch(), 2, 4, 5});
    const ir::Pad pad{mode, {0, 0, 1, 2}, {0, 0, 2, 1}, 0.5};
    builder.output(builder.unary(kernels::Unary::kAbs, builder.add(pad, {x}, "padded"), "abs"));
    expect_equal_runs(builder.graph(), {{"x", numbers({kBatch, 2, 4, 5})}},
                      halves(builder.graph()));
  }
}

TEST(EmulatedPlan, PadsTheFirstAxisByWhatIsInside) {
  for (const Shape& shape : {Shape{4, 5}, Shape{6}}) {
    for (const std::int64_t shift : {1, 0}) {
      ir::GraphBuilder builder;
      const ir::ValueId x = builder.input("x", {shape.begin(), shape.end()});
      ir::Pad pad;
      pad.mode = kernels::PadMode::kEdge;
      pad.pads_begin.assign(shape.size(), 0);
      pad.pads_end = pad.pads_begin;
      pad.pads_begin[0] = shift;
      pad.pads_end[0] = -shift;
      builder.output(builder.add(pad, {x}, "shifted"));
      expect_equal_runs(builder.graph(), {{"x", numbers(shape)}});
    }
  }
}

TEST(EmulatedPlan, TakesAConstantAsAnOperandAndThenAsAnIndex) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {ir::Dim(2), 4, 6});
  // Weights that a plan for a GPU holds in another layout come first.
  builder.output(builder.matmul(x, builder.random_constant({6, 7}), ir::kNoValue, "product"));
  const ir::ValueId index = builder.integers({1}, {1});
  builder.output(builder.add(ir::Gather{0}, {x, index}, "image"));
  builder.output(builder.add(ir::Gather{1}, {x, index}, "row"));
  expect_equal_runs(builder.graph(), {{"x", numbers({2, 4, 6})}});
}

/// y · w in float32 and in FP16; rows of y, ten elements, are padded where a product reads them.
void expect_equal_products(ir::GraphBuilder& builder, ir::ValueId y,
                           const std::map<std::string, Tensor>& inputs) {
  builder.output(builder.matmul(y, builder.constant(numbers({10, 7})), ir::kNoValue, "product"));
  expect_equal_runs(builder.graph(), inputs);
  expect_equal_runs(builder.graph(), inputs, halves(builder.graph()));
}

TEST(EmulatedPlan, MultipliesReversedRows) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {batch(), 3, 10});
  const ir::Slice reversed{{0, 0, 9}, {batch(), 3, 10}, {1, 1, -1}};
  expect_equal_products(builder, builder.add(reversed, {x}, "reversed"),
                        {{"x", numbers({kBatch, 3, 10})}});
}

TEST(EmulatedPlan, MultipliesAColumn) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {batch(), 10, 3});
  const ir::ValueId column = builder.add(ir::Gather{2}, {x, builder.integers({}, {1})}, "column");
  expect_equal_products(builder, column, {{"x", numbers({kBatch, 10, 3})}});
}

TEST(EmulatedPlan, MultipliesPartsOfWhichTheLastIsEmpty) {
  ir::GraphBuilder builder;
  const ir::ValueId x = builder.input("x", {batch(), 3, 2});
  const ir::Slice no_columns{{0, 0, 2}, {batch(), 3, 0}, {1, 1, 1}};
  const ir::ValueId empty = builder.add(no_columns, {x}, "empty");
  const ir::ValueId joined = builder.concat({x, x, x, x, x, empty}, 2, "joined");
  expect_equal_products(builder, joined, {{"x", numbers({kBatch, 3, 2})}});
}

}  // namespace
}  // namespace xinfer::gpu::emulator
