// The inner loops of 8-bit resizing, one set of functions an instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/cpu_isa.h"

namespace xinfer {

// Formula of all passes, in int32: clamp((2^21 + sum of weight * pixel) >> 22, 0, 255).

/// Rows handed to `horizontal_rgb` are readable this many bytes past their end.
inline constexpr std::size_t kRowMargin = 8;

/// ResampleWeights<std::int32_t> for loops that may not call inline library code, since the linker
/// could take one instruction set's copy of it for all.
struct PassWeights {
  const std::int32_t* weights;
  const int* firsts;
  const int* counts;
  int taps;  ///< Even; weights beyond a count are 0.
  int size;  ///< Number of output pixels.
};

/// The same columns of rows that lie `stride` bytes apart.
struct ColumnsOfRows {
  const std::uint8_t* first;
  std::size_t stride;
  std::size_t bytes;  ///< of a row's columns
};

struct ResamplePasses {
  /// One row of three-channel pixels: out[i] for every output pixel of `weights`.
  void (*horizontal_rgb)(const std::uint8_t* in, const PassWeights& weights, std::uint8_t* out);
  /// One row of one-channel pixels.
  void (*horizontal_gray)(const std::uint8_t* in, const PassWeights& weights, std::uint8_t* out);
  /// out[x], for x below `in.bytes`, from `count` rows.
  void (*vertical)(const ColumnsOfRows& in, const std::int32_t* weights, int count,
                   std::uint8_t* out);
};

extern const ResamplePasses kResamplePassesPortable;
extern const ResamplePasses kResamplePassesAvx2;

/// The fastest set that may run under `isa`.
const ResamplePasses& resample_passes(CpuIsa isa);

}  // namespace xinfer
