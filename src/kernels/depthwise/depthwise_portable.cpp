// Depthwise micro-kernels in plain C++.
#include "kernels/depthwise/depthwise_kernel.h"

namespace xinfer::kernels {
namespace {

/// The pointers of kernel line `ky` for output line `row`.
const std::byte* const* line_taps(const DepthwiseCall& call, int row, int ky) {
  return call.taps + (row * call.stride_h + ky * call.dilation_h) * call.line_taps;
}

/// 64 sums, in the order of the packed weights, of the four taps at `taps`.
void add_quad(const std::byte* const* taps, std::int64_t first, const std::int8_t* weights,
              std::int32_t* acc) {
  for (int at = 0; at < kDepthwiseChunk; ++at) {
    const std::int8_t* w = weights + at % 16 / 4 * kDepthwiseChunk + at / 16 * 16 + at % 4 * 4;
    for (int tap = 0; tap < 4; ++tap) {
      acc[at] += std::to_integer<int>(taps[tap][first + at]) * w[tap];
    }
  }
}

}  // namespace

void depthwise_int8_portable(const DepthwiseCall& call) {
  const auto* weights = reinterpret_cast<const std::int8_t*>(call.weights);
  const std::int64_t quads = call.line_taps / 4;
  for (int row = 0; row < call.rows; ++row) {
    auto* acc = static_cast<std::int32_t*>(call.acc) + row * call.acc_row;
    for (std::int64_t chunk = 0; chunk < call.chunks; ++chunk, acc += kDepthwiseChunk) {
      const std::int64_t phase = chunk % call.period_chunks;
      for (int i = 0; i < kDepthwiseChunk; ++i) {
        acc[i] = call.start == nullptr ? 0 : call.start[phase * kDepthwiseChunk + i];
      }
      for (int ky = 0; ky < call.kernel_h; ++ky) {
        const std::byte* const* taps = line_taps(call, row, ky);
        for (std::int64_t q = 0; q < quads; ++q) {
          add_quad(
              taps + 4 * q, chunk * kDepthwiseChunk,
              weights + ((ky * quads + q) * call.period_chunks + phase) * kDepthwiseChunkWeights,
              acc);
        }
      }
    }
  }
}

void depthwise_f32_portable(const DepthwiseCall& call) {
  const auto* weights = reinterpret_cast<const float*>(call.weights);
  const std::int64_t period = call.period_chunks * 16;
  for (int row = 0; row < call.rows; ++row) {
    auto* acc = static_cast<float*>(call.acc) + row * call.acc_row;
    for (std::int64_t at = 0; at < call.chunks * 16; ++at) {
      float sum = 0.0f;
      for (int ky = 0; ky < call.kernel_h; ++ky) {
        const std::byte* const* taps = line_taps(call, row, ky);
        for (int kx = 0; kx < call.kernel_w; ++kx) {
          sum = __builtin_fmaf(reinterpret_cast<const float*>(taps[kx])[at],
                               weights[(ky * call.kernel_w + kx) * period + at % period], sum);
        }
      }
      acc[at] = sum;
    }
  }
}

}  // namespace xinfer::kernels
