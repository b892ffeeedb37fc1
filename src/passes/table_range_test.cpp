#include "passes/table_range.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace xinfer::passes {
namespace {

using quant::Encoding;

double silu(double x) { return x / (1.0 + std::exp(-x)); }
double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

/// Largest move, in output steps, that clamping an input of [-full, full] to `cut` causes.
double largest_move(double (*function)(double), double full, const TableRange& cut,
                    const Encoding& output) {
  const double low = output.dtype == DType::kUInt8 ? 0 : -128;
  const double high = output.dtype == DType::kUInt8 ? 255 : 127;
  double move = 0;
  for (int i = -5000; i <= 5000; ++i) {
    const double x = full * i / 5000;
    const auto steps = [&](double v) {
      return std::clamp(function(v) / static_cast<double>(output.scale), low, high);
    };
    move = std::max(move, std::fabs(steps(x) - steps(std::clamp(x, cut.low, cut.high))));
  }
  return move;
}

TEST(TableRange, EndsWhereTheOutputSaturates) {
  const Encoding output = {DType::kInt8, 0.1f};  // T = 12.7
  const TableRange cut = useful_table_range(silu, 83.5, output);
  EXPECT_NEAR(cut.high, 12.7, 0.15);  // two points of the 2,032 a side
  EXPECT_NEAR(cut.low, -4.6, 0.15);   // where SiLU is half a step
  EXPECT_LE(largest_move(silu, 83.5, cut, output), 0.5);
}

TEST(TableRange, KeepsTheTailOnTheOtherSide) {
  // Fine output steps: a SiLU of -6 is -0.015, fifteen of them, though the output ends at 0.127.
  const Encoding output = {DType::kInt8, 0.001f};
  const TableRange cut = useful_table_range(silu, 20, output);
  EXPECT_GT(-cut.low, 8);
  EXPECT_LT(-cut.low, 11);
  EXPECT_EQ(cut.threshold(), -cut.low);
  EXPECT_LE(largest_move(silu, 20, cut, output), 0.5);
}

TEST(TableRange, CutsASigmoidWhereItIsFlat) {
  const Encoding output = {DType::kUInt8, 1.0f / 255};
  const TableRange cut = useful_table_range(sigmoid, 30, output);
  EXPECT_NEAR(cut.high, std::log(510), 0.03);  // 1 / (1 + e^x) is half a step
  EXPECT_NEAR(cut.low, -std::log(510), 0.03);
}

TEST(TableRange, ASideWithoutMovementEndsAtZero) {
  const TableRange cut =
      useful_table_range([](double x) { return std::max(x, 0.0); }, 4, {DType::kUInt8, 4.0f / 255});
  EXPECT_EQ(cut.low, 0);
  EXPECT_NEAR(cut.high, 4, 4.0 / 127);
  EXPECT_NEAR(cut.half(), 2, 2.0 / 127);
}

TEST(TableRange, LeavesARangeThatIsUsedWhole) {
  const TableRange whole = useful_table_range(silu, 3, {DType::kInt8, 3.0f / 127});
  EXPECT_NEAR(whole.low, -3, 0.15);  // where SiLU rises by half a step from what it is at -3
  EXPECT_NEAR(whole.high, 3, 3.0 / 127);
  const TableRange flat = useful_table_range([](double) { return 0.5; }, 3, {DType::kInt8, 0.01f});
  EXPECT_EQ(flat.low, -3);
  EXPECT_EQ(flat.high, 3);
}

}  // namespace
}  // namespace xinfer::passes
