// Every lookup loop against the definition, over lengths with every tail.
#include "kernels/table/table.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "kernels/table/table_loops.h"

namespace xinfer::kernels {
namespace {

TEST(Table, EveryLoopGivesTheDefinitionsBytes) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::uint8_t table[256];
  for (auto& byte : table) byte = static_cast<std::uint8_t>(random());
  std::vector<TableLoop> loops;
  for (CpuIsa isa : supported_isas()) loops.push_back(table_loop(isa));
  if (supports(CpuIsa::kAvx512Vnni)) loops.push_back(table_loop_avx512bw);
  for (std::int64_t n = 0; n < 400; ++n) {
    const auto size = static_cast<std::size_t>(n);
    std::vector<std::uint8_t> x(size), expected(size);
    for (std::size_t i = 0; i < size; ++i) {
      x[i] = static_cast<std::uint8_t>(i < 256 ? i : random());
    }
    table_reference(x.data(), expected.data(), n, table);
    for (TableLoop loop : loops) {
      std::vector<std::uint8_t> y(size + 1, 77);
      loop(x.data(), y.data(), n, table);
      ASSERT_EQ(y[size], 77);
      y.resize(size);
      ASSERT_EQ(y, expected) << "n = " << n;
      y = x;
      loop(y.data(), y.data(), n, table);
      ASSERT_EQ(y, expected) << "in place, n = " << n;
    }
  }
}

TEST(Table, SharesALargeTensor) {
  ThreadPool pool(2);
  std::uint8_t table[256];
  for (int i = 0; i < 256; ++i) table[i] = static_cast<std::uint8_t>(7 * i);
  std::vector<std::uint8_t> x(300001), expected(x.size()), y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::uint8_t>(i * 31 >> 3);
  const auto n = static_cast<std::int64_t>(x.size());
  table_reference(x.data(), expected.data(), n, table);
  table_lookup({n, 1, 1, 1}, x.data(), y.data(), table, best_isa(), pool);
  EXPECT_EQ(y, expected);
}

TEST(Table, LeavesTheGapsOfASlice) {
  ThreadPool pool(2);
  std::uint8_t table[256];
  for (int i = 0; i < 256; ++i) table[i] = static_cast<std::uint8_t>(255 - i);
  const TableShape shape{.pixels = 3, .channels = 2, .x_pixel_stride = 2, .y_pixel_stride = 4};
  const std::uint8_t x[] = {1, 2, 3, 4, 5, 6};
  std::vector<std::uint8_t> y(12, 9);
  table_lookup(shape, x, y.data(), table, best_isa(), pool);
  EXPECT_EQ(y, (std::vector<std::uint8_t>{254, 253, 9, 9, 252, 251, 9, 9, 250, 249, 9, 9}));
}

}  // namespace
}  // namespace xinfer::kernels
