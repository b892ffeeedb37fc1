#include "quant/histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "core/cpu_isa.h"
#include "quant/histogram_scan.h"

namespace xinfer::quant {
namespace {

using ::testing::HasSubstr;

constexpr float kInf = std::numeric_limits<float>::infinity();

/// Values of many magnitudes: zeros of both signs, subnormals, spikes, wide normals.
std::vector<float> mixed_values(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::uniform_int_distribution<int> kind(0, 9);
  std::uniform_real_distribution<float> exponent(-45.0f, 3.0f);
  std::vector<float> values(n);
  for (float& x : values) {
    switch (kind(random)) {
      case 0:
        x = 0.0f;
        break;
      case 1:
        x = -0.0f;
        break;
      case 2:
        x = 6.0f;
        break;
      case 3:
        x = std::exp2(exponent(random)) * normal(random);
        break;
      case 4:
        x = 1e-42f * normal(random);
        break;
      default:
        x = normal(random);
    }
  }
  return values;
}

Histogram histogram_of(std::span<const float> values) {
  Histogram h;
  h.observe(values);
  return h;
}

TEST(HistogramScan, VariantsAgreeWithTheDefinition) {
  std::vector<scan::ScanFunction> variants = {scan::scan_portable};
  if (supports(CpuIsa::kAvx2)) variants.push_back(scan::scan_avx2);
  if (supports(CpuIsa::kAvx512Vnni)) variants.push_back(scan::scan_avx512);
  const std::vector<float> values = mixed_values(scan::kBlock, 1);
  for (std::size_t n : {0u, 1u, 7u, 8u, 15u, 16u, 17u, 100u, 4095u, 4096u}) {
    for (std::uint32_t floor : {1u, 0x00800000u, 0x3f800000u, 0x7f000000u}) {
      std::vector<std::uint32_t> expected;
      std::uint32_t nonzero = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint32_t magnitude = std::bit_cast<std::uint32_t>(values[i]) & 0x7fffffffu;
        nonzero += magnitude != 0;
        if (magnitude >= floor) expected.push_back((magnitude >> scan::kShift) & scan::kRingMask);
      }
      for (std::size_t v = 0; v < variants.size(); ++v) {
        SCOPED_TRACE(fmt::format("variant {} n {} floor {:#x}", v, n, floor));
        std::vector<std::uint32_t> bins(scan::kBlock + scan::kSlack);
        scan::Block block;
        variants[v](values.data(), n, floor, bins.data(), &block);
        bins.resize(block.counted);
        EXPECT_EQ(bins, expected);
        EXPECT_EQ(block.nonzero, nonzero);
        scan::Block reference;
        std::vector<std::uint32_t> scratch(scan::kBlock + scan::kSlack);
        scan::scan_portable(values.data(), n, floor, scratch.data(), &reference);
        EXPECT_EQ(block.largest_signed, reference.largest_signed);
        EXPECT_EQ(block.largest_unsigned, reference.largest_unsigned);
        EXPECT_EQ(block.smallest_unsigned, reference.smallest_unsigned);
      }
    }
  }
}

TEST(Histogram, CountsEveryValueInItsBin) {
  const std::vector<float> values = mixed_values(50000, 2);
  const Histogram h = histogram_of(values);
  const float amax = h.amax();
  const double lowest = std::exp2(std::floor(std::log2(amax)) - 31);
  std::uint64_t zeros = 0, tiny = 0;
  std::vector<double> magnitudes;
  for (float x : values) {
    const double magnitude = std::fabs(x);
    if (magnitude == 0) {
      ++zeros;
    } else if (magnitude < lowest) {
      ++tiny;
    } else {
      magnitudes.push_back(magnitude);
    }
  }
  std::sort(magnitudes.begin(), magnitudes.end());
  EXPECT_EQ(h.count(), values.size());
  EXPECT_EQ(h.zeros(), zeros);
  EXPECT_EQ(h.tiny(), tiny);
  EXPECT_GT(tiny, 0u);
  std::uint64_t total = 0;
  for (const Bin& bin : h.bins()) {
    const auto from = std::lower_bound(magnitudes.begin(), magnitudes.end(), bin.low);
    const auto to = std::lower_bound(magnitudes.begin(), magnitudes.end(), bin.high);
    ASSERT_EQ(bin.count, static_cast<std::uint64_t>(to - from)) << bin.low;
    EXPECT_LE(bin.high - bin.low, bin.low / 2048 * (1 + 1e-12));
    total += bin.count;
  }
  EXPECT_EQ(total, magnitudes.size());
}

TEST(Histogram, ExtremaAreExactForEveryMixOfSigns) {
  const std::vector<std::vector<float>> cases = {
      {1.0f, 2.0f, 3.0f}, {-1.0f, -2.0f}, {-3.0f, 2.0f}, {0.0f, 5.0f},
      {-0.0f, 5.0f},      {-0.0f, -5.0f}, {0.0f},        {1e-42f, -1e-44f}};
  for (const std::vector<float>& values : cases) {
    const Histogram h = histogram_of(values);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    SCOPED_TRACE(values[0]);
    EXPECT_EQ(h.min(), *low);
    EXPECT_EQ(h.max(), *high);
    EXPECT_EQ(h.amax(), std::max(std::fabs(*low), std::fabs(*high)));
    EXPECT_EQ(h.has_negative(), *low < 0.0f);
    EXPECT_FALSE(std::signbit(h.max()) && h.max() == 0.0f);
  }
}

TEST(Histogram, DependsOnTheValuesAlone) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::vector<float> values = mixed_values(20000, seed);
    const Histogram whole = histogram_of(values);

