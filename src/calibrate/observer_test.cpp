#include "calibrate/observer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <thread>

namespace xinfer::calibrate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kSampleSize = 500;

std::vector<float> sample(unsigned index) {
  std::mt19937 random(index);
  std::normal_distribution<float> normal(0.0f, 1.0f + 0.01f * static_cast<float>(index));
  std::vector<float> values(kSampleSize);
  for (float& x : values) x = normal(random);
  return values;
}

DataIdentity samples(std::uint64_t count) { return {count, 1}; }

/// Observes samples [begin, end) of value "x" in batches of `batch`.
void add_range(RangeCollector* collector, unsigned begin, unsigned end, unsigned batch) {
  for (unsigned first = begin; first < end; first += batch) {
    const unsigned count = std::min(batch, end - first);  // the last batch may be short
    std::vector<float> values;
    for (unsigned i = first; i < first + count; ++i) {
      const std::vector<float> one = sample(i);
      values.insert(values.end(), one.begin(), one.end());
    }
    collector->add("x", values, first, count);
  }
}

TEST(RangeCollector, BatchSizeDoesNotMatter) {
  for (const char* text : {"auto", "entropy2", "percentile:99.9", "mse", "legacy:0.99:0.5"}) {
    const CalibratorOptions options = parse_calibrator(text).value();
    double expected = 0;
    for (unsigned batch : {1u, 7u, 32u, 120u}) {
      RangeCollector collector;
      add_range(&collector, 0, 120, batch);
      const Calibration result = collector.finish(options, "m", samples(120)).value();
      const double threshold = result.ranges.find("x")->threshold;
      if (batch == 1) expected = threshold;
      EXPECT_EQ(threshold, expected) << text << " batch " << batch;
    }
  }
}

TEST(RangeCollector, ShardsMergeToTheWhole) {
  const CalibratorOptions options = parse_calibrator("entropy2").value();
  RangeCollector whole;
  add_range(&whole, 0, 150, 10);
  const Ranges all = whole.finish(options, "m", {150, 60}).value().ranges;
  std::vector<Ranges> parts;
  for (unsigned begin : {100u, 0u, 50u}) {
    RangeCollector shard;
    add_range(&shard, begin, begin + 50, 8);
    parts.push_back(shard.finish(options, "m", {50, 20}).value().ranges);
  }
  const Ranges merged = merge_ranges(parts).value();
  EXPECT_EQ(merged.data, all.data);
  EXPECT_EQ(merged.find("x")->threshold, all.find("x")->threshold);
  EXPECT_EQ(*merged.find("x")->observed, *all.find("x")->observed);
  EXPECT_TRUE(*merged.find("x")->histogram == *all.find("x")->histogram);
}

TEST(RangeCollector, ValuesMayComeFromSeveralThreads) {
  RangeCollector collector;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 100; ++i) collector.add(fmt::format("v{}", t), sample(i), i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  ThreadPool pool(2);
  const Calibration result = collector.finish({}, "m", samples(100), &pool).value();
  ASSERT_EQ(result.ranges.size(), 4u);
  for (const auto& [name, range] : result.ranges.entries()) {
    EXPECT_EQ(range.threshold, result.ranges.find("v0")->threshold) << name;
  }
}

TEST(RangeCollector, KeepsTheOrderAndTraitsOfDeclaration) {
  RangeCollector collector;
  collector.declare("input", DType::kInt8, true);
  collector.declare("relu", DType::kUInt8, false);
  collector.add("relu", std::vector<float>{0.0f, 4.0f}, 0);
  collector.add("input", std::vector<float>{-1.0f, 1.0f}, 0);
  const Calibration result = collector.finish({}, "m", samples(1)).value();
  ASSERT_EQ(result.ranges.size(), 2u);
  EXPECT_EQ(result.ranges.entries()[0].first, "input");
  EXPECT_TRUE(result.ranges.find("input")->network_input);
  EXPECT_EQ(result.ranges.find("relu")->grid, DType::kUInt8);
  EXPECT_EQ(result.ranges.algorithm, "auto");
  EXPECT_EQ(result.ranges.model_hash, "m");
}

TEST(RangeCollector, NetworkInputsAreNeverClipped) {
  std::vector<float> pixels = sample(1);
  pixels.insert(pixels.end(), 2000, 0.4470588f);  // letterbox grey
  pixels.push_back(30.0f);
  for (const char* text : {"entropy2", "mse", "percentile:90", "auto"}) {
    RangeCollector collector;
    collector.declare("images", DType::kInt8, true);
    collector.add("images", pixels, 0);
    const CalibratorOptions options = parse_calibrator(text).value();
    const Calibration result = collector.finish(options, "m", samples(200)).value();
    EXPECT_EQ(result.ranges.find("images")->threshold, 30.0) << text;
    EXPECT_EQ(result.ranges.find("images")->calibrator, "minmax");
    EXPECT_EQ(result.ranges.find("images")->observed->clip_share, 0.0);
  }
}

TEST(RangeCollector, NanNamesTheValueAndTheFirstSample) {
  RangeCollector collector;
  add_range(&collector, 0, 10, 10);
  constexpr auto kSize = static_cast<std::size_t>(kSampleSize);
  std::vector<float> bad(4 * kSize, 1.0f);
  bad[3 * kSize] = std::nanf("");
  collector.add("late", bad, 4, 4);
  bad[3 * kSize] = -std::numeric_limits<float>::infinity();
  collector.add("early", bad, 0, 4);
  const Status status = collector.finish({}, "m", samples(10)).status();
  EXPECT_EQ(status.code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "value \"early\" holds 0 NaN and 1 infinite among 2000 numbers, the first in sample 3; "
            "calibration needs finite data");
  EXPECT_FALSE(collector.data_status().ok());
}

