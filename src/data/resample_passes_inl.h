// The inner loops of 8-bit resizing, written once on the compiler's vector types and compiled once
// for each instruction set by the files that include this. Everything is in an unnamed namespace,
// so that no set's code can stand in for another's.
//
// Formula of both passes, in int32: clamp((2^21 + sum of weight * pixel) >> 22, 0, 255).

#include "data/resample_passes.h"
#include "data/resample_weights.h"

namespace xinfer {
namespace {

using Bytes4 = std::uint8_t __attribute__((vector_size(4)));
using Bytes8 = std::uint8_t __attribute__((vector_size(8)));
using Int4 = std::int32_t __attribute__((vector_size(16)));
using Int8 = std::int32_t __attribute__((vector_size(32)));

constexpr std::int32_t kHalf = 1 << (kWeightBits - 1);

inline std::uint8_t to_byte(std::int32_t sum) {
  const std::int32_t value = sum >> kWeightBits;
  return static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

void horizontal_rgb(const std::uint8_t* in, const PassWeights& weights, std::uint8_t* out) {
  const std::int32_t* w = weights.weights;
  for (int i = 0; i < weights.size; ++i, w += weights.taps, out += 3) {
    const std::uint8_t* pixel = in + 3 * static_cast<std::ptrdiff_t>(weights.firsts[i]);
    Int4 sum = {kHalf, kHalf, kHalf, 0};
    for (int k = 0; k < weights.counts[i]; ++k, pixel += 3) {
      Bytes4 bytes;  // The fourth belongs to the next pixel and is not used.
      __builtin_memcpy(&bytes, pixel, sizeof(bytes));
      sum += __builtin_convertvector(bytes, Int4) * w[k];
    }
    for (int c = 0; c < 3; ++c) out[c] = to_byte(sum[c]);
  }
}

void horizontal_gray(const std::uint8_t* in, const PassWeights& weights, std::uint8_t* out) {
  const std::int32_t* w = weights.weights;
  for (int i = 0; i < weights.size; ++i, w += weights.taps) {
    std::int32_t sum = kHalf;
    for (int k = 0; k < weights.counts[i]; ++k) sum += in[weights.firsts[i] + k] * w[k];
    out[i] = to_byte(sum);
  }
}

void vertical(const std::uint8_t* rows, std::size_t row_bytes, const std::int32_t* weights,
              int count, std::uint8_t* out) {
  std::size_t x = 0;
  for (; x + 16 <= row_bytes; x += 16) {
    Int8 low = Int8{} + kHalf;
    Int8 high = low;
    const std::uint8_t* in = rows + x;
    for (int k = 0; k < count; ++k, in += row_bytes) {
      Bytes8 bytes[2];
      __builtin_memcpy(bytes, in, sizeof(bytes));
      low += __builtin_convertvector(bytes[0], Int8) * weights[k];
      high += __builtin_convertvector(bytes[1], Int8) * weights[k];
    }
    for (int i = 0; i < 8; ++i) out[x + static_cast<std::size_t>(i)] = to_byte(low[i]);
    for (int i = 0; i < 8; ++i) out[x + 8 + static_cast<std::size_t>(i)] = to_byte(high[i]);
  }
  for (; x < row_bytes; ++x) {
    std::int32_t sum = kHalf;
    for (int k = 0; k < count; ++k) {
      sum += rows[static_cast<std::size_t>(k) * row_bytes + x] * weights[k];
    }
    out[x] = to_byte(sum);
  }
}

constexpr ResamplePasses kPasses = {horizontal_rgb, horizontal_gray, vertical};

}  // namespace
}  // namespace xinfer
