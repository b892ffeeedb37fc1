// INT8 lookup of one tensor: y[i] = table[x[i]], 256 bytes, indexed by the byte as unsigned.
// Tables come from unary_table (kernels/elementwise/unary.h). In place is allowed (y == x).
//
// With VBMI two vpermi2b and a blend do 64 elements; without it 16 in-register shuffles per vector.
// Equal bytes by nature.
#pragma once

#include <cstdint>

#include "core/cpu_isa.h"
#include "core/thread_pool.h"

namespace xinfer::kernels {

/// y[0, n) = table[x[0, n)] on the calling thread.
using TableLoop = void (*)(const std::uint8_t* x, std::uint8_t* y, std::int64_t n,
                           const std::uint8_t* table);

/// The best loop under `isa`; VBMI is used where the CPU has it and `isa` includes AVX-512.
TableLoop table_loop(CpuIsa isa);

/// The portable loop: the definition.
void table_reference(const std::uint8_t* x, std::uint8_t* y, std::int64_t n,
                     const std::uint8_t* table);

/// A grid of `pixels` rows of `channels` bytes with a stride of their own each (channel slices).
struct TableShape {
  std::int64_t pixels = 1;
  std::int64_t channels = 1;
  std::int64_t x_pixel_stride = 1;
  std::int64_t y_pixel_stride = 1;
};

/// y = table[x] on all threads.
void table_lookup(const TableShape& shape, const std::uint8_t* x, std::uint8_t* y,
                  const std::uint8_t* table, CpuIsa isa, ThreadPool& pool);

}  // namespace xinfer::kernels
