// Choice of the lookup loop and its spread over threads.
#include "kernels/table/table.h"

#include "kernels/table/table_loops.h"

namespace xinfer::kernels {

void table_reference(const std::uint8_t* x, std::uint8_t* y, std::int64_t n,
                     const std::uint8_t* table) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = table[x[i]];
}

TableLoop table_loop(CpuIsa isa) {
  if (includes(isa, CpuIsa::kAvx512Vnni)) {
    return __builtin_cpu_supports("avx512vbmi") ? table_loop_avx512vbmi : table_loop_avx512bw;
  }
  return includes(isa, CpuIsa::kAvx2) ? table_loop_avx2 : table_reference;
}

void table_lookup(const TableShape& shape, const std::uint8_t* x, std::uint8_t* y,
                  const std::uint8_t* table, CpuIsa isa, ThreadPool& pool) {
  constexpr std::size_t kGrain = 1 << 15;
  const TableLoop loop = table_loop(isa);
  if (shape.x_pixel_stride == shape.channels && shape.y_pixel_stride == shape.channels) {
    const auto total = static_cast<std::size_t>(shape.pixels * shape.channels);
    pool.parallel_ranges(total, kGrain, [&](std::size_t begin, std::size_t end) {
      loop(x + begin, y + begin, static_cast<std::int64_t>(end - begin), table);
    });
    return;
  }
  const std::size_t grain = kGrain / static_cast<std::size_t>(shape.channels) + 1;
  pool.parallel_ranges(
      static_cast<std::size_t>(shape.pixels), grain, [&](std::size_t begin, std::size_t end) {
        for (auto p = static_cast<std::int64_t>(begin); p < static_cast<std::int64_t>(end); ++p) {
          loop(x + p * shape.x_pixel_stride, y + p * shape.y_pixel_stride, shape.channels, table);
        }
      });
}

}  // namespace xinfer::kernels
