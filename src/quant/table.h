// 256-entry tables: a unary function of one INT8 value, or the float preprocessing of a u8 pixel,
// as INT8 to INT8. Computed once, in double, so that every device looks up equal bytes.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "xinfer/core/dtype.h"

namespace xinfer::quant {

/// One output byte (s8 or u8 bit pattern) per input byte: index an s8 value q by q & 255.
using Table = std::array<std::uint8_t, 256>;

/// An INT8 encoding with zero point 0: real = q * scale.
struct Encoding {
  DType dtype = DType::kInt8;  ///< kInt8 or kUInt8
  float scale = 1.0f;
};

/// table[q] = clamp(round_half_even(function(q * input.scale) / output.scale)), all in double. A
/// NaN from the function becomes 0. A u8 image has input scale 1 and a function such as
/// (v / 255 - mean) / std.
Table build_table(const std::function<double(double)>& function, const Encoding& input,
                  const Encoding& output);

}  // namespace xinfer::quant
