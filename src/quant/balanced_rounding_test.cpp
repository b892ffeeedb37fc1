#include "quant/balanced_rounding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace xinfer::quant {
namespace {

using ::testing::ElementsAre;

std::vector<int> rounded(const std::vector<float>& weights, std::int64_t taps,
                         std::int64_t inputs) {
  std::vector<std::int8_t> values(weights.size());
  round_balanced(weights, taps, inputs, values);
  return {values.begin(), values.end()};
}

TEST(BalancedRounding, KeepsNearestWhileTheErrorsCancel) {
  EXPECT_THAT(rounded({0.4f, -0.4f, 2.6f, 0.5f, 7.0f}, 1, 5), ElementsAre(0, 0, 3, 0, 7));
}

TEST(BalancedRounding, TurnsTheRoundingNearestToAHalf) {
  // Nearest rounding loses 0.3 + 0.4 + 0.2 + 0.1 = 1: the 0.4 goes up.
  EXPECT_THAT(rounded({1.3f, 5.4f, 0.2f, 3.1f}, 1, 4), ElementsAre(1, 6, 0, 3));
  // Equal prices: the first.
  EXPECT_THAT(rounded({0.25f, 0.25f, 0.25f, 0.25f}, 1, 4), ElementsAre(1, 0, 0, 0));
}

TEST(BalancedRounding, BalancesEveryInputBeforeTheChannel) {
  // [taps = 2][inputs = 2]. Input 0 loses 0.8 over its taps, input 1 gains as much: the channel is
  // balanced from the start, its inputs are not.
  EXPECT_THAT(rounded({0.4f, 1.6f, 0.4f, 1.6f}, 2, 2), ElementsAre(1, 1, 0, 2));
}

TEST(BalancedRounding, NeverLeavesTheGrid) {
  EXPECT_THAT(rounded({127.0f, 126.6f, 126.6f, 126.6f, 126.6f}, 1, 5),
              ElementsAre(127, 126, 126, 127, 127));
  EXPECT_THAT(rounded({127.00001f, -127.00001f}, 1, 2), ElementsAre(127, -127));
}

TEST(BalancedRounding, HoldsItsBoundsOnRandomChannels) {
  const unsigned seed = 20260;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> weight(-100.0f, 100.0f);
  for (int round = 0; round < 400; ++round) {
    const std::int64_t taps = 1 + static_cast<std::int64_t>(random() % 25);
    const std::int64_t inputs = 1 + static_cast<std::int64_t>(random() % 70);
    std::vector<float> weights(static_cast<std::size_t>(taps * inputs));
    for (float& w : weights) w = weight(random);
    const std::vector<int> values = rounded(weights, taps, inputs);

    double channel = 0.0;
    std::vector<double> by_input(static_cast<std::size_t>(inputs));
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double error = static_cast<double>(values[i]) - weights[i];
      EXPECT_LT(std::fabs(error), 1.0) << "weight " << weights[i] << " became " << values[i];
      channel += error;
      by_input[i % static_cast<std::size_t>(inputs)] += error;
    }
    // The sums are of float32 errors, each exact: only these doubles' own rounding is allowed for.
    EXPECT_LE(std::fabs(channel), 0.5 + 1e-9) << taps << " taps, " << inputs << " inputs";
    for (double sum : by_input) EXPECT_LE(std::fabs(sum), 1.0 + 1e-9);
  }
}

TEST(BalancedRounding, AcceptsAnEmptyChannel) { EXPECT_TRUE(rounded({}, 9, 0).empty()); }

}  // namespace
}  // namespace xinfer::quant
