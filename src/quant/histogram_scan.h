// The vectorised half of Histogram::observe: extrema of a block of floats and the bin of every
// magnitude worth counting. Plain pointers only, because the variants are compiled with different
// instruction sets and must not share inline functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace xinfer::quant::scan {

/// Values a block holds at most. Measured on Zen 4: 4096 beats 1024 (loop ends) and 8192 (cache).
inline constexpr std::size_t kBlock = 4096;
/// Variants store whole vectors: `bins` has this many entries of slack behind kBlock.
inline constexpr std::size_t kSlack = 16;
/// Low mantissa bits that a bin ignores, and the bits of the ring of bins above them.
inline constexpr int kShift = 12;
inline constexpr std::uint32_t kRingMask = 0xffff;

/// All of it integer, so FTZ and DAZ have no effect. The three extrema of the bit patterns give the
/// extrema of the values: IEEE floats order by magnitude within each sign.
struct Block {
  std::int32_t largest_signed = INT32_MIN;
  std::uint32_t largest_unsigned = 0;
  std::uint32_t smallest_unsigned = UINT32_MAX;
  std::uint32_t nonzero = 0;  ///< values that are neither +0 nor -0
  std::uint32_t counted = 0;  ///< entries written to `bins`
};

/// For each of x[0, n) with magnitude bits >= floor_bits (> 0), appends
/// (magnitude bits >> kShift) & kRingMask to `bins`, in order. n <= kBlock.
using ScanFunction = void (*)(const float* x, std::size_t n, std::uint32_t floor_bits,
                              std::uint32_t* bins, Block* block);

void scan_portable(const float* x, std::size_t n, std::uint32_t floor_bits, std::uint32_t* bins,
                   Block* block);
void scan_avx2(const float* x, std::size_t n, std::uint32_t floor_bits, std::uint32_t* bins,
               Block* block);
void scan_avx512(const float* x, std::size_t n, std::uint32_t floor_bits, std::uint32_t* bins,
                 Block* block);

}  // namespace xinfer::quant::scan
