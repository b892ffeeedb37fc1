// The loops behind table.h, one per instruction set.
#pragma once

#include <cstdint>

namespace xinfer::kernels {

void table_loop_avx2(const std::uint8_t* x, std::uint8_t* y, std::int64_t n,
                     const std::uint8_t* table);
void table_loop_avx512bw(const std::uint8_t* x, std::uint8_t* y, std::int64_t n,
                         const std::uint8_t* table);
void table_loop_avx512vbmi(const std::uint8_t* x, std::uint8_t* y, std::int64_t n,
                           const std::uint8_t* table);

}  // namespace xinfer::kernels
