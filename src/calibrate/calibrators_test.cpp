// Calibrators against plain reference implementations and known distributions.
#include "calibrate/calibrators.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "calibrate/race.h"
#include "quant/quantize.h"

namespace xinfer::calibrate {
namespace {

using quant::Histogram;

Histogram histogram_of(const std::vector<float>& values) {
  Histogram h;
  h.observe(values);
  return h;
}

std::vector<float> draw(std::size_t n, unsigned seed,
                        const std::function<float(std::mt19937&)>& f) {
  std::mt19937 random(seed);
  std::vector<float> values(n);
  for (float& x : values) x = f(random);
  return values;
}

std::vector<float> normal_values(std::size_t n, unsigned seed) {
  std::normal_distribution<float> normal;
  return draw(n, seed, [=](std::mt19937& random) mutable { return normal(random); });
}

/// KL(P || Q) for one k, word for word as documented, bin by bin.
double plain_divergence(const std::vector<double>& h, std::size_t k) {
  std::vector<double> p(h.begin(), h.begin() + static_cast<std::ptrdiff_t>(k));
  for (std::size_t i = k; i < h.size(); ++i) p[k - 1] += h[i];
  std::vector<double> q(k);
  const double width = static_cast<double>(k) / 128;
  for (int level = 0; level < 128; ++level) {
    const double from = level * width, to = (level + 1) * width;
    double mass = 0, filled = 0;
    const auto overlap = [&](std::size_t i) {
      const double bin = static_cast<double>(i);
      return std::max(0.0, std::min(to, bin + 1) - std::max(from, bin));
    };
    for (std::size_t i = 0; i < k; ++i) {
      mass += overlap(i) * h[i];
      if (p[i] > 0) filled += overlap(i);
    }
    for (std::size_t i = 0; i < k; ++i) {
      if (p[i] > 0 && filled > 0) q[i] += overlap(i) * mass / filled;
    }
  }
  double sum_p = 0, sum_q = 0;
  for (double mass : p) sum_p += mass;
  for (double mass : q) sum_q += mass;
  if (sum_q == 0) return std::numeric_limits<double>::infinity();
  double divergence = 0;
  for (std::size_t i = 0; i < k; ++i) {
    if (p[i] == 0) continue;
    if (q[i] == 0) return std::numeric_limits<double>::infinity();
    divergence += p[i] / sum_p * std::log((p[i] / sum_p) / (q[i] / sum_q));
  }
  return divergence;
}

void expect_least_divergence(const std::vector<double>& h) {
  const std::size_t found = least_divergence_bins(h);
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t k = 128; k <= h.size(); ++k) least = std::min(least, plain_divergence(h, k));
  // Equal but for the rounding of sums of up to 2048 logarithms below 40: 2048 * 40 * 2^-53.
  EXPECT_NEAR(plain_divergence(h, found), least, 1e-11) << "k = " << found;
}

TEST(Entropy, AgreesWithThePlainForm) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<double> h(300 + 20 * seed);
    for (std::size_t i = 0; i < h.size(); ++i) {
      const double x = static_cast<double>(i) / static_cast<double>(h.size());
      const double expected = 1e5 * std::exp(-(4.0 + seed) * x);
      h[i] = std::poisson_distribution<int>(expected)(random);
      if (seed % 2 == 0 && random() % 3 == 0) h[i] = 0;  // holes
    }
    h.back() += 1;
    expect_least_divergence(h);
  }
}

TEST(Entropy, AgreesWithThePlainFormOnSparseHistograms) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<double> h(400);
    for (int i = 0; i < 25; ++i) h[random() % h.size()] = random() % 1000;
    h.back() = 1;
    expect_least_divergence(h);
  }
}

TEST(Entropy, KeepsAUniformDistributionWhole) {
  std::uniform_real_distribution<float> uniform(0.0f, 1.0f);
  const auto values = draw(500000, 3, [=](std::mt19937& r) mutable { return uniform(r); });
  const Histogram h = histogram_of(values);
  EXPECT_DOUBLE_EQ(entropy_threshold(h), 2048.5 / 2048 * h.amax());
}

TEST(Entropy, ThresholdLiesOnTheHalfBinGridOfPublishedCaches) {
  const Histogram h = histogram_of(normal_values(300000, 4));
  const double k = entropy_threshold(h) * 2048 / h.amax() - 0.5;
  EXPECT_NEAR(k, std::round(k), 1e-9);
  EXPECT_GE(k, 128);
  EXPECT_LE(k, 2048);
}

