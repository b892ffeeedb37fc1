#include "jit/canonical_source.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "jit/kernel_sources.h"

namespace xinfer::jit {
namespace {

struct Pair {
  const char* one;
  const char* other;
};

TEST(CanonicalSource, CommentsAndLayoutDoNotCount) {
  for (const auto& [one, other] : std::vector<Pair>{
           {"", " \n\t// nothing\n/* at all */"},
           {"a+b", "a /* plus */ + // sum\n b"},
           {"x=-1;", "x = - 1 ;\n"},
           {"int a;", "int/**/a;"},
           {"f<<<1, 2>>>(x)", "f <<<1,2>>> ( x )"},
           {"a;\nb;", "a; // wraps \\\n like this\nb;"},
           {"#pragma once\nint a;", "#pragma once // one\n\n\nint a;\n"},
           {"#if A\nx\n#endif", "// first\n#if  A /* or\nB */\n  x\n  #endif  // A\n"},
           {"#define F(x) x\ny", "#define \\\n F(x) x\n y"},
           {"f(\"a\", 'b')", "f( \"a\" , 'b' )"},
           {"1'000.5e+3f", " 1'000.5e+3f "},
           {"R\"(a)\"", " R\"(a)\" "},
       }) {
    EXPECT_EQ(canonical_source(one), canonical_source(other)) << one << "\nand\n" << other;
  }
}

TEST(CanonicalSource, TokensCount) {
  for (const auto& [one, other] : std::vector<Pair>{
           {"ab", "a b"},
           {"a", "b"},
           {"a++b", "a+ +b"},
           {"a>>b", "a> >b"},
           {"a<=>b", "a<= >b"},
           {"1e+3", "1e +3"},
           {"0x1p-3f", "0x1p -3f"},
           {"\"a b\"", "\"a  b\""},
           {"\"a//b\"", "\"a\""},
           {"\"/* a */\"", "\"\""},
           {"\"\\\"// a\"", "\"\\\"// b\""},
           {"'\"' + a // '\"'", "'\"' + b // '\"'"},
           {"\"a\\n\"", "\"a\\t\""},
           {"u8\"a\"", "u8 \"a\""},
           {"R\"x(a)\" // b)x\"", "R\"x(a)\" // c)x\""},
           {"#define F (x)", "#define F(x)"},
           {"#define F\nx", "#define F x"},
           {"#pragma once\n", "pragma once\n"},
           {"a\n#b\nc", "a #b c"},
       }) {
    EXPECT_NE(canonical_source(one), canonical_source(other)) << one << "\nand\n" << other;
  }
}

TEST(CanonicalSource, OpenEndsAreRead) {
  for (const char* text : {"/*", "/", "\"", "\"\\", "'", "R\"", "R\"(", "R\"a(b)\"", "//", "//\\",
                           "#", "\\", "0", "1e", ".", "u8"}) {
    const std::string canonical = canonical_source(text);
    EXPECT_LE(canonical.size(), std::string(text).size()) << text;
  }
  EXPECT_EQ(canonical_source("#error don't\nint a;"), "#error don't\nint a ;");
}

TEST(CanonicalSource, IsItsOwnCanonicalText) {
  for (const NamedSource& source : kernel_sources()) {
    const std::string canonical = canonical_source(source.text);
    EXPECT_LT(canonical.size(), source.text.size()) << source.name;
    EXPECT_EQ(canonical_source(canonical), canonical) << source.name;
  }
}

// What would make code depend on the text's layout.
TEST(CanonicalSource, KernelsDoNotAskForTheirLayout) {
  for (const NamedSource& source : kernel_sources()) {
    const std::string canonical = canonical_source(source.text);
    for (const char* word : {"__LINE__", "__FILE__", " assert (", "\n#define "}) {
      EXPECT_EQ(canonical.find(word), std::string::npos) << source.name << " has " << word;
    }
  }
}

}  // namespace
}  // namespace xinfer::jit
