// Inferred types of every operator, and the messages for operands that do not fit.
#include "ir/infer.h"

#include <gtest/gtest.h>

#include "ir/build.h"

namespace xinfer::ir {
namespace {

using Numbers = std::vector<std::int64_t>;

const Dim kBatch = Dim::symbol("batch");
const Dim kHeight = Dim::symbol("height");

/// A graph with operands "i0", "i1", … and one node "n" that reads them.
class OneNode {
 public:
  OneNode& operand(const SymbolicShape& shape, DType dtype = DType::kFloat32, float scale = 0) {
    const ValueId id = graph_.add_input(fmt::format("i{}", inputs_.size()), dtype, shape);
    graph_.value(id).scale = scale;
    inputs_.push_back(id);
    return *this;
  }
  OneNode& weight(const Shape& shape) {
    Tensor tensor(DType::kFloat32, shape);
    inputs_.push_back(graph_.add_constant("w", std::move(tensor)));
    return *this;
  }
  OneNode& absent() {
    inputs_.push_back(kNoValue);
    return *this;
  }
  /// "float32[batch, 4]", joined by ", " for several outputs, or the failure's message.
  std::string infer(Op op, int outputs = 1) {
    std::vector<std::string> names;
    for (int i = 0; i < outputs; ++i) names.push_back(fmt::format("o{}", i));
    const NodeId node = graph_.add_node("n", std::move(op), inputs_, names);
    const Status status = infer_node(graph_, node);
    if (!status.ok()) {
      EXPECT_EQ(status.code(), ErrorCode::kInvalidModel);
      return status.message();
    }
    std::string text;
    for (ValueId id : graph_.node(node).outputs) {
      const Value& value = graph_.value(id);
      if (!text.empty()) text += ", ";
      text += to_string(value.dtype) + to_string(value.shape);
      if (value.is_quantized()) text += fmt::format(" scale {}", value.scale);
    }
    return text;
  }

 private:
  static std::string to_string(DType dtype) { return xinfer::to_string(dtype); }
  static std::string to_string(const SymbolicShape& shape) { return ir::to_string(shape); }

