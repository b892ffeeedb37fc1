// INT8 depthwise over a vector type. Four taps of a kernel line are unpacked into dwords of one
// channel each, which serve every output line that the input line reaches; a dot product of 4 bytes
// then adds four taps at once. Internal linkage: built per instruction set.
//
// Vector provides: Type, kBytes, load, unpack_{low,high}_{bytes,words} (within 128-bit lanes), dot
// (4 u8 x 4 s8 added to int32), zero, and store_in_order (undoes the unpacking: [quarter][lane] to
// position order, adding start values). A Sink takes the sums of one vector of positions of a line:
// Sink(call, phase_at), then store(sums, row, at).
#pragma once

#include "kernels/depthwise/depthwise_kernel.h"

namespace xinfer::kernels {
namespace {

/// Output lines computed together. Two lines' accumulators, a 3x3 kernel's weights and the unpacked
/// taps fit 32 registers; sharing input lines among more saves fewer unpackings than it costs
/// loads.
inline constexpr int kRowsTogether = 2;

/// Sizes known when compiling; 0: any, known when running. Dilation is 1 where kKernelH is known.
template <int kKernelH_, int kStride_, int kTaps_>
struct KernelSize {
  static constexpr int kKernelH = kKernelH_;
  static constexpr int kStride = kStride_;
  static constexpr int kTaps = kTaps_;  ///< kernel_w
};
using AnySize = KernelSize<0, 0, 0>;

/// Dwords of one channel each from taps 4 * quad to 4 * quad + 3. Excess taps, whose weights are
/// zero, repeat the first instead of being loaded.
template <typename Vector, typename Size>
inline void transpose_taps(const std::byte* const* taps, int quad, std::int64_t at,
                           typename Vector::Type (&t)[4]) {
  typename Vector::Type tap[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const bool excess = Size::kTaps != 0 && 4 * quad + i >= Size::kTaps;
    tap[i] = excess ? tap[0] : Vector::load(taps[4 * quad + i] + at);
  }
  const auto low01 = Vector::unpack_low_bytes(tap[0], tap[1]);
  const auto high01 = Vector::unpack_high_bytes(tap[0], tap[1]);
  const auto low23 = Vector::unpack_low_bytes(tap[2], tap[3]);
  const auto high23 = Vector::unpack_high_bytes(tap[2], tap[3]);
  t[0] = Vector::unpack_low_words(low01, low23);
  t[1] = Vector::unpack_high_words(low01, low23);
  t[2] = Vector::unpack_low_words(high01, high23);
  t[3] = Vector::unpack_high_words(high01, high23);
}

/// Stores accumulators for the epilogue to come.
template <typename Vector>
class AccumulatorSink {
 public:
  AccumulatorSink(const DepthwiseCall& call, std::int64_t phase_at)
      : acc_(static_cast<std::int32_t*>(call.acc)),
        acc_row_(call.acc_row),
        start_(call.start == nullptr ? nullptr : call.start + phase_at) {}

  void store(const typename Vector::Type (&sums)[4], int row, std::int64_t at) const {
    Vector::store_in_order(sums, start_, acc_ + row * acc_row_ + at);
  }

