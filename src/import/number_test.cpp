#include "import/number.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "import/bounds.h"
#include "import/reshape_target.h"
#include "import/slice_range.h"

namespace xinfer::import {
namespace {

using ir::Dim;
using kernels::Binary;
using kernels::Unary;

const Dim kH = Dim::symbol("h");
const Dim kW = Dim::symbol("w");

Number of(Dim dim) { return Number::of_dim(std::move(dim)); }

std::string text(const std::optional<Number>& number) {
  if (!number) return "unknown";
  if (number->real) return fmt::format("{}", *number->real);
  if (number->denominator == 1) return number->numerator.to_string();
  return fmt::format("({})/{}", number->numerator.to_string(), number->denominator);
}

TEST(Number, DoublesASizeThroughFloat) {
  const auto size = cast(DType::kInt64, DType::kFloat32, of(kH));
  ASSERT_TRUE(size.has_value());
  const auto doubled = apply(Binary::kMul, DType::kFloat32, *size, Number::of_real(2.0));
  ASSERT_TRUE(doubled.has_value());
  const auto floor = apply(Unary::kFloor, DType::kFloat32, *doubled);
  ASSERT_TRUE(floor.has_value());
  EXPECT_EQ(text(cast(DType::kFloat32, DType::kInt64, *floor)), "2*h");
}

TEST(Number, HalvesASizeWithTheFloorThatTheModelAsksFor) {
  const auto half = apply(Binary::kMul, DType::kFloat32, of(kH), Number::of_real(0.5));
  ASSERT_TRUE(half.has_value());
  EXPECT_EQ(text(half), "(h)/2");
  EXPECT_EQ(text(apply(Unary::kFloor, DType::kFloat32, *half)), "floordiv(h, 2)");
  EXPECT_EQ(text(apply(Unary::kCeil, DType::kFloat32, *half)), "floordiv(h + 1, 2)");
}

TEST(Number, RefusesFractionsThatFloatsDoNotHoldExactly) {
  EXPECT_EQ(text(apply(Binary::kMul, DType::kFloat32, of(kH), Number::of_real(0.1f))), "unknown");
}

TEST(Number, DividesTowardsZeroOnlyWhereTheSignIsKnown) {
  EXPECT_EQ(text(apply(Binary::kDiv, DType::kInt64, of(kH), of(Dim(4)))), "floordiv(h, 4)");
  EXPECT_EQ(text(apply(Binary::kDiv, DType::kInt64, of(kH - kW), of(Dim(4)))), "unknown");
  EXPECT_EQ(text(apply(Binary::kDiv, DType::kInt64, of(Dim(-7)), of(Dim(2)))), "-3");
  EXPECT_EQ(text(apply(Binary::kMod, DType::kInt64, of(Dim(-7)), of(Dim(2)))), "1");
}

TEST(Number, ComparesDimensionsByTheirBounds) {
  EXPECT_EQ(text(apply(Binary::kEqual, DType::kInt64, of(kH), of(Dim(-1)))), "0");
  EXPECT_EQ(text(apply(Binary::kEqual, DType::kInt64, of(kH), of(kH))), "1");
  EXPECT_EQ(text(apply(Binary::kEqual, DType::kInt64, of(kH), of(Dim(3)))), "unknown");
  EXPECT_EQ(text(apply(Binary::kGreater, DType::kInt64, of(kH + kW), of(Dim(1)))), "1");
  EXPECT_EQ(text(apply(Binary::kLess, DType::kInt64, of(kH), of(Dim(1)))), "0");
}

TEST(Number, OverflowIsUnknownAndNotUndefined) {
  const Number huge = of(Dim(INT64_MAX));
  EXPECT_EQ(text(apply(Binary::kAdd, DType::kInt64, huge, of(Dim(1)))), "unknown");
  EXPECT_EQ(text(apply(Binary::kMul, DType::kInt64, huge, huge)), "unknown");
  EXPECT_EQ(text(apply(Binary::kDiv, DType::kInt64, of(Dim(1)), of(Dim(0)))), "unknown");
  EXPECT_EQ(text(apply(Unary::kNeg, DType::kInt64, of(Dim(INT64_MIN)))), "unknown");
  EXPECT_EQ(text(cast(DType::kFloat32, DType::kInt64, Number::of_real(1e30))), "unknown");
}

TEST(Number, ExpressionsDoNotGrowWithoutEnd) {
  std::optional<Number> number = of(kH + kW);
  int steps = 0;
  while (number && ++steps < 100) number = apply(Binary::kMul, DType::kInt64, *number, *number);
  EXPECT_LT(steps, 10);
}

TEST(Number, LowerBounds) {
  EXPECT_EQ(lower_bound(kH), 1);
  EXPECT_EQ(lower_bound(Dim(2) * kH * kW + Dim(-1)), 1);
  EXPECT_EQ(lower_bound(ir::floordiv(kH + Dim(7), Dim(8))), 1);
  EXPECT_EQ(lower_bound(ir::ceildiv(kH, Dim(8))), 1);
  EXPECT_EQ(lower_bound(kH - kW), std::nullopt);
}

TEST(ReshapeTarget, CancelsEqualDimensions) {
  const ir::SymbolicShape shape{kH, Dim(255), kW, kW};
  EXPECT_EQ(quotient(shape, {kH, Dim(85)}), Dim(3) * kW * kW);
  EXPECT_EQ(quotient({kH * kW, Dim(6)}, {kH, Dim(3)}), Dim(2) * kW);
  EXPECT_EQ(quotient({Dim(7)}, {Dim(2)}), std::nullopt);
  EXPECT_EQ(quotient({Dim(7)}, {Dim(0)}), std::nullopt);
}

TEST(ReshapeTarget, ZeroCopiesAndMinusOneTakesTheRest) {
  const ir::SymbolicShape shape{kH, Dim(4), Dim(6)};
  const auto resolved = resolve_reshape(shape, {Dim(0), Dim(-1), Dim(3)}, false);
  ASSERT_TRUE(resolved.ok()) << resolved.status().message();
  EXPECT_EQ(ir::to_string(*resolved), "[h, 8, 3]");
  EXPECT_FALSE(resolve_reshape(shape, {Dim(-1), Dim(-1)}, false).ok());
  EXPECT_FALSE(resolve_reshape(shape, {Dim(2), Dim(2), Dim(2), Dim(0)}, false).ok());
  EXPECT_FALSE(resolve_reshape(shape, {Dim(-2), Dim(2)}, false).ok());
}

/// Against the specification's clamping rules, for every small start, end and step.
TEST(SliceRange, MatchesTheSpecificationOnConstants) {
  for (std::int64_t extent = 0; extent <= 4; ++extent) {
    for (std::int64_t step : {-3, -2, -1, 1, 2, 3}) {
      for (std::int64_t start = -6; start <= 6; ++start) {
        for (std::int64_t end = -6; end <= 6; ++end) {
          std::vector<std::int64_t> expected;
          const std::int64_t last = step > 0 ? extent : extent - 1;
          const auto clamp = [&](std::int64_t v, std::int64_t low) {
            return std::min(std::max(v < 0 ? v + extent : v, low), last);
          };
          const std::int64_t to = clamp(end, step > 0 ? 0 : -1);
          for (std::int64_t i = clamp(start, 0); extent > 0 && (step > 0 ? i < to : i > to);
               i += step) {
            expected.push_back(i);
          }
          const SliceRange range = slice_range(Dim(extent), Dim(start), Dim(end), step);
          ASSERT_EQ(range.size.constant(), static_cast<std::int64_t>(expected.size()))
              << extent << " [" << start << ":" << end << ":" << step << "]";
          if (!expected.empty()) {
            EXPECT_EQ(range.start.constant(), expected[0]);
          }
        }
      }
    }
  }
}

TEST(SliceRange, KeepsSymbolsSimple) {
  const SliceRange all = slice_range(kH, Dim(0), Dim(INT64_MAX), 1);
  EXPECT_EQ(all.start, Dim(0));
  EXPECT_EQ(all.size, kH);
  EXPECT_EQ(slice_range(kH, Dim(INT64_MAX), Dim(INT64_MIN), -1).size, kH);
  EXPECT_EQ(slice_range(kH, Dim(1), kH, 1).size, kH - Dim(1));
  EXPECT_EQ(slice_range(kH, Dim(0), Dim(-1), 1).size, kH - Dim(1));
  EXPECT_EQ(slice_range(kH, Dim(0), kH, 2).size, ir::ceildiv(kH, Dim(2)));
}

}  // namespace
}  // namespace xinfer::import
