#include "calibrate/ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace xinfer::calibrate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ValueRange with_threshold(double threshold) {
  ValueRange range;
  range.threshold = threshold;
  return range;
}

Ranges ranges_of(std::vector<std::string> names) {
  Ranges ranges;
  ranges.model_hash = "abc";
  ranges.algorithm = "minmax";
  for (std::string& name : names) ranges.insert(std::move(name), with_threshold(1.0));
  return ranges;
}

TEST(Ranges, KeepsOrderAndRefusesASecondEntry) {
  Ranges ranges = ranges_of({"b", "a"});
  EXPECT_FALSE(ranges.insert("b", with_threshold(9.0)));
  EXPECT_EQ(ranges.find("b")->threshold, 1.0);
  EXPECT_EQ(ranges.find("c"), nullptr);
  EXPECT_EQ(ranges.entries()[0].first, "b");
}

TEST(Ranges, ScaleIsThresholdOver127RoundedOnce) {
  EXPECT_EQ(with_threshold(2.5).scale(), static_cast<float>(2.5 / 127));
  EXPECT_FALSE(with_threshold(0.0).usable());
  EXPECT_FALSE(with_threshold(std::nan("")).usable());
}

TEST(DataIdentity, DoesNotDependOnOrder) {
  const std::array<std::byte, 2> a{std::byte{1}, std::byte{2}};
  const std::array<std::byte, 2> b{std::byte{3}, std::byte{4}};
  DataIdentity ab, ba, only_a, only_b;
  ab.add(a);
  ab.add(b);
  ba.add(b);
  ba.add(a);
  only_a.add(a);
  only_b.add(b);
  EXPECT_EQ(ab, ba);
  EXPECT_NE(only_a, only_b);
  only_a.add(only_b);
  EXPECT_EQ(only_a, ab);
  EXPECT_EQ(ab.count, 2u);
}

TEST(MatchRanges, SameModelAndValuesMatch) {
  const std::vector<std::string> names = {"a", "b"};
  const RangeMatch match =
      match_ranges(ranges_of({"a", "b"}), names, "abc", CacheMismatch::kRefuse).value();
  EXPECT_THAT(match.missing, IsEmpty());
  EXPECT_THAT(match.unknown, IsEmpty());
  EXPECT_THAT(match.notes, IsEmpty());
}

TEST(MatchRanges, RefusesOtherModelsAndNamesNamingTheDifferences) {
  const std::vector<std::string> names = {"a", "c"};
  const Status status =
      match_ranges(ranges_of({"a", "b"}), names, "xyz", CacheMismatch::kRefuse).status();
  EXPECT_EQ(status.code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "the calibration cache does not fit the model; it was made for model abc, this is xyz; "
            "it lacks 1 value (\"c\"); the model does not have its 1 value (\"b\"). Calibrate "
            "again, or pass --cache-mismatch=partial to use what fits");
  EXPECT_FALSE(match_ranges(ranges_of({"a", "c"}), names, "xyz", CacheMismatch::kRefuse).ok());
}

TEST(MatchRanges, PartialUsesWhatFits) {
  const std::vector<std::string> names = {"a", "c"};
  const RangeMatch match =
      match_ranges(ranges_of({"a", "b"}), names, "xyz", CacheMismatch::kPartial).value();
  EXPECT_THAT(match.missing, ElementsAre("c"));
  EXPECT_THAT(match.unknown, ElementsAre("b"));
  EXPECT_THAT(match.notes, ElementsAre(HasSubstr("fits the model in part")));
}

TEST(MatchRanges, TensorRtCachesMayNameOtherValues) {
  Ranges ranges = ranges_of({"a", "(Unnamed Layer* 3) [Shuffle]_output"});
  ranges.origin = RangeOrigin::kTensorRt;
  ranges.model_hash.clear();
  const std::vector<std::string> names = {"a", "c"};
  const RangeMatch match = match_ranges(ranges, names, "xyz", CacheMismatch::kRefuse).value();
  EXPECT_THAT(match.missing, ElementsAre("c"));
  EXPECT_THAT(match.notes, ElementsAre(HasSubstr("it lacks 1 value (\"c\")")));
}

TEST(MatchRanges, UnusableScalesCountAsMissing) {
  Ranges ranges = ranges_of({"a"});
  ranges.origin = RangeOrigin::kTensorRt;
  ranges.insert("zero", with_threshold(0.0));
  const std::vector<std::string> names = {"a", "zero"};
  const RangeMatch match = match_ranges(ranges, names, "", CacheMismatch::kRefuse).value();
  EXPECT_THAT(match.missing, ElementsAre("zero"));
  EXPECT_THAT(match.notes[0], HasSubstr("value \"zero\" has scale 0 in the cache"));
}

TEST(MatchRanges, NothingInCommonFailsEvenIfPartial) {
  const std::vector<std::string> names = {"p", "q", "r", "s", "t", "u", "v"};
  const Status status =
      match_ranges(ranges_of({"a"}), names, "abc", CacheMismatch::kPartial).status();
  EXPECT_THAT(status.message(),
              HasSubstr("none of the model's 7 values (\"p\", \"q\", \"r\", \"s\", \"t\", …)"));
}

TEST(MergeRanges, RefusesWhatDoesNotBelongTogether) {
  const auto message = [](const Ranges& a, const Ranges& b) {
    const std::vector<Ranges> parts = {a, b};
    return merge_ranges(parts).status().message();
  };
  const auto with_histograms = [](Ranges ranges) {
    for (const char* name : {"a", "b"}) {
      if (ValueRange* range = ranges.find(name)) {
        range->histogram = std::make_shared<quant::Histogram>();
      }
    }
    return ranges;
  };
  const Ranges good = with_histograms(ranges_of({"a", "b"}));
  Ranges other_model = good;
  other_model.model_hash = "xyz";
  EXPECT_THAT(message(good, other_model), HasSubstr("part 1 is of model xyz, part 0 of abc"));
  Ranges other_algorithm = good;
  other_algorithm.algorithm = "mse";
  EXPECT_THAT(message(good, other_algorithm), HasSubstr("part 1 used calibrator mse"));
  EXPECT_THAT(message(good, with_histograms(ranges_of({"a"}))),
              HasSubstr("part 1 has no value \"b\""));
  EXPECT_THAT(message(with_histograms(ranges_of({"a"})), good),
              HasSubstr("part 1 has value \"b\", part 0 has not"));
  EXPECT_THAT(message(good, ranges_of({"a", "b"})),
              HasSubstr("part 1 has no histogram for value \"a\""));
  EXPECT_FALSE(merge_ranges({}).ok());
}

}  // namespace
}  // namespace xinfer::calibrate