TEST(RangeCollector, EmptySetIsAnErrorAFewSamplesAWarning) {
  RangeCollector empty;
  EXPECT_THAT(empty.finish({}, "m", {}).status().message(),
              HasSubstr("the calibration set is empty"));
  RangeCollector few;
  add_range(&few, 0, 99, 10);
  EXPECT_THAT(few.finish({}, "m", samples(99)).value().warnings,
              ElementsAre("only 99 calibration samples; 100 or more give steadier ranges"));
  RangeCollector enough;
  add_range(&enough, 0, 100, 10);
  EXPECT_THAT(enough.finish({}, "m", samples(100)).value().warnings, IsEmpty());
}

TEST(RangeCollector, DeclaredButNeverObservedIsABug) {
  RangeCollector collector;
  collector.declare("ghost", DType::kInt8, false);
  const Status status = collector.finish({}, "m", samples(100)).status();
  EXPECT_EQ(status.code(), ErrorCode::kInternal);
  EXPECT_THAT(status.message(), HasSubstr("\"ghost\""));
}

TEST(RangeCollector, NegativeNumbersInAnUnsignedValueAreABug) {
  RangeCollector collector;
  collector.declare("relu", DType::kUInt8, false);
  collector.add("relu", std::vector<float>{1.0f, -0.5f}, 0);
  const Status status = collector.finish({}, "m", samples(100)).status();
  EXPECT_EQ(status.code(), ErrorCode::kInternal);
  EXPECT_THAT(status.message(), HasSubstr("\"relu\" was declared to be >= 0, but reached -0.5"));
}

TEST(RangeCollector, DeadAndConstantValuesGetUsableScalesAndWarnings) {
  RangeCollector collector;
  collector.add("dead", std::vector<float>(100, 0.0f), 0);
  collector.add("vanishing", std::vector<float>(100, 1e-30f), 0);
  collector.add("constant", std::vector<float>(100, -2.0f), 0);
  const Calibration result = collector.finish({}, "m", samples(100)).value();
  EXPECT_EQ(result.ranges.find("dead")->scale(), 1.0f);
  EXPECT_EQ(result.ranges.find("vanishing")->scale(), 1.0f);
  EXPECT_NEAR(result.ranges.find("constant")->threshold, 2.0, 1e-3);
  for (const auto& [name, range] : result.ranges.entries()) EXPECT_TRUE(range.usable()) << name;
  EXPECT_THAT(result.warnings,
              ElementsAre(HasSubstr("\"dead\" is zero in all samples; it gets scale 1"),
                          HasSubstr("\"vanishing\" never exceeds 1e-30"),
                          HasSubstr("\"constant\" is -2 in all samples")));
}

TEST(RangeCollector, WarnsWhereTheChosenCalibratorIsCostly) {
  std::vector<float> values;
  for (unsigned i = 0; i < 100; ++i) {
    const std::vector<float> one = sample(i);
    values.insert(values.end(), one.begin(), one.end());
  }
  RangeCollector collector;
  collector.add("x", values, 0, 100);
  const CalibratorOptions options = parse_calibrator("percentile:90").value();
  EXPECT_THAT(collector.finish(options, "m", samples(100)).value().warnings,
              ElementsAre(HasSubstr("percentile:90 clips value \"x\" at ")));
}

TEST(RangeCollector, ClippingCalibratorsSayWhatShareOfThePowerTheyClip) {
  // A transformer's massive activation: one channel in a thousand carries nearly all of the power.
  std::vector<float> values(1000, 1.0f);
  values[500] = 200.0f;
  const auto range_of = [&](const char* calibrator) {
    RangeCollector collector;
    collector.declare("image", DType::kInt8, /*network_input=*/true);
    collector.declare("x", DType::kInt8, /*network_input=*/false);
    for (std::int64_t i = 0; i < 100; ++i) collector.add("image", values, i);
    for (std::int64_t i = 0; i < 100; ++i) collector.add("x", values, i);
    const CalibratorOptions options = parse_calibrator(calibrator).value();
    const Calibration result = collector.finish(options, "m", samples(100)).value();
    EXPECT_FALSE(result.ranges.find("image")->output_error) << "inputs are never clipped";
    return *result.ranges.find("x");
  };
  EXPECT_FALSE(range_of("minmax").output_error);
  // 199^2 of 200^2 + 999.
  EXPECT_NEAR(range_of("percentile:99").output_error.value_or(0), 39601.0 / 40999.0, 1e-3);
}

TEST(RangeCollector, AutoAsksTheGivenScore) {
  RangeCollector collector;
  add_range(&collector, 0, 100, 10);
  const auto prefer_small = [](const std::string& name, const Candidate& c) {
    EXPECT_EQ(name, "x");
    return c.threshold;
  };
  const std::vector<Candidate> all = candidates(*collector.histogram("x"), DType::kInt8);
  const auto least = std::min_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.threshold < b.threshold;
  });
  const Calibration result = collector.finish({}, "m", samples(100), nullptr, prefer_small).value();
  EXPECT_EQ(result.ranges.find("x")->threshold, least->threshold);
  EXPECT_EQ(result.ranges.find("x")->calibrator, least->calibrator);
}

}  // namespace
}  // namespace xinfer::calibrate