 private:
  std::int32_t* acc_;
  std::int64_t acc_row_;
  const std::int32_t* start_;
};

/// Adds input line `line` of the group, whose taps are given, to every output line it reaches.
template <typename Vector, int kRows, typename Size>
inline void add_line(const DepthwiseCall& call, const std::byte* const* taps, int line,
                     std::int64_t at, const std::byte* weights,
                     typename Vector::Type (&acc)[kRows][4]) {
  const int quads = Size::kTaps != 0 ? (Size::kTaps + 3) / 4 : static_cast<int>(call.line_taps / 4);
  const std::int64_t quad_bytes = call.period_chunks * kDepthwiseChunkWeights;
#pragma GCC unroll 2
  for (int quad = 0; quad < quads; ++quad) {
    typename Vector::Type t[4];
    transpose_taps<Vector, Size>(taps, quad, at, t);
#pragma GCC unroll 2
    for (int r = 0; r < kRows; ++r) {
      const int ky = line - r * Size::kStride;
      if (Size::kKernelH != 0 && (ky < 0 || ky >= Size::kKernelH)) continue;
      const std::byte* w = weights + (ky * quads + quad) * quad_bytes;
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        acc[r][j] = Vector::dot(acc[r][j], t[j], Vector::load(w + j * kDepthwiseChunk));
      }
    }
  }
}

/// All chunks of one phase of the period, which begins at position `phase_at`: they share their
/// weights.
template <typename Vector, typename Sink, int kRows, typename Size>
void compute_phase(const DepthwiseCall& call, int first_row, std::int64_t phase_at,
                   const std::byte* weights) {
  constexpr bool kAny = Size::kKernelH == 0;
  const Sink sink(call, phase_at);
  const int lines = kAny ? call.kernel_h : (kRows - 1) * Size::kStride + Size::kKernelH;
  const std::byte* const* first_taps = call.taps + first_row * call.stride_h * call.line_taps;
  const std::int64_t line_step = (kAny ? call.dilation_h : 1) * call.line_taps;
  const std::int64_t end = call.chunks * kDepthwiseChunk;
  const std::int64_t period = call.period_chunks * kDepthwiseChunk;
  for (std::int64_t at = phase_at; at < end; at += period) {
    typename Vector::Type acc[kRows][4];
#pragma GCC unroll 2
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) acc[r][j] = Vector::zero();
    }
    const std::byte* const* taps = first_taps;
#pragma GCC unroll 8
    for (int line = 0; line < lines; ++line, taps += line_step) {
      add_line<Vector, kRows, Size>(call, taps, line, at, weights, acc);
    }
#pragma GCC unroll 2
    for (int r = 0; r < kRows; ++r) sink.store(acc[r], first_row + r, at);
  }
}

template <typename Vector, typename Sink, int kRows, typename Size>
void compute_rows(const DepthwiseCall& call, int first_row) {
  for (std::int64_t phase = 0; phase < call.period_chunks; ++phase) {
    for (int part = 0; part < kDepthwiseChunk; part += Vector::kBytes) {
      const std::int64_t at = phase * kDepthwiseChunk + part;
      compute_phase<Vector, Sink, kRows, Size>(
          call, first_row, at, call.weights + phase * kDepthwiseChunkWeights + part);
    }
  }
}

template <typename Vector, typename Sink, typename Size>
void compute_size(const DepthwiseCall& call) {
  int row = 0;
  for (; row + kRowsTogether <= call.rows; row += kRowsTogether) {
    compute_rows<Vector, Sink, kRowsTogether, Size>(call, row);
  }
  for (; row < call.rows; ++row) compute_rows<Vector, Sink, 1, Size>(call, row);
}

template <typename Vector, typename Sink = AccumulatorSink<Vector>>
inline void depthwise_int8(const DepthwiseCall& call) {
  const bool square = call.kernel_h == call.kernel_w && call.dilation_h == 1;
  if (square && call.kernel_h == 3 && call.stride_h == 1) {
    return compute_size<Vector, Sink, KernelSize<3, 1, 3>>(call);
  }
  if (square && call.kernel_h == 3 && call.stride_h == 2) {
    return compute_size<Vector, Sink, KernelSize<3, 2, 3>>(call);
  }
  if (square && call.kernel_h == 5 && call.stride_h == 1) {
    return compute_size<Vector, Sink, KernelSize<5, 1, 5>>(call);
  }
  if (square && call.kernel_h == 5 && call.stride_h == 2) {
    return compute_size<Vector, Sink, KernelSize<5, 2, 5>>(call);
  }
  for (int row = 0; row < call.rows; ++row) compute_rows<Vector, Sink, 1, AnySize>(call, row);
}

}  // namespace
}  // namespace xinfer::kernels
