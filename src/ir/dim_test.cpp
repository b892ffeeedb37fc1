// Dim against brute force: random expressions keep their values through canonical form, text and
// substitution.
#include "ir/dim.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <random>

namespace xinfer::ir {
namespace {

const Dim kBatch = Dim::symbol("batch");
const Dim kHeight = Dim::symbol("height");
const Dim kWidth = Dim::symbol("width");

Dim parsed(const std::string& text) {
  Result<Dim> dim = parse_dim(text);
  EXPECT_TRUE(dim.ok()) << text << ": " << dim.status().message();
  return dim.ok() ? *dim : Dim();
}

std::string parse_error(const std::string& text) {
  const Result<Dim> dim = parse_dim(text);
  return dim.ok() ? "parsed as " + dim->to_string() : dim.status().message();
}

TEST(Dim, EqualExpressionsHaveOneForm) {
  EXPECT_EQ(kBatch + kHeight, kHeight + kBatch);
  EXPECT_EQ(kBatch - kBatch, Dim(0));
  EXPECT_EQ((kBatch + Dim(1)) * (kBatch - Dim(1)), kBatch * kBatch - Dim(1));
  EXPECT_NE(kBatch, kHeight);
  EXPECT_NE(kBatch, Dim(1));
  EXPECT_EQ((Dim(2) * kBatch * kHeight + Dim(1)).to_string(), "2*batch*height + 1");
  EXPECT_EQ((Dim(3) - kBatch).to_string(), "-batch + 3");
  EXPECT_EQ(Dim(0).to_string(), "0");
  EXPECT_EQ(Dim(-4).to_string(), "-4");
}

TEST(Dim, DivisionByConstants) {
  EXPECT_EQ(floordiv(Dim(-7), Dim(2)), Dim(-4));
  EXPECT_EQ(floordiv(Dim(7), Dim(-2)), Dim(-4));
  EXPECT_EQ(ceildiv(Dim(7), Dim(2)), Dim(4));
  EXPECT_EQ(ceildiv(Dim(-7), Dim(2)), Dim(-3));
  EXPECT_EQ(floordiv(Dim(4) * kBatch + Dim(9), Dim(4)), kBatch + Dim(2));
  EXPECT_EQ(floordiv(kHeight - Dim(1), Dim(2)).to_string(), "floordiv(height + 1, 2) - 1");
  EXPECT_EQ(floordiv(Dim(2) * kHeight + Dim(1), Dim(4)), floordiv(kHeight, Dim(2)));
  EXPECT_EQ(floordiv(kHeight, Dim(-2)), floordiv(Dim(-1) * kHeight, Dim(2)));
}

TEST(Dim, NestedDivisionsMerge) {
  EXPECT_EQ(floordiv(floordiv(kHeight, Dim(2)), Dim(3)), floordiv(kHeight, Dim(6)));
  // Two convolutions of stride 2 and padding 1 with 3x3 kernels.
  const auto half = [](const Dim& size) { return floordiv(size - Dim(1), Dim(2)) + Dim(1); };
  EXPECT_EQ(half(half(kHeight)).to_string(), "floordiv(height + 3, 4)");
}

TEST(Dim, DivisionBySymbols) {
  EXPECT_EQ(floordiv(Dim(3) * kBatch * kHeight, kBatch), Dim(3) * kHeight);
  EXPECT_EQ(floordiv(kBatch * kHeight, Dim(2) * kBatch), floordiv(kHeight, Dim(2)));
  const Dim rows = floordiv(kHeight, Dim(32)) + Dim(1);
  EXPECT_EQ(floordiv(Dim(255) * kBatch * rows, rows), Dim(255) * kBatch);
  EXPECT_EQ(floordiv(rows, rows), Dim(1));
  EXPECT_EQ(floordiv(kHeight, kBatch).to_string(), "floordiv(height, batch)");
  EXPECT_EQ(floordiv(Dim(0), kBatch), Dim(0));
}

TEST(Dim, MinAndMax) {
  EXPECT_EQ(min(kBatch, kBatch + Dim(1)), kBatch);
  EXPECT_EQ(max(kBatch, kBatch + Dim(1)), kBatch + Dim(1));
  EXPECT_EQ(min(kBatch, kHeight), min(kHeight, kBatch));
  EXPECT_EQ(max(Dim(INT64_MIN), Dim(INT64_MAX)), Dim(INT64_MAX));
  EXPECT_EQ(min(kBatch, Dim(8)).to_string(), "min(8, batch)");
}

TEST(Dim, Questions) {
  EXPECT_TRUE(Dim(5).is_constant());
  EXPECT_EQ(Dim(5).constant(), 5);
  EXPECT_FALSE(kBatch.is_constant());
  EXPECT_EQ(kBatch.symbol_name(), "batch");
  EXPECT_EQ((Dim(2) * kBatch).symbol_name(), "");
  EXPECT_EQ((kBatch * floordiv(kHeight, kWidth)).symbols(),
            (std::vector<std::string>{"batch", "height", "width"}));
}

TEST(Dim, EvaluationFailures) {
  EXPECT_EQ(kBatch.evaluate({}).status().message(), "dimension \"batch\" has no value");
  EXPECT_EQ(floordiv(kHeight, kBatch).evaluate({{"batch", 0}, {"height", 3}}).status().message(),
            "dimension floordiv(height, batch) divides by zero");
  EXPECT_EQ(floordiv(Dim(0), Dim(0)).evaluate({}).status().message(),
            "dimension floordiv(0, 0) divides by zero");
  EXPECT_EQ((kBatch * kBatch).evaluate({{"batch", INT64_MAX}}).status().message(),
            "dimension batch*batch exceeds 64 bits");
}

TEST(Dim, ExtremeCoefficientsKeepTheirText) {
  for (const Dim& dim : {Dim(INT64_MIN), Dim(INT64_MAX), Dim(INT64_MIN) * kBatch + Dim(INT64_MAX),
                         floordiv(kBatch, Dim(INT64_MIN)), floordiv(Dim(INT64_MIN), Dim(-1))}) {
    EXPECT_EQ(parsed(dim.to_string()), dim) << dim.to_string();
  }
}

TEST(Dim, AnyNameCanBeASymbol) {
  for (const char* name : {"", "1st", "min", "floordiv", "a b", "a\"b", "back\\slash", "new\nline",
                           "batch*2", "größe", "\x01"}) {
    const Dim dim = Dim::symbol(name) * Dim(2) + Dim(1);
    EXPECT_EQ(parsed(dim.to_string()), dim) << dim.to_string();
    EXPECT_EQ(parsed(Dim::symbol(name).to_string()).symbol_name(), name);
  }
}

TEST(Dim, ParserMessages) {
  EXPECT_EQ(parse_error(""), "dimension \"\" ends too early");
  EXPECT_EQ(parse_error("2*"), "dimension \"2*\" ends too early");
  EXPECT_EQ(parse_error("batch)"), "dimension \"batch)\": unexpected ')' at position 5");
  EXPECT_EQ(parse_error("floordiv(4 2)"),
            "dimension \"floordiv(4 2)\": unexpected '2' at position 11");
  EXPECT_EQ(parse_error("9223372036854775808"),
            "dimension \"9223372036854775808\": number exceeds 64 bits");
  EXPECT_EQ(parse_error("\"open"), "text ends before the closing quote");
}

/// Texts that would take exponential memory or deep recursion if nothing stopped them.
TEST(Dim, HostileTextIsRefusedQuickly) {
  std::string deep, wide = "1", product;
  for (int i = 0; i < 5000; ++i) deep += "min(";
  for (int i = 0; i < 2000; ++i) wide += fmt::format("+a{}", i);
  for (int i = 0; i < 60; ++i) {
    product += fmt::format("{}floordiv(a{}+b{},1)", i > 0 ? "*" : "", i, i);
  }
  std::string growing = "x+y";
  for (int i = 0; i < 60; ++i) {
    growing = fmt::format("floordiv({},1)*floordiv(p+q+r+s+t,1)+floordiv(x,7)", growing);
  }
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& text : {deep, wide, product, growing}) {
    EXPECT_FALSE(parse_dim(text).ok()) << text.substr(0, 40);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

/// A tree that computes its value without any algebra.
struct Expression {
  std::function<std::optional<std::int64_t>(const Bindings&)> value;  ///< none: divides by 0
  Dim dim;
};

const char* const kNames[] = {"a", "b", "c"};

Expression random_expression(std::mt19937& random, int depth) {
  const auto pick = [&](int count) { return static_cast<int>(random() % count); };
  if (depth == 0 || pick(5) == 0) {
    if (pick(2) == 0) {
      const std::int64_t number = pick(13) - 4;
      return {[=](const Bindings&) { return number; }, Dim(number)};
    }
    const std::string name = kNames[pick(3)];
    return {[=](const Bindings& bindings) { return bindings.at(name); }, Dim::symbol(name)};
  }
  const Expression x = random_expression(random, depth - 1);
  const Expression y = random_expression(random, depth - 1);
  using Operation = std::function<std::optional<std::int64_t>(std::int64_t, std::int64_t)>;
  const auto combine = [&](const Operation& operation, Dim dim) -> Expression {
    return {[x, y, operation](const Bindings& bindings) -> std::optional<std::int64_t> {
              const auto a = x.value(bindings), b = y.value(bindings);
              return a && b ? operation(*a, *b) : std::nullopt;
            },
            std::move(dim)};
  };
  switch (pick(7)) {
    case 0:
      return combine([](auto a, auto b) { return a + b; }, x.dim + y.dim);
    case 1:
      return combine([](auto a, auto b) { return a - b; }, x.dim - y.dim);
    case 2:
      return combine([](auto a, auto b) { return a * b; }, x.dim * y.dim);
    case 3:
      return combine([](auto a, auto b) { return std::min(a, b); }, min(x.dim, y.dim));
    case 4:
      return combine([](auto a, auto b) { return std::max(a, b); }, max(x.dim, y.dim));
    case 5:
      return combine(
          [](std::int64_t a, std::int64_t b) -> std::optional<std::int64_t> {
            if (b == 0) return std::nullopt;
            std::int64_t quotient = a / b;
            if (a % b != 0 && (a > 0) != (b > 0)) --quotient;
            return quotient;
          },
          floordiv(x.dim, y.dim));
    default:
      return combine(
          [](std::int64_t a, std::int64_t b) -> std::optional<std::int64_t> {
            if (b == 0) return std::nullopt;
            std::int64_t quotient = a / b;
            if (a % b != 0 && (a > 0) == (b > 0)) ++quotient;
            return quotient;
          },
          ceildiv(x.dim, y.dim));
  }
}

Bindings random_bindings(std::mt19937& random) {
  Bindings bindings;
  for (const char* name : kNames) bindings[name] = static_cast<std::int64_t>(random() % 40) + 1;
  return bindings;
}

class RandomDim : public testing::TestWithParam<int> {};

TEST_P(RandomDim, KeepsItsValueAndItsForm) {
  std::mt19937 random(static_cast<unsigned>(GetParam()));
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  int compared = 0;
  for (int round = 0; round < 60; ++round) {
    const Expression expression = random_expression(random, 4);
    const std::string text = expression.dim.to_string();
    if (text.size() < 4000) {
      const Dim again = parsed(text);
      ASSERT_EQ(again.to_string(), text);
      ASSERT_EQ(again, expression.dim) << text;
    }
    const Dim renamed = expression.dim.substitute({{"a", kBatch * Dim(2) - Dim(1)}});
    for (int sample = 0; sample < 8; ++sample) {
      Bindings bindings = random_bindings(random);
      bindings["batch"] = static_cast<std::int64_t>(random() % 9) + 1;
      bindings["a"] = 2 * bindings["batch"] - 1;
      const std::optional<std::int64_t> value = expression.value(bindings);
      if (!value) continue;
      for (const Dim& dim : {expression.dim, renamed}) {
        const Result<std::int64_t> found = dim.evaluate(bindings);
        ASSERT_TRUE(found.ok()) << found.status().message();
        ASSERT_EQ(*found, *value) << dim.to_string();
      }
      ++compared;
    }
  }
  EXPECT_GT(compared, 100);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomDim, testing::Range(0, 40));

TEST(SymbolicShape, TextAndCount) {
  const SymbolicShape shape = {kBatch, 3, kHeight, kHeight};
  EXPECT_EQ(to_string(shape), "[batch, 3, height, height]");
  EXPECT_EQ(to_string(SymbolicShape{}), "[]");
  EXPECT_EQ(element_count(shape), Dim(3) * kBatch * kHeight * kHeight);
  EXPECT_EQ(element_count(SymbolicShape{}), Dim(1));
}

}  // namespace
}  // namespace xinfer::ir
