// Which steps may run as a chain, and what memory is planned for them.
#include "lower/chains.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "ir/build.h"
#include "lower/lower.h"

namespace xinfer::lower {
namespace {

using ir::ValueId;

/// An image of 16 channels, inverted residuals of 32 channels inside, and a last layer.
class Chains : public testing::Test {
 protected:
  Chains() : image_(builder_.input("image", {1, 16, 6, 6})) {}

  ValueId pointwise(ValueId x, std::int64_t from, std::int64_t to, const std::string& name) {
    const ValueId weights = builder_.random_constant({to, from, 1, 1}, 1, name + "_weights");
    return builder_.conv(x, weights, ir::kNoValue, {}, name);
  }

  ValueId depthwise(ValueId x, std::int64_t channels, const std::string& name) {
    const ValueId weights = builder_.random_constant({channels, 1, 3, 3}, 1, name + "_weights");
    return builder_.conv(x, weights, ir::kNoValue, {.pad = 1, .groups = channels}, name);
  }

  ValueId inverted_residual(ValueId x, const std::string& name) {
    const ValueId expanded = pointwise(x, 16, 32, name + "_expanded");
    return pointwise(depthwise(expanded, 32, name + "_filtered"), 32, 16, name);
  }

  /// Adds `residual` to what the convolution `y` computes, as fusion leaves it.
  void add_residual(ValueId y, ValueId residual) {
    ir::Node& node = builder_.graph().node(builder_.value(y).producer);
    node.inputs = {node.inputs[0], node.inputs[1], ir::kNoValue, residual};
    ir::EpilogueOp step;
    step.kind = ir::EpilogueOp::Kind::kResidual;
    step.residual_input = 3;
    std::get<ir::Conv>(node.op).epilogue = {step};
  }

  const fb::PlanT& lower() {
    engine::BlobWriter blobs;
    plan_ = lower_cpu(builder_.finish(), {}, blobs).value();
    return *plan_;
  }

  /// The first name of every chain's steps, by the names of their results.
  std::vector<std::string> chains() {
    std::vector<std::string> found;
    const fb::PlanT& plan = lower();
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
      if (plan.steps[i]->chain == 0) continue;
      std::string text;
      for (std::size_t k = i; k < i + plan.steps[i]->chain; ++k) {
        const auto output = static_cast<std::size_t>(plan.steps[k]->outputs[0]);
        text += (text.empty() ? "" : " ") + plan.tensors[output]->names.at(0);
      }
      found.push_back(text);
    }
    return found;
  }

  std::uint64_t offset(const std::string& name) const {
    for (const auto& tensor : plan_->tensors) {
      if (std::count(tensor->names.begin(), tensor->names.end(), name) > 0) return tensor->offset;
    }
    throw std::runtime_error("no tensor holds " + name);
  }

  ir::GraphBuilder builder_;
  ValueId image_;
  std::unique_ptr<fb::PlanT> plan_;
};

using Found = std::vector<std::string>;

TEST_F(Chains, AnInvertedResidualIsOne) {
  const ValueId x = pointwise(image_, 16, 16, "x");
  const ValueId second = inverted_residual(inverted_residual(x, "first"), "second");
  builder_.output(pointwise(second, 16, 16, "result"));
  EXPECT_EQ(chains(), (Found{"first_expanded first_filtered first",
                             "second_expanded second_filtered second"}));
}

TEST_F(Chains, AnExpansionAloneIsOneWithItsDepthwiseLayer) {
  const ValueId filtered = depthwise(pointwise(image_, 16, 32, "expanded"), 32, "filtered");
  const ValueId weights = builder_.random_constant({16, 32, 3, 3}, 1, "weights");
  builder_.output(builder_.conv(filtered, weights, ir::kNoValue, {}, "result"));
  EXPECT_EQ(chains(), (Found{"expanded filtered"}));
}

TEST_F(Chains, ADepthwiseLayerWithoutExpansionIsNone) {
  builder_.output(pointwise(depthwise(image_, 16, "filtered"), 16, 16, "result"));
  EXPECT_EQ(chains(), Found{});
}

TEST_F(Chains, AnExpansionThatIsReadTwiceStays) {
  const ValueId expanded = pointwise(image_, 16, 32, "expanded");
  const ValueId result = pointwise(depthwise(expanded, 32, "filtered"), 32, 16, "result");
  builder_.output(result);
  builder_.output(pointwise(expanded, 32, 16, "other"));
  EXPECT_EQ(chains(), Found{});
}

TEST_F(Chains, ADepthwiseResultThatIsAnOutputEndsThem) {
  const ValueId filtered = depthwise(pointwise(image_, 16, 32, "expanded"), 32, "filtered");
  builder_.output(filtered);
  builder_.output(pointwise(filtered, 32, 16, "result"));
  EXPECT_EQ(chains(), (Found{"expanded filtered"}));
}

TEST_F(Chains, AnExpansionWithAResidualStays) {
  const ValueId x = pointwise(image_, 16, 32, "x");
  const ValueId expanded = pointwise(x, 32, 32, "expanded");
  add_residual(expanded, x);
  builder_.output(pointwise(depthwise(expanded, 32, "filtered"), 32, 16, "result"));
  EXPECT_EQ(chains(), Found{});
}

TEST_F(Chains, TheResultLeavesTheInputAlone) {
  const ValueId x = pointwise(image_, 16, 16, "x");
  const ValueId plain = inverted_residual(x, "plain");
  const ValueId sum = inverted_residual(plain, "sum");
  add_residual(sum, plain);
  builder_.output(pointwise(sum, 16, 16, "result"));
  ASSERT_EQ(chains().size(), 2u);
  EXPECT_NE(offset("x"), offset("plain"));
  EXPECT_NE(offset("plain"), offset("sum")) << "its residual is what the expansion reads";
}

}  // namespace
}  // namespace xinfer::lower
