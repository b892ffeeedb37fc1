// Block scan in plain C++, and the tails of the others.
#include <cstring>

#include "quant/histogram_scan.h"

namespace xinfer::quant::scan {

void scan_portable(const float* x, std::size_t n, std::uint32_t floor_bits, std::uint32_t* bins,
                   Block* block) {
  Block b = *block;
  for (std::size_t i = 0; i < n; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, x + i, sizeof(bits));
    const std::int32_t ordered = static_cast<std::int32_t>(bits);
    b.largest_signed = ordered > b.largest_signed ? ordered : b.largest_signed;
    b.largest_unsigned = bits > b.largest_unsigned ? bits : b.largest_unsigned;
    b.smallest_unsigned = bits < b.smallest_unsigned ? bits : b.smallest_unsigned;
    b.nonzero += (bits & 0x7fffffffu) != 0;
  }
  for (std::size_t i = 0; i < n; ++i) {
    std::uint32_t magnitude;
    std::memcpy(&magnitude, x + i, sizeof(magnitude));
    magnitude &= 0x7fffffffu;
    bins[b.counted] = (magnitude >> kShift) & kRingMask;
    b.counted += magnitude >= floor_bits;  // without a branch: signs and zeros are unpredictable
  }
  *block = b;
}

}  // namespace xinfer::quant::scan