    std::mt19937 random(seed);
    std::shuffle(values.begin(), values.end(), random);
    Histogram batches;
    std::vector<Histogram> shards(3);
    std::size_t begin = 0;
    while (begin < values.size()) {
      const std::size_t n = std::min<std::size_t>(random() % 5000, values.size() - begin);
      const auto part = std::span<const float>(values).subspan(begin, n);
      batches.observe(part);
      shards[random() % shards.size()].observe(part);
      begin += n;
    }
    EXPECT_TRUE(batches == whole);
    Histogram merged;
    for (int i : {2, 0, 1}) merged.merge(shards[static_cast<std::size_t>(i)]);
    EXPECT_TRUE(merged == whole);
    for (std::size_t i = 1; i < shards.size(); ++i) shards[0].merge(shards[i]);
    EXPECT_TRUE(shards[0] == whole);
  }
}

TEST(Histogram, AGrowingMaximumMovesTheWindowAsIfItHadComeFirst) {
  std::vector<float> values;
  for (int e = -149; e <= 127; ++e) values.push_back(std::ldexp(1.0f, e));
  const Histogram rising = histogram_of(values);
  Histogram one_by_one;
  for (float x : values) one_by_one.observe({&x, 1});
  std::reverse(values.begin(), values.end());
  EXPECT_TRUE(histogram_of(values) == rising);
  EXPECT_TRUE(one_by_one == rising);
  EXPECT_EQ(rising.bins().size(), 32u);
  EXPECT_EQ(rising.tiny(), values.size() - 32);
}

TEST(Histogram, SetsNonFiniteValuesAsideWithTheirSample) {
  std::vector<float> values(10000, 1.0f);
  values[9500] = kInf;
  values[7300] = std::nanf("");
  values[7301] = -kInf;
  Histogram h;
  h.observe(values, /*first_sample=*/100, /*samples=*/10);
  EXPECT_EQ(h.nan_count(), 1u);
  EXPECT_EQ(h.infinity_count(), 2u);
  EXPECT_EQ(h.first_bad_sample(), 107);
  EXPECT_EQ(h.count(), 9997u);
  EXPECT_EQ(h.amax(), 1.0f);
  const float negative_nan = -std::nanf("");
  h.observe({&negative_nan, 1}, 3);
  EXPECT_EQ(h.nan_count(), 2u);
  EXPECT_EQ(h.first_bad_sample(), 3);
}

