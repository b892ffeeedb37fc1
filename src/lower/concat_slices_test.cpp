// Which inputs of a concatenation are written straight into the result, and which are copied.
#include "lower/concat_slices.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "ir/build.h"
#include "lower/lower.h"

namespace xinfer::lower {
namespace {

using ir::GraphBuilder;
using ir::ValueId;

/// The plan of a graph with one concatenation.
class Plan {
 public:
  explicit Plan(const GraphBuilder& builder) : plan_(lower(builder)) {}

  const fb::ConcatT& concat() const { return *concat_step().params.AsConcat(); }

  /// The tensor that holds the graph value `name`.
  const fb::TensorT& tensor(const std::string& name) const {
    for (const auto& tensor : plan_->tensors) {
      if (std::count(tensor->names.begin(), tensor->names.end(), name) > 0) return *tensor;
    }
    throw std::runtime_error("no tensor holds " + name);
  }

  /// Is `name` channels [offset, …) of the concatenation's result?
  bool is_slice(const std::string& name, std::uint64_t offset) const {
    const fb::TensorT& slice = tensor(name);
    return slice.view_of == concat_step().outputs[0] && slice.channel_offset == offset;
  }

 private:
  static std::unique_ptr<fb::PlanT> lower(const GraphBuilder& builder) {
    engine::BlobWriter blobs;
    return lower_cpu(builder.finish(), {}, blobs).value();
  }

  const fb::StepT& concat_step() const {
    const auto step = std::find_if(plan_->steps.begin(), plan_->steps.end(), [](const auto& s) {
      return s->params.type == fb::Params::Concat;
    });
    if (step == plan_->steps.end()) throw std::runtime_error("the plan has no concatenation");
    return **step;
  }

  std::unique_ptr<fb::PlanT> plan_;
};

/// Branches of 8 and 16 channels of a 16 channel image, and what reads their concatenation.
class ConcatSlices : public testing::Test {
 protected:
  ValueId conv(ValueId x, std::int64_t channels, const std::string& name) {
    const std::int64_t inputs = builder_.value(x).shape[1].constant();
    return builder_.conv(x,
                         builder_.random_constant({channels, inputs, 1, 1}, 1, name + "_weights"),
                         ir::kNoValue, {}, name);
  }

  void join(std::vector<ValueId> inputs, std::int64_t axis = 1) {
    builder_.output(conv(builder_.concat(std::move(inputs), axis, "joined"), 4, "result"));
  }

  GraphBuilder builder_;
  ValueId image_ = builder_.input("image", {1, 16, 6, 6});
  ValueId narrow_ = conv(image_, 8, "narrow");
  ValueId wide_ = conv(image_, 16, "wide");
};

using InPlace = std::vector<bool>;

TEST_F(ConcatSlices, LayersWriteTheirChannelsOfTheResult) {
  join({narrow_, wide_});
  const Plan plan(builder_);
  EXPECT_EQ(plan.concat().in_place, (InPlace{true, true}));
  EXPECT_TRUE(plan.is_slice("narrow", 0));
  EXPECT_TRUE(plan.is_slice("wide", 8));
}

TEST_F(ConcatSlices, OtherLayersMayReadASlice) {
  join({narrow_, wide_});
  builder_.output(conv(narrow_, 4, "other"));
  EXPECT_EQ(Plan(builder_).concat().in_place, (InPlace{true, true}));
}

TEST_F(ConcatSlices, AReaderThatNeedsDenseChannelsKeepsItsInputApart) {
  join({narrow_, wide_});
  builder_.output(builder_.softmax(narrow_, 1, "probabilities"));
  const Plan plan(builder_);
  EXPECT_EQ(plan.concat().in_place, (InPlace{false, true}));
  EXPECT_EQ(plan.tensor("narrow").view_of, -1);
  EXPECT_TRUE(plan.is_slice("wide", 8));
}

TEST_F(ConcatSlices, AValueJoinedTwiceIsCopied) {
  join({narrow_, wide_, narrow_});
  const Plan plan(builder_);
  EXPECT_EQ(plan.concat().in_place, (InPlace{false, true, false}));
  EXPECT_TRUE(plan.is_slice("wide", 8));
}

TEST_F(ConcatSlices, AWriterThatFillsWholeTensorsIsCopied) {
  join({builder_.softmax(narrow_, 1, "probabilities"), wide_});
  EXPECT_EQ(Plan(builder_).concat().in_place, (InPlace{false, true}));
}

TEST_F(ConcatSlices, OnlyChannelsAreWrittenInPlace) {
  join({narrow_, conv(image_, 8, "below")}, /*axis=*/2);
  const Plan plan(builder_);
  EXPECT_EQ(std::count(plan.concat().in_place.begin(), plan.concat().in_place.end(), true), 0);
  EXPECT_EQ(plan.tensor("narrow").view_of, -1);
}

TEST_F(ConcatSlices, FunctionsOfManyChannelsWriteThem) {
  join({builder_.unary(kernels::Unary::kSigmoid, narrow_, "few"),
        builder_.unary(kernels::Unary::kSigmoid, wide_, "many")});
  const Plan plan(builder_);
  EXPECT_EQ(plan.concat().in_place, (InPlace{false, true}));
  EXPECT_TRUE(plan.is_slice("many", 8));
}

TEST_F(ConcatSlices, TheResultMayBeReadUnderOtherDimensions) {
  const ValueId joined = builder_.concat({narrow_, wide_}, 1, "joined");
  const ValueId rows = builder_.transpose(joined, {0, 2, 3, 1}, "rows");
  builder_.output(builder_.softmax(builder_.reshape(rows, {1, 36, 24}, "flat"), 2, "result"));
  EXPECT_EQ(Plan(builder_).concat().in_place, (InPlace{true, true}));
}

}  // namespace
}  // namespace xinfer::lower
