// Every invariant of the graph, broken once.
#include "ir/verify.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ir/build.h"

namespace xinfer::ir {
namespace {

/// x -> conv -> relu -> quantize -> transpose -> dequantize, output "y".
struct Sample {
  Sample() {
    x = builder.input("x", {Dim::symbol("batch"), 3, 8, 8});
    w = builder.random_constant({4, 3, 3, 3}, 1, "w");
    conv = builder.conv(x, w, kNoValue, {.pad = 1}, "conv");
    relu = builder.relu(conv, "relu");
    quantize = builder.quantize(relu, DType::kUInt8, 0.05f, "q");
    transpose = builder.transpose(quantize, {0, 2, 3, 1}, "t");
    dequantize = builder.dequantize(transpose, "y");
    builder.output(dequantize);
  }
  Graph& graph() { return builder.graph(); }
  Node& producer(ValueId id) { return graph().node(graph().value(id).producer); }
  /// The verifier's message; "" if it is content.
  std::string message() {
    const Status status = verify(graph());
    if (status.ok()) return "";
    EXPECT_EQ(status.code(), ErrorCode::kInternal);
    return status.message();
  }

  GraphBuilder builder;
  ValueId x, w, conv, relu, quantize, transpose, dequantize;
};

TEST(Verify, AcceptsAGoodGraph) { EXPECT_EQ(Sample().message(), ""); }

TEST(Verify, GraphInputs) {
  Sample sample;
  sample.graph().value(sample.x).constant = Tensor(DType::kFloat32, {1, 3, 8, 8});
  EXPECT_EQ(sample.message(), "graph input \"x\" is a constant as well");
  Sample produced;
  produced.graph().value(produced.x).producer = 0;
  EXPECT_EQ(produced.message(), "graph input \"x\" is a node's output as well");
}

TEST(Verify, OrderIsSsa) {
  Sample sample;
  sample.graph().move_after(sample.graph().value(sample.conv).producer,
                            sample.graph().value(sample.relu).producer);
  EXPECT_EQ(sample.message(), "node \"relu\" (Clip): input 0 (\"conv\") is not produced before it");
}

TEST(Verify, OperandsOfRemovedNodesAreNotProduced) {
  Sample sample;
  sample.graph().remove_node(sample.graph().value(sample.conv).producer);
  EXPECT_EQ(sample.message(), "node \"relu\" (Clip): input 0 (\"conv\") is not produced before it");
}

TEST(Verify, IdsAreInRange) {
  Sample sample;
  sample.producer(sample.relu).inputs[0] = 99;
  EXPECT_EQ(sample.message(), "node \"relu\" (Clip): input 0 has value id 99, out of range");
  Sample output;
  output.producer(output.relu).outputs[0] = -2;
  EXPECT_EQ(output.message(), "node \"relu\" (Clip): output 0 has value id -2, out of range");
}

TEST(Verify, RemovedNodesAreNotInOrder) {
  Sample sample;
  sample.producer(sample.relu).removed = true;
  EXPECT_EQ(sample.message(), "node \"relu\" (Clip) is removed, but in order");
}

TEST(Verify, ProducersAreConsistent) {
  Sample sample;
  sample.graph().value(sample.relu).producer_output = 1;
  EXPECT_EQ(sample.message(),
            "node \"relu\" (Clip): output 0 (\"relu\") names node 1, output 1 as its producer");
  Sample twice;
  twice.producer(twice.relu).outputs[0] = twice.conv;
  EXPECT_EQ(twice.message(), "node \"relu\" (Clip): output \"conv\" is defined a second time");
  Sample constant;
  constant.graph().value(constant.relu).constant = Tensor(DType::kFloat32, {1});
  EXPECT_EQ(constant.message(), "node \"relu\" (Clip): output \"relu\" is a constant");
  Sample empty;
  empty.producer(empty.relu).outputs.clear();
  EXPECT_EQ(empty.message(), "node \"relu\" (Clip): has no outputs");
}

TEST(Verify, NamesAreUniqueAndIndexed) {
  Sample sample;
  sample.graph().value(sample.relu).name = "conv";
  EXPECT_EQ(sample.message(), "value \"conv\": its name belongs to another value as well");
  Sample unindexed;
  unindexed.graph().value(unindexed.relu).name = "renamed";
  EXPECT_EQ(unindexed.message(),
            "value \"renamed\": its name is not indexed (rename_value does that)");
  Sample nameless;
  nameless.graph().value(nameless.x).name = "";
  EXPECT_EQ(nameless.message(), "value 0 has no name");
  Sample node;
  node.producer(node.relu).name = "conv";
  EXPECT_EQ(node.message(), "node \"conv\" (Clip): its name belongs to another node as well");
}

TEST(Verify, OperandCounts) {
  Sample sample;
  sample.producer(sample.relu).inputs.push_back(sample.x);
  EXPECT_EQ(sample.message(), "node \"relu\" (Clip): has 2 inputs, needs 1");
  Sample absent;
  absent.producer(absent.conv).inputs[1] = kNoValue;
  EXPECT_EQ(absent.message(), "node \"conv\" (Conv): input 1 is absent, but it is not optional");
}

TEST(Verify, ShapesEqualInference) {
  Sample sample;
  sample.graph().value(sample.conv).shape[2] = 7;
  EXPECT_EQ(sample.message(),
            "node \"conv\" (Conv): output \"conv\" has shape [batch, 4, 7, 8], inference says "
            "[batch, 4, 8, 8]");
  Sample negative;
  negative.graph().value(negative.x).shape[1] = -3;
  EXPECT_EQ(negative.message(), "value \"x\" has shape [batch, -3, 8, 8]");
}

TEST(Verify, DtypesEqualInference) {
  Sample sample;
  sample.graph().value(sample.conv).dtype = DType::kInt32;
  EXPECT_EQ(sample.message(),
            "node \"conv\" (Conv): output \"conv\" is int32, inference says float32");
}

TEST(Verify, ScalesAreExactlyOnQuantizedValues) {
  for (float scale : {-1.0f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    Sample sample;
    sample.graph().value(sample.quantize).scale = scale;
    EXPECT_EQ(sample.message(),
              fmt::format("value \"q\" has scale {}, needs a finite positive one", scale));
  }
  Sample wide;
  wide.graph().value(wide.quantize).dtype = DType::kInt32;
  EXPECT_EQ(wide.message(), "value \"q\" has scale 0.05, but is int32");
  Sample missing;
  missing.graph().value(missing.quantize).scale = 0;
  EXPECT_EQ(missing.message(), "node \"q\" (Quantize): output \"q\" has no scale");
  Sample softmax;
  const ValueId probabilities = softmax.builder.softmax(softmax.relu, 1, "p");
  softmax.graph().value(probabilities).dtype = DType::kUInt8;
  softmax.graph().value(probabilities).scale = 0.25f;
  EXPECT_EQ(softmax.message(),
            "node \"p\" (Softmax): output \"p\" has scale 0.25, but this op gives float32");
}

TEST(Verify, MovedBytesKeepTheirScale) {
  Sample sample;
  sample.graph().value(sample.transpose).scale = 0.06f;
  EXPECT_EQ(sample.message(),
            "node \"t\" (Transpose): output \"t\" is uint8 with scale 0.06, its input uint8 with "
            "scale 0.05");
}

TEST(Verify, ConstantsMatchTheirValue) {
  Sample sample;
  sample.graph().value(sample.w).constant = Tensor(DType::kFloat32, {4, 3, 3, 1});
  EXPECT_EQ(sample.message(),
            "constant \"w\" is float32[4, 3, 3, 3], its tensor float32[4, 3, 3, 1]");
  Sample empty;
  empty.graph().value(empty.w).constant = Tensor();
  EXPECT_EQ(empty.message(), "constant \"w\" has no elements");
}

TEST(Verify, GraphOutputs) {
  Sample sample;
  sample.builder.output(sample.relu, "y");
  EXPECT_EQ(sample.message(), "two graph outputs are named \"y\"");
  Sample missing;
  missing.graph().remove_node(missing.graph().value(missing.dequantize).producer);
  EXPECT_EQ(missing.message(), "graph output \"y\" is not produced");
}

TEST(Verify, EpiloguesReadTheirResiduals) {
  Sample sample;
  EpilogueOp residual;
  residual.kind = EpilogueOp::Kind::kResidual;
  residual.residual_input = 3;
  Node& conv = sample.producer(sample.conv);
  epilogue_of(conv.op)->push_back(residual);
  EXPECT_EQ(sample.message(),
            "node \"conv\" (Conv): epilogue residual is input 3, needs a present input from 3 on");
  conv.inputs.push_back(sample.x);
  EXPECT_EQ(sample.message(),
            "node \"conv\" (Conv): residual \"x\" has shape [batch, 3, 8, 8], the output "
            "[batch, 4, 8, 8]");
}

}  // namespace
}  // namespace xinfer::ir