/// Counts as a device counts them: a bin for every magnitude, zeros and what is not finite apart.
Histogram counted_elsewhere(std::span<const float> values, std::int64_t first_sample,
                            std::int64_t samples) {
  std::vector<std::uint64_t> bins(Histogram::kMagnitudeBins);
  MagnitudeCounts counts;
  bool any = false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float x = values[i];
    if (!std::isfinite(x)) {
      ++(std::isnan(x) ? counts.nans : counts.infinities);
      const std::int64_t sample =
          first_sample + static_cast<std::int64_t>(i) / (std::ssize(values) / samples);
      counts.first_bad_sample = std::min(counts.first_bad_sample.value_or(sample), sample);
      continue;
    }
    counts.min = any ? std::min(counts.min, x) : x;
    counts.max = any ? std::max(counts.max, x) : x;
    any = true;
    if (x == 0.0f) {
      ++counts.zeros;
    } else {
      ++bins[std::bit_cast<std::uint32_t>(std::fabs(x)) >> 12];
    }
  }
  counts.bins = bins;
  return Histogram::from_counts(counts);
}

TEST(Histogram, CountsOfADeviceGiveTheSameHistogram) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    std::vector<float> values = mixed_values(3000, seed);
    if (seed % 3 == 1) values[1700] = std::numeric_limits<float>::quiet_NaN();
    if (seed % 4 == 1) values[2100] = -kInf;
    Histogram observed;
    observed.observe(values, 7, 3);
    const Histogram made = counted_elsewhere(values, 7, 3);
    EXPECT_EQ(made, observed);
    EXPECT_EQ(made.nan_count(), observed.nan_count());
    EXPECT_EQ(made.infinity_count(), observed.infinity_count());
    EXPECT_EQ(made.first_bad_sample(), observed.first_bad_sample());
    EXPECT_EQ(made.zeros(), observed.zeros());
  }
  const std::vector<float> zeros(10, -0.0f);
  EXPECT_EQ(counted_elsewhere(zeros, 0, 1), histogram_of(zeros));
}

TEST(Histogram, MergingNothingChangesNothing) {
  Histogram h = histogram_of(mixed_values(1000, 3));
  const auto before = h.serialize();
  h.merge(Histogram());
  EXPECT_EQ(h.serialize(), before);
  Histogram empty;
  empty.merge(h);
  EXPECT_TRUE(empty == h);
}

TEST(Histogram, CountsBeyondThirtyTwoBitsAreExact) {
  const std::vector<float> values = mixed_values(1000, 12);
  const Histogram once = histogram_of(values);
  Histogram h = histogram_of(values);
  constexpr int kDoublings = 30;
  for (int i = 0; i < kDoublings; ++i) {
    const Histogram same = Histogram::deserialize(h.serialize()).value();
    h.merge(same);
  }
  h.observe(values);
  const std::uint64_t factor = (std::uint64_t{1} << kDoublings) + 1;
  EXPECT_EQ(h.count(), once.count() * factor);
  EXPECT_EQ(h.zeros(), once.zeros() * factor);
  const std::vector<Bin> bins = h.bins();
  const std::vector<Bin> expected = once.bins();
  ASSERT_EQ(bins.size(), expected.size());
  for (std::size_t i = 0; i < bins.size(); ++i) {
    ASSERT_EQ(bins[i].count, expected[i].count * factor) << bins[i].low;
  }
  EXPECT_TRUE(Histogram::deserialize(h.serialize()).value() == h);
  const float huge = 0x1p100f;
  h.observe({&huge, 1});
  EXPECT_EQ(h.bins().size(), 1u);
  EXPECT_EQ(h.tiny() + h.zeros() + 1, h.count());
}

