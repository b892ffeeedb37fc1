// Constants that a graph's text does not hold: elided for reading, stored beside the text.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "ir/build.h"
#include "ir/text.h"

namespace xinfer::ir {
namespace {

TEST(TextConstants, AreElidedForReadingWhereTheyAreLarge) {
  GraphBuilder b;
  b.output(b.random_constant({17}, 3, "c"));
  const std::string text = print(b.graph());
  EXPECT_NE(text.find("constant %c: float32[17] = elided "), std::string::npos) << text;
  EXPECT_EQ(parse(text).status().message(),
            "line 2: the elements of this constant were left out when the graph was printed");
}

std::string_view bytes_of(const Tensor& tensor) {
  return {static_cast<const char*>(tensor.data()), tensor.size_bytes()};
}

TEST(TextConstants, AreStoredApartWhereTheyAreLarge) {
  GraphBuilder b;
  Tensor bools(DType::kBool, {20});
  for (std::size_t i = 0; i < 20; ++i) bools.values<bool>()[i] = i % 3 == 0;
  b.output(b.random_constant({4, 5}, 3, "c"));
  b.output(b.constant({2}, {1, 2}, "few"));
  b.output(b.constant(bools, "flags"));
  const TextAndConstants parts = print_apart(b.graph());
  EXPECT_EQ(parts.text, print(b.graph()));
  ASSERT_EQ(parts.constants.size(), 2u);
  const std::string_view c = bytes_of(parts.constants[0]), flags = bytes_of(parts.constants[1]);
  Result<Graph> again = parse_apart(parts.text, std::vector{c, flags});
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(print(*again, -1), print(b.graph(), -1));

  const auto complaint = [&](const std::vector<std::string_view>& constants) {
    return parse_apart(parts.text, constants).status().message();
  };
  EXPECT_EQ(complaint({c}), "line 4: more constants are elided than there are bytes of");
  EXPECT_EQ(complaint({c, flags, c}), "line 9: fewer constants are elided than there are bytes of");
  EXPECT_EQ(complaint({flags, c}),
            "line 2: the 20 bytes of an elided constant do not fit float32 [4, 5]");
  EXPECT_EQ(complaint({"", flags}),
            "line 2: constant has fewer elements than its shape [4, 5] needs");
  std::string other(c);
  other[7] ^= 1;
  EXPECT_EQ(complaint({other, flags}),
            "line 2: the bytes of an elided constant do not have its hash");
  other = flags;
  other[7] = 2;
  EXPECT_EQ(complaint({c, other}), "line 4: a bool is neither 00 nor 01");
}

}  // namespace
}  // namespace xinfer::ir
