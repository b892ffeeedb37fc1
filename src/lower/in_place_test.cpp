// Which results are written over an operand, and which must not be.
#include "lower/in_place.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "ir/build.h"
#include "lower/lower.h"

namespace xinfer::lower {
namespace {

using ir::ValueId;

/// An image, convolutions of it, and a last layer that makes the graph's output.
class InPlaceResults : public testing::Test {
 protected:
  explicit InPlaceResults(std::int64_t channels = 16)
      : channels_(channels), image_(builder_.input("image", {1, channels, 6, 6})) {}

  ValueId conv(ValueId x, const std::string& name) {
    const ValueId weights =
        builder_.random_constant({channels_, channels_, 1, 1}, 1, name + "_weights");
    return builder_.conv(x, weights, ir::kNoValue, {}, name);
  }

  /// conv(x) + residual as fusion leaves it.
  ValueId conv_add(ValueId x, ValueId residual, const std::string& name) {
    const ValueId y = conv(x, name);
    ir::Node& node = builder_.graph().node(builder_.value(y).producer);
    node.inputs = {node.inputs[0], node.inputs[1], ir::kNoValue, residual};
    ir::EpilogueOp step;
    step.kind = ir::EpilogueOp::Kind::kResidual;
    step.residual_input = 3;
    std::get<ir::Conv>(node.op).epilogue = {step};
    return y;
  }

  bool share_bytes(const std::string& a, const std::string& b) {
    engine::BlobWriter blobs;
    const std::unique_ptr<fb::PlanT> plan = lower_cpu(builder_.finish(), {}, blobs).value();
    const auto offset = [&](const std::string& name) {
      for (const auto& tensor : plan->tensors) {
        const auto& names = tensor->names;
        if (std::count(names.begin(), names.end(), name) > 0) return tensor->offset;
      }
      throw std::runtime_error("no tensor holds " + name);
    };
    return offset(a) == offset(b);
  }

  ir::GraphBuilder builder_;
  std::int64_t channels_;
  ValueId image_;
};

TEST_F(InPlaceResults, ASumTakesThePlaceOfItsResidual) {
  const ValueId residual = conv(image_, "residual");
  const ValueId sum = conv_add(conv(residual, "branch"), residual, "sum");
  const ValueId next = conv_add(conv(sum, "branch2"), sum, "next");
  builder_.output(conv(next, "result"));
  EXPECT_TRUE(share_bytes("residual", "sum"));
  EXPECT_TRUE(share_bytes("residual", "next"));
  EXPECT_FALSE(share_bytes("residual", "branch"));
  EXPECT_FALSE(share_bytes("sum", "branch2"));
}

TEST_F(InPlaceResults, AResidualThatIsReadLaterStays) {
  const ValueId residual = conv(image_, "residual");
  const ValueId sum = conv_add(conv(residual, "branch"), residual, "sum");
  builder_.output(conv(conv_add(conv(sum, "branch2"), residual, "next"), "result"));
  EXPECT_FALSE(share_bytes("residual", "sum"));
  EXPECT_TRUE(share_bytes("residual", "next"));
}

TEST_F(InPlaceResults, AResidualThatIsAlsoMultipliedStays) {
  const ValueId residual = conv(image_, "residual");
  builder_.output(conv(conv_add(residual, residual, "sum"), "result"));
  EXPECT_FALSE(share_bytes("residual", "sum"));
}

TEST_F(InPlaceResults, ASoftmaxTakesThePlaceOfItsScores) {
  builder_.output(conv(builder_.softmax(conv(image_, "scores"), 1, "weights"), "result"));
  EXPECT_TRUE(share_bytes("scores", "weights"));
}

TEST_F(InPlaceResults, AFunctionTakesThePlaceOfItsOperand) {
  const ValueId value = builder_.unary(kernels::Unary::kSigmoid, conv(image_, "logits"), "value");
  builder_.output(builder_.softmax(value, 1, "result"));
  EXPECT_TRUE(share_bytes("logits", "value"));
}

class InPlaceResultsOf24Channels : public InPlaceResults {
 protected:
  InPlaceResultsOf24Channels() : InPlaceResults(24) {}
};

TEST_F(InPlaceResultsOf24Channels, AResidualReadBeyondItsPixelStays) {
  const ValueId residual = conv(image_, "residual");
  builder_.output(conv(conv_add(conv(residual, "branch"), residual, "sum"), "result"));
  EXPECT_FALSE(share_bytes("residual", "sum"));
}

}  // namespace
}  // namespace xinfer::lower
