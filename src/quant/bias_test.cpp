#include "quant/bias.h"

#include <gtest/gtest.h>

#include <limits>

namespace xinfer::quant {
namespace {

TEST(GridBias, RoundsHalfToEvenStepsOfEveryChannel) {
  const std::vector<float> bias = {0.625f, 0.875f, -0.625f, 10.0f};
  const std::vector<float> weight_scales = {0.5f, 0.5f, 0.5f, 4.0f};
  const auto gridded = grid_bias(bias, 0.5f, weight_scales);
  ASSERT_TRUE(gridded);
  EXPECT_EQ(gridded->scales, (std::vector<float>{0.25f, 0.25f, 0.25f, 2.0f}));
  EXPECT_EQ(gridded->steps, (std::vector<std::int32_t>{2, 4, -2, 5}));  // of 2.5, 3.5, -2.5, 5
  EXPECT_EQ(gridded->values(), (std::vector<float>{0.5f, 1.0f, -0.5f, 10.0f}));
}

TEST(GridBias, OneBiasBeyondInt32LeavesAllAsTheyAre) {
  const std::vector<float> weight_scales = {1.0f, 1.0f};
  EXPECT_TRUE(grid_bias(std::vector<float>{1.0f, -2147483520.0f}, 1.0f, weight_scales));
  EXPECT_FALSE(grid_bias(std::vector<float>{1.0f, 2147483648.0f}, 1.0f, weight_scales));
  EXPECT_FALSE(grid_bias(std::vector<float>{1.0f, -2147483648.0f}, 1.0f, weight_scales));
}

TEST(GridBias, AStepOfZeroHasNoGrid) {
  const float tiny = std::numeric_limits<float>::min();
  EXPECT_FALSE(grid_bias(std::vector<float>{0.0f}, tiny, std::vector<float>{tiny}));
  EXPECT_FALSE(grid_bias(std::vector<float>{1.0f}, tiny, std::vector<float>{tiny}));
}

}  // namespace
}  // namespace xinfer::quant
