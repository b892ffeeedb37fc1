// 16 x 16 byte blocks and 4 x 4 word blocks by SSE2 interleaving (every x86-64 has it), the rest
// element by element.
#include "kernels/movement/transpose_tile.h"

#include <emmintrin.h>

namespace xinfer::kernels {
namespace {

template <typename T>
void transpose_scalar(std::int64_t rows, std::int64_t columns, const T* x, std::int64_t x_stride,
                      T* y, std::int64_t y_stride) {
  for (std::int64_t c = 0; c < columns; ++c) {
    for (std::int64_t r = 0; r < rows; ++r) y[c * y_stride + r] = x[r * x_stride + c];
  }
}

/// One of the four identical rounds that transpose 16 x 16 bytes: row i meets row i + 8.
inline void interleave_round(const __m128i* from, __m128i* to) {
  for (int i = 0; i < 8; ++i) {
    to[2 * i] = _mm_unpacklo_epi8(from[i], from[i + 8]);
    to[2 * i + 1] = _mm_unpackhi_epi8(from[i], from[i + 8]);
  }
}

struct Block8 {
  using Element = std::uint8_t;
  static constexpr std::int64_t kSize = 16;
  static void transpose(const Element* x, std::int64_t x_stride, Element* y,
                        std::int64_t y_stride) {
    __m128i a[16], b[16];
    for (int i = 0; i < 16; ++i) {
      a[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + i * x_stride));
    }
    interleave_round(a, b);
    interleave_round(b, a);
    interleave_round(a, b);
    interleave_round(b, a);
    for (int i = 0; i < 16; ++i) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(y + i * y_stride), a[i]);
    }
  }
};

struct Block32 {
  using Element = std::uint32_t;
  static constexpr std::int64_t kSize = 4;
  static void transpose(const Element* x, std::int64_t x_stride, Element* y,
                        std::int64_t y_stride) {
    const auto load = [&](int i) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + i * x_stride));
    };
    const auto store = [&](int i, __m128i v) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(y + i * y_stride), v);
    };
    const __m128i a = load(0), b = load(1), c = load(2), d = load(3);
    const __m128i ab_low = _mm_unpacklo_epi32(a, b), ab_high = _mm_unpackhi_epi32(a, b);
    const __m128i cd_low = _mm_unpacklo_epi32(c, d), cd_high = _mm_unpackhi_epi32(c, d);
    store(0, _mm_unpacklo_epi64(ab_low, cd_low));
    store(1, _mm_unpackhi_epi64(ab_low, cd_low));
    store(2, _mm_unpacklo_epi64(ab_high, cd_high));
    store(3, _mm_unpackhi_epi64(ab_high, cd_high));
  }
};

template <typename Block>
void transpose_blocks(std::int64_t rows, std::int64_t columns, const void* x, std::int64_t x_stride,
                      void* y, std::int64_t y_stride) {
  using T = typename Block::Element;
  constexpr std::int64_t kSize = Block::kSize;
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(y);
  const std::int64_t full_rows = rows - rows % kSize;
  const std::int64_t full_columns = columns - columns % kSize;
  for (std::int64_t r = 0; r < full_rows; r += kSize) {
    for (std::int64_t c = 0; c < full_columns; c += kSize) {
      Block::transpose(from + r * x_stride + c, x_stride, to + c * y_stride + r, y_stride);
    }
  }
  transpose_scalar(full_rows, columns - full_columns, from + full_columns, x_stride,
                   to + full_columns * y_stride, y_stride);
  transpose_scalar(rows - full_rows, columns, from + full_rows * x_stride, x_stride, to + full_rows,
                   y_stride);
}

}  // namespace

void transpose_tile(int element_bytes, std::int64_t rows, std::int64_t columns, const void* x,
                    std::int64_t x_stride, void* y, std::int64_t y_stride) {
  switch (element_bytes) {
    case 1:
      transpose_blocks<Block8>(rows, columns, x, x_stride, y, y_stride);
      break;
    case 2:
      transpose_scalar(rows, columns, static_cast<const std::uint16_t*>(x), x_stride,
                       static_cast<std::uint16_t*>(y), y_stride);
      break;
    case 4:
      transpose_blocks<Block32>(rows, columns, x, x_stride, y, y_stride);
      break;
    default:
      transpose_scalar(rows, columns, static_cast<const std::uint64_t*>(x), x_stride,
                       static_cast<std::uint64_t*>(y), y_stride);
  }
}

}  // namespace xinfer::kernels