TEST(Entropy, ClipsTheLongTailOfANormalDistribution) {
  std::vector<float> values = normal_values(1000000, 5);
  values.push_back(60.0f);  // one outlier, twelve times the rest
  const Histogram h = histogram_of(values);
  const double threshold = entropy_threshold(h);
  EXPECT_LT(threshold, 0.25 * h.amax());
  EXPECT_GT(threshold, 2.0);
}

TEST(Entropy, ZerosOfAReluDoNotEnter) {
  std::vector<float> values = normal_values(200000, 6);
  for (float& x : values) x = std::fabs(x);
  const double without = entropy_threshold(histogram_of(values));
  values.resize(values.size() * 4, 0.0f);
  EXPECT_EQ(entropy_threshold(histogram_of(values)), without);
}

TEST(Entropy, PaddingSpikeDoesNotDecide) {
  // A letterboxed image: 44 % of the pixels are the grey 114 / 255.
  std::uniform_real_distribution<float> pixel(0.0f, 1.0f);
  auto values = draw(200000, 7, [=](std::mt19937& r) mutable { return pixel(r); });
  const double plain = entropy_threshold(histogram_of(values));
  values.insert(values.end(), 160000, 114.0f / 255.0f);
  const double padded = entropy_threshold(histogram_of(values));
  EXPECT_GT(padded, 0.95);
  EXPECT_NEAR(padded, plain, 0.05);
}

TEST(Entropy, NeverClipsAPointMass) {
  std::vector<float> values = normal_values(200000, 8);
  values.insert(values.end(), 20000, 20.0f);  // far out, but a tenth of the values
  values.push_back(40.0f);
  EXPECT_GE(entropy_threshold(histogram_of(values)), 20.0);
}

TEST(Entropy, SaturatedActivationKeepsItsMaximum) {
  auto values = normal_values(200000, 9);
  for (float& x : values) x = std::clamp(4.0f * x + 3.0f, 0.0f, 6.0f);  // ReLU6, a fifth at 6
  EXPECT_GE(entropy_threshold(histogram_of(values)), 0.99 * 6.0);
}

TEST(Percentile, KeepsItsShareOfAllValues) {
  std::vector<float> values(10000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i + 1);
  const Histogram h = histogram_of(values);
  // Exact but for the bin's width, 1/2048 of the value.
  EXPECT_NEAR(percentile_threshold(h, 99.0), 9900, 9900 / 2048.0);
  EXPECT_NEAR(percentile_threshold(h, 50.0), 5000, 5000 / 2048.0);
  EXPECT_EQ(percentile_threshold(h, 100.0), 10000);
  EXPECT_NEAR(clip_share(h, percentile_threshold(h, 99.0)), 0.01, 1e-9);
}

TEST(Percentile, NeverGivesZero) {
  std::vector<float> values(100000, 0.0f);
  values[5] = 3.0f;
  EXPECT_EQ(percentile_threshold(histogram_of(values), 99.9), 3.0);
}

double brute_force_error(const std::vector<float>& values, double threshold, DType grid) {
  const double step = threshold / quant::limits_of(grid).max;
  double sum = 0;
  for (float x : values) {
    const double magnitude = std::fabs(static_cast<double>(x));
    const double q =
        std::min(std::nearbyint(magnitude / step), static_cast<double>(quant::limits_of(grid).max));
    sum += (magnitude - q * step) * (magnitude - q * step);
  }
  return sum / static_cast<double>(values.size());
}

class Mse : public ::testing::TestWithParam<DType> {};

TEST_P(Mse, ExpectedErrorMatchesBruteForce) {
  const std::vector<float> values = normal_values(100000, 10);
  const Histogram h = histogram_of(values);
  for (double share : {1.0, 0.7, 0.4, 0.1}) {
    const double threshold = share * h.amax();
    const ExpectedError error = expected_error(h, threshold, GetParam());
    // A value moves by at most half its bin, 2^-12 of itself, so the root mean square of the error
    // moves by at most 2^-12 of the root mean square of the values, which is 1.
    const double exact = std::sqrt(brute_force_error(values, threshold, GetParam()));
    EXPECT_NEAR(std::sqrt(error.rounding + error.clipping), exact, 1.01 / 4096) << share;
  }
}

TEST_P(Mse, ThresholdIsTheBruteForceMinimum) {
  std::vector<float> values = normal_values(50000, 11);
  values.push_back(35.0f);
  const Histogram h = histogram_of(values);
  double least = std::numeric_limits<double>::infinity();
  for (int i = 1; i <= 400; ++i) {
    least = std::min(least, brute_force_error(values, h.amax() * i / 400.0, GetParam()));
  }
  const double found = brute_force_error(values, mse_threshold(h, GetParam()), GetParam());
  EXPECT_LE(found, least * 1.01);
}

