// INT8 depthwise over a vector type. Four taps of a kernel line are unpacked into dwords of one
// channel each, which serve every output line that the input line reaches; a dot product of 4 bytes
// then adds four taps at once. Internal linkage: built per instruction set.
//
// Vector provides: Type, kBytes, kRows (output lines whose accumulators fit the registers), load,
// unpack_{low,high}_{bytes,words} (within 128-bit lanes), dot (4 u8 x 4 s8 added to int32), zero,
// and store_in_order (undoes the unpacking: [quarter][lane] to position order, adding start
// values).
#pragma once

#include "kernels/depthwise/depthwise_kernel.h"

namespace xinfer::kernels {
namespace {

template <typename Vector>
inline void transpose_taps(const std::byte* const* taps, std::int64_t at,
                           typename Vector::Type (&t)[4]) {
  const auto a = Vector::load(taps[0] + at);
  const auto b = Vector::load(taps[1] + at);
  const auto c = Vector::load(taps[2] + at);
  const auto d = Vector::load(taps[3] + at);
  const auto ab_low = Vector::unpack_low_bytes(a, b);
  const auto ab_high = Vector::unpack_high_bytes(a, b);
  const auto cd_low = Vector::unpack_low_bytes(c, d);
  const auto cd_high = Vector::unpack_high_bytes(c, d);
  t[0] = Vector::unpack_low_words(ab_low, cd_low);
  t[1] = Vector::unpack_high_words(ab_low, cd_low);
  t[2] = Vector::unpack_low_words(ab_high, cd_high);
  t[3] = Vector::unpack_high_words(ab_high, cd_high);
}

/// One vector of positions, from `at` (`phase_at` in its period), of kRows output lines from
/// `first_row`; kKernelH x kStride are the kernel's height and stride, or 0 for any (then kRows is
/// 1).
template <typename Vector, int kRows, int kKernelH, int kStride>
inline void compute_vector(const DepthwiseCall& call, int first_row, std::int64_t at,
                           std::int64_t phase_at, const std::byte* weights, std::int32_t* acc_out) {
  constexpr bool kAny = kKernelH == 0;
  const std::int64_t quads = call.line_taps / 4;
  const std::int64_t quad_bytes = call.period_chunks * kDepthwiseChunkWeights;
  const int lines = kAny ? call.kernel_h : (kRows - 1) * kStride + kKernelH;
  const std::byte* const* taps = call.taps + first_row * call.stride_h * call.line_taps;
  const std::int64_t line_step = (kAny ? call.dilation_h : 1) * call.line_taps;
  typename Vector::Type acc[kRows][4];
  const bool finishes = Vector::kFinishes && call.finish != nullptr;
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      acc[r][j] = finishes ? Vector::load(call.finish->start + phase_at + 16 * j) : Vector::zero();
    }
  }
#pragma GCC unroll 16
  for (int line = 0; line < lines; ++line, taps += line_step) {
    for (std::int64_t q = 0; q < quads; ++q) {
      typename Vector::Type t[4];
      transpose_taps<Vector>(taps + 4 * q, at, t);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const int ky = line - r * kStride;
        if (!kAny && (ky < 0 || ky >= kKernelH)) continue;
        const std::byte* w = weights + (ky * quads + q) * quad_bytes;
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          acc[r][j] = Vector::dot(acc[r][j], t[j], Vector::load(w + j * kDepthwiseChunk));
        }
      }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
    if constexpr (Vector::kFinishes) {
      if (finishes) {
        Vector::finish(acc[r], *call.finish, first_row + r, at, phase_at);
        continue;
      }
    }
    Vector::store_in_order(acc[r], call.start == nullptr ? nullptr : call.start + phase_at,
                           acc_out + (first_row + r) * call.acc_row + at);
  }
}

template <typename Vector, int kRows, int kKernelH, int kStride>
void compute_rows(const DepthwiseCall& call, int first_row) {
  auto* acc = static_cast<std::int32_t*>(call.acc);
  std::int64_t phase = 0;
  for (std::int64_t chunk = 0; chunk < call.chunks; ++chunk) {
    const std::byte* weights = call.weights + phase * kDepthwiseChunkWeights;
#pragma GCC unroll 1
    for (int part = 0; part < kDepthwiseChunk; part += Vector::kBytes) {
      compute_vector<Vector, kRows, kKernelH, kStride>(
          call, first_row, chunk * kDepthwiseChunk + part, phase * kDepthwiseChunk + part,
          weights + part, acc);
    }
    if (++phase == call.period_chunks) phase = 0;
  }
}

template <typename Vector, int kKernelH, int kStride>
void compute_shape(const DepthwiseCall& call) {
  constexpr int kRows = Vector::kRows;
  int row = 0;
  for (; row + kRows <= call.rows; row += kRows) {
    compute_rows<Vector, kRows, kKernelH, kStride>(call, row);
  }
  for (; row < call.rows; ++row) compute_rows<Vector, 1, kKernelH, kStride>(call, row);
}

template <typename Vector>
inline void depthwise_int8(const DepthwiseCall& call) {
  if (call.dilation_h == 1 && call.kernel_h == 3 && call.stride_h == 1) {
    return compute_shape<Vector, 3, 1>(call);
  }
  if (call.dilation_h == 1 && call.kernel_h == 3 && call.stride_h == 2) {
    return compute_shape<Vector, 3, 2>(call);
  }
  if (call.dilation_h == 1 && call.kernel_h == 5 && call.stride_h == 1) {
    return compute_shape<Vector, 5, 1>(call);
  }
  if (call.dilation_h == 1 && call.kernel_h == 5 && call.stride_h == 2) {
    return compute_shape<Vector, 5, 2>(call);
  }
  for (int row = 0; row < call.rows; ++row) compute_rows<Vector, 1, 0, 0>(call, row);
}

}  // namespace
}  // namespace xinfer::kernels
