#include "passes/table_range.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace xinfer::passes {
namespace {

using quant::Encoding;

double silu(double x) { return x / (1.0 + std::exp(-x)); }
double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

/// Largest move, in output steps, that clamping an input of [-full, full] to [-cut, cut] causes.
double largest_move(double (*function)(double), double full, double cut, const Encoding& output) {
  const double low = output.dtype == DType::kUInt8 ? 0 : -128;
  const double high = output.dtype == DType::kUInt8 ? 255 : 127;
  double move = 0;
  for (int i = -5000; i <= 5000; ++i) {
    const double x = full * i / 5000;
    const auto steps = [&](double v) {
      return std::clamp(function(v) / static_cast<double>(output.scale), low, high);
    };
    move = std::max(move, std::fabs(steps(x) - steps(std::clamp(x, -cut, cut))));
  }
  return move;
}

TEST(TableRange, EndsWhereTheOutputSaturates) {
  const Encoding output = {DType::kInt8, 0.1f};  // T = 12.7
  const double cut = useful_table_range(silu, 83.5, output);
  EXPECT_NEAR(cut, 12.7, 0.15);  // two points of the 2,032 a side
  EXPECT_LE(largest_move(silu, 83.5, cut, output), 0.5);
}

TEST(TableRange, KeepsTheTailOnTheOtherSide) {
  // Fine output steps: a SiLU of -6 is -0.015, fifteen of them, though the output ends at 0.127.
  const Encoding output = {DType::kInt8, 0.001f};
  const double cut = useful_table_range(silu, 20, output);
  EXPECT_GT(cut, 8);
  EXPECT_LT(cut, 11);
  EXPECT_LE(largest_move(silu, 20, cut, output), 0.5);
}

TEST(TableRange, CutsASigmoidWhereItIsFlat) {
  const Encoding output = {DType::kUInt8, 1.0f / 255};
  const double cut = useful_table_range(sigmoid, 30, output);
  EXPECT_NEAR(cut, std::log(510), 0.03);  // 1 / (1 + e^x) is half a step
}

TEST(TableRange, LeavesARangeThatIsUsedWhole) {
  EXPECT_NEAR(useful_table_range(silu, 3, {DType::kInt8, 3.0f / 127}), 3, 3.0 / 127);
  EXPECT_EQ(useful_table_range([](double) { return 0.5; }, 3, {DType::kInt8, 0.01f}), 3);
}

}  // namespace
}  // namespace xinfer::passes