  Graph graph_;
  std::vector<ValueId> inputs_;
};

Conv conv_op(Numbers kernel, std::int64_t stride = 1, std::int64_t pad = 0,
             std::int64_t groups = 1) {
  const std::size_t axes = kernel.size();
  return {std::move(kernel),
          Numbers(axes, stride),
          Numbers(axes, 1),
          Numbers(axes, pad),
          Numbers(axes, pad),
          groups,
          {}};
}

TEST(InferConv, Shapes) {
  EXPECT_EQ(
      OneNode().operand({kBatch, 3, 224, 224}).weight({64, 3, 7, 7}).infer(conv_op({7, 7}, 2, 3)),
      "float32[batch, 64, 112, 112]");
  EXPECT_EQ(
      OneNode().operand({1, 8, kHeight, 5}).weight({8, 1, 3, 3}).infer(conv_op({3, 3}, 2, 1, 8)),
      "float32[1, 8, floordiv(height + 1, 2), 3]");
  EXPECT_EQ(OneNode().operand({1, 4, 10}).weight({6, 4, 3}).infer(conv_op({3})),
            "float32[1, 6, 8]");
  Conv asymmetric = conv_op({2, 2});
  asymmetric.pads_end = {1, 1};
  asymmetric.dilations = {3, 1};
  EXPECT_EQ(OneNode().operand({1, 1, 6, 6}).weight({1, 1, 2, 2}).infer(asymmetric),
            "float32[1, 1, 4, 6]");
}

TEST(InferConv, QuantizedInputGivesFloatUntilAPassSaysOtherwise) {
  EXPECT_EQ(OneNode()
                .operand({1, 4, 4, 4}, DType::kUInt8, 0.5f)
                .weight({2, 4, 1, 1})
                .infer(conv_op({1, 1})),
            "float32[1, 2, 4, 4]");
  Graph graph;
  const ValueId x = graph.add_input("x", DType::kFloat32, {1, 4, 4, 4});
  const ValueId w = graph.add_constant("w", Tensor(DType::kFloat32, {2, 4, 1, 1}));
  const NodeId node = graph.add_node("n", conv_op({1, 1}), {x, w}, {"y"});
  Value& y = graph.value(graph.node(node).outputs[0]);
  y.dtype = DType::kInt8;
  y.scale = 0.25f;
  ASSERT_TRUE(infer_node(graph, node).ok());
  EXPECT_EQ(y.dtype, DType::kInt8);
  EXPECT_EQ(y.scale, 0.25f);
  EXPECT_EQ(y.shape, (SymbolicShape{1, 2, 4, 4}));
}

TEST(InferConv, Messages) {
  EXPECT_EQ(
      OneNode().operand({1, 4, 8, 8}).weight({4, 3, 1, 1}).infer(conv_op({1, 1})),
      "node \"n\" (Conv): weight has 3 input channels per group, x has 4 channels in 1 group");
  EXPECT_EQ(OneNode().operand({1, 4, 8, 8}).weight({3, 2, 1, 1}).infer(conv_op({1, 1}, 1, 0, 2)),
            "node \"n\" (Conv): 3 output channels are not divisible by 2 groups");
  EXPECT_EQ(OneNode().operand({1, 4}).weight({3, 4, 1, 1}).infer(conv_op({1, 1})),
            "node \"n\" (Conv): x \"i0\" has shape [1, 4], needs [N, C, spatial…]");
  EXPECT_EQ(OneNode().operand({1, 4, 8, 8}).weight({3, 4, 1, 1}).infer(conv_op({1})),
            "node \"n\" (Conv): kernel has 1 entries, needs 2");
  EXPECT_EQ(
      OneNode().operand({1, 4, 8, 8}).weight({3, 4, 3, 3}).infer(conv_op({3, 1})),
      "node \"n\" (Conv): weight \"w\" has shape [3, 4, 3, 3], kernel is 1 on spatial axis 1");
  EXPECT_EQ(
      OneNode().operand({1, 4, 2, 8}).weight({3, 4, 3, 3}).infer(conv_op({3, 3})),
      "node \"n\" (Conv): kernel covers 3 elements of spatial axis 0, x \"i0\" has 2 with pads");
  EXPECT_EQ(OneNode().operand({1, 4, 8, 8}).weight({3, 4, 1, 1}).infer(conv_op({1, 1}, 0)),
            "node \"n\" (Conv): kernel, strides and dilations must be positive");
  EXPECT_EQ(
      OneNode().operand({1, 4, 8, 8}).weight({3, 4, 1, 1}).operand({5}).infer(conv_op({1, 1})),
      "node \"n\" (Conv): bias \"i2\" has shape [5], needs [3]");
  EXPECT_EQ(
      OneNode().operand({1, 4, 8, 8}, DType::kInt8).weight({3, 4, 1, 1}).infer(conv_op({1, 1})),
      "node \"n\" (Conv): x \"i0\" is int8, needs a float type or int8 / uint8 with a scale");
  EXPECT_EQ(OneNode()
                .operand({1, 4, 8, 8}, DType::kInt8, 0.5f)
                .operand({3, 4, 1, 1})
                .infer(conv_op({1, 1})),
            "node \"n\" (Conv): x is int8 with scale 0.5, so weight \"i1\" must be a constant");
  EXPECT_EQ(OneNode().operand({1, 4, 8, 8}).weight({3, 4, 1, 1}).infer(conv_op({1, 1}), 2),
            "node \"n\" (Conv): has 2 outputs, can have 1");
}

Pool pool_op(kernels::PoolKind kind, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
             bool ceil_mode) {
  Pool op;
  op.kind = kind;
  op.kernel = {kernel};
  op.strides = {stride};
  op.dilations = {1};
  op.pads_begin = op.pads_end = {pad};
  op.ceil_mode = ceil_mode;
  return op;
}

/// Windows counted one by one: floor mode needs a whole window, ceil mode a start before the end of
/// the input.
std::int64_t counted_windows(std::int64_t size, std::int64_t kernel, std::int64_t stride,
                             std::int64_t pad, bool ceil_mode) {
  std::int64_t count = 0;
  for (std::int64_t start = -pad; start < size; start += stride, ++count) {
    const bool whole = start + kernel <= size + pad;
    const bool previous_reached_the_end = start - stride + kernel >= size + pad;
    if (!whole && (!ceil_mode || (count > 0 && previous_reached_the_end))) break;
  }
  return count;
}

TEST(InferPool, WindowCountsMatchBruteForce) {
  const auto kind = kernels::PoolKind::kAverage;
  for (std::int64_t size = 1; size < 12; ++size) {
    for (std::int64_t kernel = 1; kernel < 5; ++kernel) {
      for (std::int64_t stride = 1; stride < 5; ++stride) {
        for (std::int64_t pad = 0; pad < kernel; ++pad) {
          if (kernel > size + 2 * pad) continue;
          for (bool ceil_mode : {false, true}) {
            const Pool op = pool_op(kind, kernel, stride, pad, ceil_mode);
            const auto expected = counted_windows(size, kernel, stride, pad, ceil_mode);
            const std::string context = fmt::format("size {} kernel {} stride {} pad {} ceil {}",
                                                    size, kernel, stride, pad, ceil_mode);
            EXPECT_EQ(OneNode().operand({1, 2, size}).infer(op),
                      fmt::format("float32[1, 2, {}]", expected))
                << context;
            Graph graph;
            const ValueId x = graph.add_input("x", DType::kFloat32, {1, 2, kHeight});
            const NodeId node = graph.add_node("n", op, {x}, {"y"});
            ASSERT_TRUE(infer_node(graph, node).ok());
            const Dim& symbolic = graph.value(graph.node(node).outputs[0]).shape[2];
            EXPECT_EQ(symbolic.evaluate({{"height", size}}).value(), expected)
                << context << ": " << symbolic.to_string();
          }
        }
      }
    }
  }
}

TEST(InferPool, TypesAndMessages) {
  const Pool max = pool_op(kernels::PoolKind::kMax, 2, 2, 0, false);
  EXPECT_EQ(OneNode().operand({1, 2, 8}, DType::kUInt8, 0.5f).infer(max),
            "uint8[1, 2, 4] scale 0.5");
  EXPECT_EQ(OneNode().operand({1, 2, 8}).infer(max, 2), "float32[1, 2, 4], int64[1, 2, 4]");
  EXPECT_EQ(OneNode().operand({1, 2, 8}).infer(pool_op(kernels::PoolKind::kMax, 2, 2, 2, false)),
            "node \"n\" (Pool): pads of spatial axis 0 must be smaller than the kernel");
  EXPECT_EQ(
      OneNode()
          .operand({1, 2, 8}, DType::kInt32)
          .infer(pool_op(kernels::PoolKind::kAverage, 2, 2, 0, false)),
      "node \"n\" (Pool): x \"i0\" is int32, needs a float type or int8 / uint8 with a scale");
}

TEST(InferMatMul, ShapesAndTypes) {
  EXPECT_EQ(OneNode().operand({kBatch, 512}).weight({512, 1000}).infer(MatMul{}),
            "float32[batch, 1000]");
  EXPECT_EQ(OneNode().operand({kBatch, 512}).weight({1000, 512}).infer(MatMul{false, true, {}}),
            "float32[batch, 1000]");
  EXPECT_EQ(OneNode().operand({kBatch, 8, 16, 64}).operand({1, 64, 16}).infer(MatMul{}),
            "float32[batch, 8, 16, 16]");
  EXPECT_EQ(OneNode()
                .operand({2, 4}, DType::kInt8, 0.5f)
                .operand({4, 3}, DType::kUInt8, 0.25f)
                .infer(MatMul{}),
            "float32[2, 3]");
}

TEST(InferMatMul, Messages) {
  EXPECT_EQ(OneNode().operand({2, 4}).operand({3, 5}).infer(MatMul{}),
            "node \"n\" (MatMul): inner dimensions differ: a has 4, b has 3 (shapes [2, 4] and "
            "[3, 5])");
  EXPECT_EQ(OneNode().operand({4}).operand({4, 5}).infer(MatMul{}),
            "node \"n\" (MatMul): a has shape [4] and b [4, 5], both need at least two axes");
  EXPECT_EQ(OneNode().operand({2, 4}).operand({4, 5}, DType::kFloat16).infer(MatMul{}),
            "node \"n\" (MatMul): a \"i0\" is float32 and b \"i1\" is float16: both float of one "
            "type, or both INT8, or b a float constant, is needed");
}

TEST(InferNormalize, Types) {
  OneNode batch_norm;
  batch_norm.operand({kBatch, 8, 4, 4});
  for (int i = 0; i < 4; ++i) batch_norm.operand({8});
  EXPECT_EQ(batch_norm.infer(BatchNorm{}), "float32[batch, 8, 4, 4]");
  EXPECT_EQ(OneNode().operand({kBatch, 5, 8}).operand({8}).absent().infer(LayerNorm{2, 1e-5}),
            "float32[batch, 5, 8]");
  EXPECT_EQ(OneNode().operand({kBatch, 5, 8}).operand({5}).infer(LayerNorm{2, 1e-5}),
            "node \"n\" (LayerNorm): scale \"i1\" has shape [5], needs [8]");
  EXPECT_EQ(OneNode().operand({kBatch, 10}).infer(Softmax{1, false}), "float32[batch, 10]");
  EXPECT_EQ(OneNode().operand({kBatch, 10}).infer(Softmax{2, false}),
            "node \"n\" (Softmax): axis 2 is outside the rank 2 of shape [batch, 10]");
}

TEST(InferElementwise, Unary) {
  using kernels::Unary;
  const auto op = [](Unary function) { return ir::Unary{function, 0, 0}; };
  EXPECT_EQ(OneNode().operand({kBatch}).infer(op(Unary::kSilu)), "float32[batch]");
  EXPECT_EQ(OneNode().operand({3}, DType::kInt64).infer(op(Unary::kNeg)), "int64[3]");
  EXPECT_EQ(OneNode().operand({3}, DType::kBool).infer(op(Unary::kNot)), "bool[3]");
  EXPECT_EQ(OneNode().operand({3}, DType::kInt32).infer(op(Unary::kBitwiseNot)), "int32[3]");
  EXPECT_EQ(OneNode().operand({3}).infer(op(Unary::kNot)),
            "node \"n\" (Unary): x \"i0\" is float32, needs bool");
  EXPECT_EQ(OneNode().operand({3}, DType::kInt64).infer(op(Unary::kExp)),
            "node \"n\" (Unary): x \"i0\" is int64, needs a float type or int8 / uint8 with a "
            "scale");
}

TEST(InferElementwise, BinaryBroadcasts) {
  using kernels::Binary;
  const auto op = [](Binary function) { return ir::Binary{function, {}}; };
  EXPECT_EQ(OneNode().operand({kBatch, 1, 4}).operand({3, 1}).infer(op(Binary::kAdd)),
            "float32[batch, 3, 4]");
  EXPECT_EQ(OneNode().operand({kBatch, 4}).operand({kHeight, 4}).infer(op(Binary::kAdd)),
            "float32[batch, 4]");
  EXPECT_EQ(OneNode().operand({kBatch, 4}).operand({8, 4}).infer(op(Binary::kAdd)),
            "float32[8, 4]");
  EXPECT_EQ(OneNode().operand({}).operand({2}).infer(op(Binary::kLess)), "bool[2]");
  EXPECT_EQ(OneNode().operand({2}, DType::kBool).operand({2}, DType::kBool).infer(op(Binary::kAnd)),
            "bool[2]");
  EXPECT_EQ(OneNode().operand({2}).operand({2}, DType::kInt64).infer(op(Binary::kPow)),
            "float32[2]");
}

TEST(InferElementwise, BinaryMessages) {
  using kernels::Binary;
  const auto op = [](Binary function) { return ir::Binary{function, {}}; };
  EXPECT_EQ(OneNode().operand({2, 3}).operand({4}).infer(op(Binary::kAdd)),
            "node \"n\" (Binary): shapes [2, 3] and [4] do not broadcast: 3 against 4");
  EXPECT_EQ(OneNode().operand({2}).operand({2}, DType::kInt32).infer(op(Binary::kAdd)),
            "node \"n\" (Binary): a \"i0\" is float32 and b \"i1\" is int32: both must have one "
            "type");
  EXPECT_EQ(OneNode().operand({2}).operand({2}).infer(op(Binary::kAnd)),
            "node \"n\" (Binary): operands are float32, needs bool");
  EXPECT_EQ(OneNode().operand({2}, DType::kInt8, 0.5f).operand({2}).infer(op(Binary::kAdd)),
            "node \"n\" (Binary): a \"i0\" is int8 with scale 0.5 and b \"i1\" is float32: both or "
            "neither must be INT8");
  EXPECT_EQ(OneNode()
                .operand({2}, DType::kInt8, 0.5f)
                .operand({2}, DType::kInt8, 0.5f)
                .infer(op(Binary::kDiv)),
            "node \"n\" (Binary): only Add and Mul take INT8 operands");
}

TEST(InferElementwise, ConvertImage) {
  const ConvertImage op{1.0, {0, 0, 0}, {1, 1, 1}, true};
  ConvertImage last = op;
  last.channels_first = false;
  EXPECT_EQ(OneNode().operand({kBatch, 8, 6, 3}, DType::kUInt8).infer(op),
            "float32[batch, 3, 8, 6]");
  EXPECT_EQ(OneNode().operand({kBatch, 8, 6, 3}, DType::kUInt8).infer(last),
            "float32[batch, 8, 6, 3]");
  EXPECT_EQ(
      OneNode().operand({kBatch, 8, 6, 3}).infer(op),
      "node \"n\" (ConvertImage): x \"i0\" is float32 [batch, 8, 6, 3], needs uint8 [N, H, W, "
      "C] without a scale");
  EXPECT_EQ(OneNode().operand({kBatch, 8, 6, 4}, DType::kUInt8).infer(op),
            "node \"n\" (ConvertImage): x \"i0\" is [batch, 8, 6, 4]; mean has 3 values, deviation "
            "3: one a channel");
}

TEST(InferElementwise, SelectClipCast) {
  EXPECT_EQ(OneNode().operand({4}, DType::kBool).operand({3, 1}).operand({}).infer(Select{}),
            "float32[3, 4]");
  EXPECT_EQ(OneNode().operand({4}).operand({4}).operand({4}).infer(Select{}),
            "node \"n\" (Select): condition \"i0\" is float32, needs bool");
  EXPECT_EQ(OneNode().operand({4}, DType::kInt8, 0.5f).infer(Clip{0, 6}), "int8[4] scale 0.5");
  EXPECT_EQ(OneNode().operand({4}).infer(Clip{6, 0}), "node \"n\" (Clip): bounds are [6, 0]");
  EXPECT_EQ(OneNode().operand({kBatch}).infer(Cast{DType::kInt64}), "int64[batch]");
  EXPECT_EQ(OneNode().operand({4}, DType::kInt8, 0.5f).infer(Cast{DType::kInt64}),
            "node \"n\" (Cast): x \"i0\" is int8 with scale 0.5: INT8 values are converted by "
            "Quantize and Dequantize");
  EXPECT_EQ(OneNode().operand({4}, DType::kInt8, 0.5f).infer(Dequantize{}), "float32[4]");
  EXPECT_EQ(OneNode().operand({4}).infer(Dequantize{}),
            "node \"n\" (Dequantize): x \"i0\" is float32, needs int8 / uint8 with a scale");
}

TEST(InferReduce, Types) {
  using kernels::ReduceKind;
  EXPECT_EQ(OneNode().operand({kBatch, 3, 8, 8}).infer(Reduce{ReduceKind::kMean, {2, 3}, true}),
            "float32[batch, 3, 1, 1]");
  EXPECT_EQ(OneNode().operand({kBatch, 3}).infer(Reduce{ReduceKind::kSum, {0}, false}),
            "float32[3]");
  EXPECT_EQ(OneNode().operand({3}, DType::kUInt8, 0.5f).infer(Reduce{ReduceKind::kMax, {0}, true}),
            "uint8[1] scale 0.5");
  EXPECT_EQ(OneNode().operand({3, 4}).infer(Reduce{ReduceKind::kMax, {1, 1}, true}),
            "node \"n\" (Reduce): axis 1 is named twice");
  EXPECT_EQ(OneNode().operand({3}, DType::kUInt8, 0.5f).infer(Reduce{ReduceKind::kSum, {0}, true}),
            "node \"n\" (Reduce): x \"i0\" is uint8 with scale 0.5: only Mean, Max and Min take "
            "INT8");
  EXPECT_EQ(OneNode().operand({kBatch, 10}).infer(ArgReduce{true, 1, false, false}),
            "int64[batch]");
}

TEST(InferMovement, Types) {
  EXPECT_EQ(OneNode().operand({kBatch, 3, 8, 9}, DType::kInt8, 0.5f).infer(Transpose{{0, 2, 3, 1}}),
            "int8[batch, 8, 9, 3] scale 0.5");
  EXPECT_EQ(OneNode().operand({kBatch, 512, 1, 1}).infer(Reshape{{kBatch, 512}}),
            "float32[batch, 512]");
  EXPECT_EQ(OneNode().operand({3, 1}).infer(Expand{{2, 3, kBatch}}), "float32[2, 3, batch]");
  EXPECT_EQ(OneNode().operand({kBatch, 3}).operand({kBatch, 5}).infer(Concat{1}),
            "float32[batch, 8]");
  EXPECT_EQ(OneNode().operand({kHeight, 3}).operand({2, 3}).infer(Concat{0}),
            "float32[height + 2, 3]");
  EXPECT_EQ(OneNode().operand({10, 4}).operand({kBatch, 2}, DType::kInt64).infer(Gather{0}),
            "float32[batch, 2, 4]");
  EXPECT_EQ(OneNode().operand({10, 4}).operand({}, DType::kInt32).infer(Gather{1}), "float32[10]");
  EXPECT_EQ(OneNode().infer(ShapeOf{{kBatch, 3}, false}), "int64[2]");
  EXPECT_EQ(OneNode().infer(ShapeOf{{kBatch}, true}), "int64[]");
}

TEST(InferMovement, Messages) {
  EXPECT_EQ(OneNode().operand({2, 3}).infer(Transpose{{0, 0}}),
            "node \"n\" (Transpose): axis 0 is named twice");
  EXPECT_EQ(OneNode().operand({2, 3}).infer(Transpose{{0}}),
            "node \"n\" (Transpose): perm has 1 entries, needs 2");
  EXPECT_EQ(OneNode().operand({kBatch, 6}).infer(Reshape{{kBatch, 2, 3, 1}}),
            "float32[batch, 2, 3, 1]");
  EXPECT_EQ(OneNode().operand({2, 3}).infer(Reshape{{7}}),
            "node \"n\" (Reshape): x \"i0\" of shape [2, 3] cannot become [7]: their sizes differ");
  EXPECT_EQ(OneNode().operand({2, 3}).operand({2, 4}).infer(Concat{0}),
            "node \"n\" (Concat): input \"i0\" has shape [2, 3], input \"i1\" has [2, 4]: axis 1 "
            "differs");
  EXPECT_EQ(
      OneNode().operand({2}, DType::kInt8, 0.5f).operand({2}, DType::kInt8, 0.25f).infer(Concat{0}),
      "node \"n\" (Concat): input \"i0\" is int8 with scale 0.5, input \"i1\" is int8 with "
      "scale 0.25: all must have one type");
  EXPECT_EQ(OneNode().operand({10}).operand({2}).infer(Gather{0}),
            "node \"n\" (Gather): indices \"i1\" are float32, needs int32 or int64");
  EXPECT_EQ(OneNode().infer(ShapeOf{{1, 2}, true}),
            "node \"n\" (ShapeOf): dims has 2 entries, needs 1");
}

TEST(InferSlice, Types) {
  EXPECT_EQ(OneNode().operand({kBatch, 8}).infer(Slice{{0, 2}, {kBatch, 3}, {1, 2}}),
            "float32[batch, 3]");
  EXPECT_EQ(OneNode().operand({8}).infer(Slice{{7}, {8}, {-1}}), "float32[8]");
  EXPECT_EQ(OneNode().operand({8}).infer(Slice{{4}, {3}, {2}}),
            "node \"n\" (Slice): axis 0 of 8 elements is read at 8");
  EXPECT_EQ(OneNode().operand({kHeight}).infer(Slice{{kHeight - Dim(2)}, {3}, {1}}),
            "node \"n\" (Slice): axis 0 of height elements is read at height");
  EXPECT_EQ(OneNode().operand({8}).infer(Slice{{1}, {3}, {-1}}),
            "node \"n\" (Slice): axis 0 of 8 elements is read at -1");
  EXPECT_EQ(OneNode().operand({8}).infer(Slice{{1}, {3}, {0}}),
            "node \"n\" (Slice): step of axis 0 is 0");
}

TEST(InferSlice, PadAndResize) {
  using kernels::PadMode;
  EXPECT_EQ(OneNode().operand({kBatch, 4}).infer(Pad{PadMode::kConstant, {0, 1}, {0, -2}, 0}),
            "float32[batch, 3]");
  EXPECT_EQ(OneNode().operand({4}).infer(Pad{PadMode::kReflect, {4}, {0}, 0}),
            "node \"n\" (Pad): axis 0 has 4 elements, too few for pads of 4");
  EXPECT_EQ(OneNode().operand({4}).infer(Pad{PadMode::kConstant, {-3}, {-2}, 0}),
            "node \"n\" (Pad): pads of axis 0 leave -1 elements");
  Resize resize;
  resize.size = {kBatch, 3, Dim(2) * kHeight, 8};
  EXPECT_EQ(OneNode().operand({kBatch, 3, kHeight, 4}, DType::kInt8, 0.5f).infer(resize),
            "int8[batch, 3, 2*height, 8] scale 0.5");
  resize.mode = kernels::ResizeMode::kLinear;
  EXPECT_EQ(OneNode().operand({kBatch, 3, kHeight, 4}, DType::kInt8, 0.5f).infer(resize),
            "float32[batch, 3, 2*height, 8]");
  resize.scales = {1, 1, 2};
  EXPECT_EQ(OneNode().operand({kBatch, 3, kHeight, 4}).infer(resize),
            "node \"n\" (Resize): scales has 3 entries, needs 4");
}

TEST(InferShapes, WalksTheGraphAndNamesTheNodeThatFails) {
  GraphBuilder builder;
  const ValueId x = builder.input("x", {kBatch, 3, 8, 8});
  const ValueId w = builder.random_constant({4, 3, 3, 3});
  const ValueId y = builder.conv(x, w, kNoValue, {.stride = 2, .pad = 1}, "conv");
  const ValueId z = builder.reshape(y, {kBatch, 64}, "flat");
  Graph& graph = builder.graph();
  graph.value(y).shape.clear();
  ASSERT_TRUE(infer_shapes(graph).ok());
  EXPECT_EQ(graph.value(y).shape, (SymbolicShape{kBatch, 4, 4, 4}));
  graph.value(x).shape = {1, 3, 16, 16};
  std::get<Reshape>(graph.node(graph.value(z).producer).op).shape = {1, 64};
  EXPECT_EQ(
      infer_shapes(graph).message(),
      "node \"flat\" (Reshape): x \"conv\" of shape [1, 4, 8, 8] cannot become [1, 64]: their "
      "sizes differ");
}

}  // namespace
}  // namespace xinfer::ir