TEST(Histogram, SurvivesSerialisation) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    const Histogram h = histogram_of(mixed_values(seed == 5 ? 0 : 5000, seed));
    const auto bytes = h.serialize();
    Result<Histogram> back = Histogram::deserialize(bytes);
    ASSERT_TRUE(back.ok()) << back.status().message();
    EXPECT_EQ(back->serialize(), bytes);
    EXPECT_EQ(back->amax(), h.amax());
    Histogram more = histogram_of(mixed_values(100, 9));
    back->merge(more);
    more.merge(h);
    EXPECT_TRUE(*back == more);
  }
}

TEST(Histogram, ZerosAloneSurviveSerialisation) {
  const std::vector<float> zeros(100, -0.0f);
  const Histogram h = histogram_of(zeros);
  EXPECT_EQ(h.zeros(), 100u);
  EXPECT_TRUE(h.bins().empty());
  const Result<Histogram> back = Histogram::deserialize(h.serialize());
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_TRUE(*back == h);
}

TEST(Histogram, DeserialiseRefusesDamage) {
  const auto bytes = histogram_of(mixed_values(500, 4)).serialize();
  auto other_version = bytes;
  other_version[0] = 9;
  EXPECT_THAT(Histogram::deserialize(other_version).status().message(),
              HasSubstr("histogram version 9; this build reads 1"));
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(Histogram::deserialize(std::span(bytes).first(n)).ok()) << n;
  }
  auto longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(Histogram::deserialize(longer).ok());
}

TEST(Histogram, DeserialiseSurvivesArbitraryBytes) {
  const auto original = histogram_of(mixed_values(500, 6)).serialize();
  const unsigned seed = 7;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 2000; ++i) {
    auto bytes = original;
    for (unsigned k = random() % 4 + 1; k > 0; --k) {
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    }
    Result<Histogram> read = Histogram::deserialize(bytes);
    if (!read.ok()) continue;
    read->merge(histogram_of(mixed_values(10, 8)));
    EXPECT_TRUE(Histogram::deserialize(read->serialize()).ok());
  }
}

TEST(Resample, SplitsInProportionAndKeepsTheMass) {
  const std::vector<Bin> bins = {{0.5, 1.5, 10}, {3.0, 4.0, 7}};
  EXPECT_THAT(resample(bins, 4.0, 4), ::testing::ElementsAre(5.0, 5.0, 0.0, 7.0));
  const std::vector<Bin> top = {{1.0, 2.0, 3}};  // amax itself is the bin's lower edge
  EXPECT_THAT(resample(top, 1.0, 4), ::testing::ElementsAre(0.0, 0.0, 0.0, 3.0));
}

TEST(Resample, MatchesADirectHistogramOfTheValues) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  std::vector<float> values(400000);
  for (float& x : values) x = normal(random);
  const Histogram h = histogram_of(values);
  constexpr std::size_t kBins = 2048;
  const std::vector<double> resampled = resample(h.bins(), h.amax(), kBins);
  std::vector<double> direct(kBins);
  for (float x : values) {
    const double position = std::fabs(static_cast<double>(x)) * kBins / h.amax();
    direct[std::min(static_cast<std::size_t>(position), kBins - 1)] += 1;
  }
  double total = 0;
  for (double mass : resampled) total += mass;
  EXPECT_NEAR(total, static_cast<double>(h.count() - h.zeros() - h.tiny()), 1e-3);
  // Up to a border, the two differ by less than the mass of the one source bin across it, which is
  // at most as wide as a target bin: bounded by the fullest target bin.
  const double fullest = *std::max_element(direct.begin(), direct.end());
  double sum_resampled = 0, sum_direct = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    sum_resampled += resampled[i];
    sum_direct += direct[i];
    EXPECT_NEAR(sum_resampled, sum_direct, fullest) << i;
  }
}

}  // namespace
}  // namespace xinfer::quant