INSTANTIATE_TEST_SUITE_P(Grids, Mse, ::testing::Values(DType::kInt8, DType::kUInt8));

TEST(MseThreshold, UnsignedGridAffordsAWiderRange) {
  auto values = normal_values(200000, 12);
  for (float& x : values) x = std::fabs(x) * std::fabs(x);
  const Histogram h = histogram_of(values);
  EXPECT_GT(mse_threshold(h, DType::kUInt8), mse_threshold(h, DType::kInt8));
}

TEST(Legacy, QuantileWithoutCutoffRegressionWithOne) {
  const auto values =
      draw(1000000, 13, [](std::mt19937& r) { return std::exponential_distribution<float>(2)(r); });
  const Histogram h = histogram_of(values);
  EXPECT_EQ(legacy_threshold(h, 0.999, 1.0), percentile_threshold(h, 99.9));
  // Counts fall as n * w * 2 * exp(-2 x): one value a bin of width w = amax / 2048 is reached at
  const double width = h.amax() / 2048.0;
  const double expected = std::log(1e6 * width * 2) / 2;
  EXPECT_NEAR(legacy_threshold(h, 0.999, 0.5), expected, 0.05 * expected);
  EXPECT_LE(legacy_threshold(h, 0.999, 0.5), h.amax());
}

TEST(Race, SwishLikeTensorIsNotGivenToEntropy) {
  // x * sigmoid(x): a dense lobe in [-0.28, 0], a sparse positive side that carries the signal.
  std::normal_distribution<float> normal(-2.0f, 3.0f);
  const auto values = draw(300000, 14, [=](std::mt19937& r) mutable {
    const float x = normal(r);
    return x / (1.0f + std::exp(-x));
  });
  const Histogram h = histogram_of(values);
  const Candidate chosen = choose_by_error(candidates(h, DType::kInt8), [&](const Candidate& c) {
    return proxy_score(h, c, DType::kInt8);
  });
  const ExpectedError minmax = expected_error(h, h.amax(), DType::kInt8);
  const ExpectedError best = expected_error(h, chosen.threshold, DType::kInt8);
  EXPECT_LE(best.rounding + best.clipping, minmax.rounding + minmax.clipping);
  EXPECT_LT(clip_share(h, chosen.threshold), 1e-3);
}

TEST(Race, ListsDistinctCandidatesMinMaxFirst) {
  const Histogram h = histogram_of(normal_values(300000, 15));
  const std::vector<Candidate> all = candidates(h, DType::kInt8);
  ASSERT_GE(all.size(), 3u);
  EXPECT_EQ(all[0].calibrator, "minmax");
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_GT(std::fabs(all[i].threshold - all[j].threshold), 1e-3 * all[j].threshold);
    }
  }
}

TEST(Race, TheLeastScoreWinsEqualsClipLessNanNever) {
  const std::vector<Candidate> all = {{"a", 3.0}, {"b", 1.0}, {"c", 2.0}};
  const auto score_of = [](double a, double b, double c) {
    return [=](const Candidate& x) {
      return x.calibrator == "a" ? a : x.calibrator == "b" ? b : c;
    };
  };
  EXPECT_EQ(choose_by_error(all, score_of(3, 1, 2)).calibrator, "b");
  EXPECT_EQ(choose_by_error(all, score_of(9, 1, 1)).calibrator, "c");
  EXPECT_EQ(choose_by_error(all, score_of(2, std::nan(""), 3)).calibrator, "a");
}

TEST(Thresholds, AllZeroTensorsGiveZeroEverywhere) {
  const Histogram h = histogram_of(std::vector<float>(1000, 0.0f));
  for (Algorithm algorithm : {Algorithm::kMinMax, Algorithm::kEntropy2, Algorithm::kEntropy,
                              Algorithm::kPercentile, Algorithm::kMse, Algorithm::kLegacy}) {
    EXPECT_EQ(threshold_of(h, {.algorithm = algorithm, .cutoff = 0.5}, DType::kInt8), 0.0);
  }
}

TEST(Thresholds, ConstantTensorsKeepTheirValue) {
  const Histogram h = histogram_of(std::vector<float>(1000, -2.5f));
  for (Algorithm algorithm : {Algorithm::kMinMax, Algorithm::kEntropy2, Algorithm::kPercentile,
                              Algorithm::kMse, Algorithm::kLegacy}) {
    const double threshold = threshold_of(h, {.algorithm = algorithm}, DType::kInt8);
    EXPECT_NEAR(threshold, 2.5, 2.5 / 2000) << static_cast<int>(algorithm);
  }
}

}  // namespace
}  // namespace xinfer::calibrate
