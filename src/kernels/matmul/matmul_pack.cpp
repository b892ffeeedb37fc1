// Interleaving four rows or copying groups of four into panels; transposition.
#include "kernels/matmul/matmul_pack.h"

#include <emmintrin.h>

#include <algorithm>
#include <cstring>

namespace xinfer::kernels {
namespace {

/// Four rows of 16 bytes to 16 groups of four: out[4 * n + i] = row[i][n].
void interleave_rows(const std::byte* const (&rows)[4], std::byte* out) {
  __m128i r[4];
  for (int i = 0; i < 4; ++i) r[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[i]));
  const __m128i low01 = _mm_unpacklo_epi8(r[0], r[1]);
  const __m128i high01 = _mm_unpackhi_epi8(r[0], r[1]);
  const __m128i low23 = _mm_unpacklo_epi8(r[2], r[3]);
  const __m128i high23 = _mm_unpackhi_epi8(r[2], r[3]);
  auto* to = reinterpret_cast<__m128i*>(out);
  _mm_store_si128(to, _mm_unpacklo_epi16(low01, low23));
  _mm_store_si128(to + 1, _mm_unpackhi_epi16(low01, low23));
  _mm_store_si128(to + 2, _mm_unpacklo_epi16(high01, high23));
  _mm_store_si128(to + 3, _mm_unpackhi_epi16(high01, high23));
}

/// [k, n] INT8: the last steps and columns go through a zero-padded copy.
void pack_int8_columns(const MatrixView& b, std::int64_t k, std::int64_t first, int count,
                       std::byte* panel) {
  for (std::int64_t step = 0; step < k; step += 4, panel += kStepBytes) {
    alignas(16) std::byte padded[4][kPanelChannels] = {};
    const std::byte* rows[4];
    for (int i = 0; i < 4; ++i) {
      const std::byte* at = b.data + (step + i) * b.row_stride + first;
      const bool whole = step + i < k && count == kPanelChannels;
      if (!whole && step + i < k) std::memcpy(padded[i], at, static_cast<std::size_t>(count));
      rows[i] = whole ? at : padded[i];
    }
    interleave_rows(rows, panel);
  }
}

/// [n, k] INT8: groups of four neighbouring bytes are copied whole.
void pack_int8_rows(const MatrixView& b, std::int64_t k, std::int64_t first, int count,
                    std::byte* panel) {
  for (int n = 0; n < count; ++n) {
    const std::byte* row = b.data + (first + n) * b.row_stride;
    std::byte* to = panel + 4 * n;
    std::int64_t i = 0;
    for (; i + 4 <= k; i += 4, to += kStepBytes) std::memcpy(to, row + i, 4);
    if (i < k) std::memcpy(to, row + i, static_cast<std::size_t>(k - i));
  }
}

void pack_float_columns(const MatrixView& b, std::int64_t k, std::int64_t first, int count,
                        std::byte* panel) {
  for (std::int64_t i = 0; i < k; ++i, panel += kStepBytes) {
    const std::byte* at = b.data + (i * b.row_stride + first) * 4;
    std::memcpy(panel, at, static_cast<std::size_t>(count) * 4);
  }
}

void pack_float_rows(const MatrixView& b, std::int64_t k, std::int64_t first, int count,
                     std::byte* panel) {
  for (int n = 0; n < count; ++n) {
    const std::byte* row = b.data + (first + n) * b.row_stride * 4;
    for (std::int64_t i = 0; i < k; ++i)
      std::memcpy(panel + i * kStepBytes + 4 * n, row + 4 * i, 4);
  }
}

template <std::size_t kBytes>
void transpose_elements(const MatrixView& from, std::int64_t rows, std::int64_t columns,
                        std::byte* to) {
  constexpr std::int64_t kBlock = 16;  // lines of both sides stay in L1
  for (std::int64_t r0 = 0; r0 < rows; r0 += kBlock) {
    const std::int64_t r1 = std::min(rows, r0 + kBlock);
    for (std::int64_t c = 0; c < columns; ++c) {
      for (std::int64_t r = r0; r < r1; ++r) {
        std::memcpy(to + (c * rows + r) * static_cast<std::int64_t>(kBytes),
                    from.data + (r * from.row_stride + c) * static_cast<std::int64_t>(kBytes),
                    kBytes);
      }
    }
  }
}

}  // namespace

void pack_panels(const MatrixView& b, bool transposed, std::int64_t k, std::int64_t n,
                 ConvType type, std::byte* panels) {
  const std::size_t bytes = panel_bytes(k, type);
  const auto pack = type == ConvType::kF32 ? (transposed ? pack_float_rows : pack_float_columns)
                                           : (transposed ? pack_int8_rows : pack_int8_columns);
  const std::size_t written = static_cast<std::size_t>((k + 3) / 4) * kStepBytes;
  for (std::int64_t first = 0; first < n; first += kPanelChannels, panels += bytes) {
    const int count = static_cast<int>(std::min<std::int64_t>(kPanelChannels, n - first));
    if (count < kPanelChannels) {
      std::memset(panels, 0, bytes);
    } else if (type != ConvType::kF32) {
      std::memset(panels + written - kStepBytes, 0, bytes - written + kStepBytes);
    }
    pack(b, k, first, count, panels);
  }
}

void sum_panels(const GemmKernel& kernel, const std::byte* panels, std::int64_t k, std::int64_t n,
                const std::byte* ones, std::int32_t* compensation) {
  constexpr int kMaxColumns = 128;
  alignas(64) constexpr std::int32_t kZeros[kMaxColumns] = {};
  alignas(64) std::int32_t sums[kMaxColumns];
  GemmTile tile;
  tile.a = ones;
  tile.b_panel_bytes = static_cast<std::ptrdiff_t>(panel_bytes(k, kernel.type));
  tile.steps = (k + 3) / 4;
  tile.start = kZeros;
  tile.acc = sums;
  const std::int64_t panel_count = (n + kPanelChannels - 1) / kPanelChannels;
  for (std::int64_t p = 0; p < panel_count; p += kernel.max_panels) {
    const int count = static_cast<int>(std::min<std::int64_t>(kernel.max_panels, panel_count - p));
    tile.b = panels + p * tile.b_panel_bytes;
    kernel.run(tile, 1, count);
    for (int i = 0; i < count * kPanelChannels; ++i) {
      compensation[p * kPanelChannels + i] = -128 * sums[i];
    }
  }
}

void transpose_matrix(const MatrixView& from, std::int64_t rows, std::int64_t columns,
                      std::byte* to) {
  if (from.element_bytes == 1) {
    transpose_elements<1>(from, rows, columns, to);
  } else {
    transpose_elements<4>(from, rows, columns, to);
  }
}

}  // namespace xinfer::kernels
