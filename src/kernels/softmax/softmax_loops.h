// Softmax of one row, or of a strip of columns, for one instruction set; see
// elementwise/isa_namespace.h.
#pragma once

#include <cstdint>

#include "kernels/elementwise/lanes.h"
#if defined(__AVX512F__)
#include "kernels/softmax/softmax_row_avx512.h"
#endif

namespace xinfer::kernels {

/// Columns handled at once where the axis is not the innermost dimension.
inline constexpr std::int64_t kSoftmaxStrip = 64;

/// One row (x_stride = y_stride = 1, columns = 1), or `columns` <= kSoftmaxStrip neighbours of an
/// axis with strides.
using SoftmaxLoop = void (*)(const float* x, std::int64_t x_stride, void* y, std::int64_t y_stride,
                             std::int64_t n, std::int64_t columns, float y_scale);

/// Indexed by [log][y]: 0 = float32, 1 = s8, 2 = u8.
struct SoftmaxLoops {
  SoftmaxLoop rows[2][3];
  SoftmaxLoop strips[2][3];
};
namespace portable {
extern const SoftmaxLoops kSoftmaxLoops;
}
namespace avx2 {
extern const SoftmaxLoops kSoftmaxLoops;
}
namespace avx512vnni {
extern const SoftmaxLoops kSoftmaxLoops;
}

namespace XINFER_ISA_NAMESPACE {

#if !defined(__AVX512F__)
/// float32 softmax keeps exp(x - m) in y.
inline void softmax_row_f32(const float* x, float* y, std::int64_t n) {
  const float m = lane_max(n, x);
  map_row(n, x, y, [m](float v) { return exp(v - m); });
  const float r = 1.0f / lane_sum(n, y);
  for (std::int64_t i = 0; i < n; ++i) y[i] *= r;
}
#endif

/// INT8 softmax has no room for exp(x - m) in y and keeps a block of it at a time: rows of up to
/// kSoftmaxBlock elements, which is what attention has, are computed once, longer ones twice.
inline constexpr std::int64_t kSoftmaxBlock = 1024;

template <typename Y>
inline void softmax_row_int8(const float* x, Y* y, std::int64_t n, float y_scale) {
  const float m = lane_max(n, x);
  const auto exponential = [m](float v) { return exp(v - m); };
  alignas(64) float block[kSoftmaxBlock];
  // Blocks are whole multiples of kLanes, so adding their lanes block by block is lane_sum's order.
  float lanes[kLanes] = {};
  for (std::int64_t i = 0; i < n; i += kSoftmaxBlock) {
    const std::int64_t count = n - i < kSoftmaxBlock ? n - i : kSoftmaxBlock;
    map_row(count, x + i, block, exponential);
    std::int64_t k = 0;
    for (; k + kLanes <= count; k += kLanes) {
      for (int l = 0; l < kLanes; ++l) lanes[l] += block[k + l];
    }
    for (int l = 0; k + l < count; ++l) lanes[l] += block[k + l];
  }
  const float r = 1.0f / lane_sum(kLanes, lanes);
  for (std::int64_t i = 0; i < n; i += kSoftmaxBlock) {
    const std::int64_t count = n - i < kSoftmaxBlock ? n - i : kSoftmaxBlock;
    if (n > kSoftmaxBlock) map_row(count, x + i, block, exponential);
    for (std::int64_t k = 0; k < count; ++k) y[i + k] = store_scaled<Y>(block[k] * r, y_scale);
  }
}

template <typename Y>
inline void log_softmax_row(const float* x, Y* y, std::int64_t n, float y_scale) {
  const float m = lane_max(n, x);
  float lanes[kLanes] = {};
  for (std::int64_t i = 0; i < n; i += kLanes) {
    const std::int64_t count = n - i < kLanes ? n - i : kLanes;
    float block[kLanes];
    map_row(count, x + i, block, [m](float v) { return exp(v - m); });
    for (std::int64_t l = 0; l < count; ++l) lanes[l] += block[l];
  }
  const float l = log(lane_sum(kLanes, lanes));
  XINFER_IN_PLACE_LOOP
  for (std::int64_t i = 0; i < n; ++i) y[i] = store_scaled<Y>((x[i] - m) - l, y_scale);
}

template <bool log_output, typename Y>
void softmax_row(const float* x, std::int64_t, void* y_bytes, std::int64_t, std::int64_t n,
                 std::int64_t, float y_scale) {
  Y* y = static_cast<Y*>(y_bytes);
  if constexpr (log_output) {
    log_softmax_row(x, y, n, y_scale);
  } else if constexpr (sizeof(Y) == 4) {
    softmax_row_f32(x, y, n);
  } else {
    softmax_row_int8(x, y, n, y_scale);
  }
}

/// What the columns of a strip share between its passes.
struct Strip {
  float best[kSoftmaxStrip], sum[kSoftmaxStrip], last[kSoftmaxStrip];
};

/// One pass over a row of the strip; called with a constant column count where it is a whole one.
template <bool log_output, typename Y>
inline void softmax_columns(const float* x, std::int64_t x_stride, Y* y, std::int64_t y_stride,
                            std::int64_t n, std::int64_t columns, float y_scale) {
  constexpr bool kKeepInY = !log_output && sizeof(Y) == 4;
  Strip s;
  for (std::int64_t c = 0; c < columns; ++c) {
    s.best[c] = x[c];
    s.sum[c] = 0.0f;
  }
  for (std::int64_t i = 1; i < n; ++i) {
    const float* row = x + i * x_stride;
    for (std::int64_t c = 0; c < columns; ++c) {
      s.best[c] = s.best[c] > row[c] ? s.best[c] : row[c];
    }
  }
  for (std::int64_t i = 0; i < n; ++i) {
    const float* row = x + i * x_stride;
    [[maybe_unused]] Y* out = y + i * y_stride;
    XINFER_IN_PLACE_LOOP
    for (std::int64_t c = 0; c < columns; ++c) {
      const float e = exp(row[c] - s.best[c]);
      if constexpr (kKeepInY) out[c] = e;
      s.sum[c] += e;
    }
  }
  for (std::int64_t c = 0; c < columns; ++c) {
    s.last[c] = log_output ? log(s.sum[c]) : 1.0f / s.sum[c];
  }
  for (std::int64_t i = 0; i < n; ++i) {
    const float* row = x + i * x_stride;
    Y* out = y + i * y_stride;
    XINFER_IN_PLACE_LOOP
    for (std::int64_t c = 0; c < columns; ++c) {
      if constexpr (kKeepInY) {
        out[c] *= s.last[c];
      } else {
        const float shifted = row[c] - s.best[c];
        out[c] =
            store_scaled<Y>(log_output ? shifted - s.last[c] : exp(shifted) * s.last[c], y_scale);
      }
    }
  }
}

template <bool log_output, typename Y>
void softmax_strip(const float* x, std::int64_t x_stride, void* y_bytes, std::int64_t y_stride,
                   std::int64_t n, std::int64_t columns, float y_scale) {
  Y* y = static_cast<Y*>(y_bytes);
  if (columns == kSoftmaxStrip) {
    softmax_columns<log_output>(x, x_stride, y, y_stride, n, kSoftmaxStrip, y_scale);
  } else {
    softmax_columns<log_output>(x, x_stride, y, y_stride, n, columns, y_scale);
  }
}

using S8 = std::int8_t;
using U8 = std::uint8_t;
const SoftmaxLoops kSoftmaxLoops = {
    {{softmax_row<false, float>, softmax_row<false, S8>, softmax_row<false, U8>},
     {softmax_row<true, float>, softmax_row<true, S8>, softmax_row<true, U8>}},
    {{softmax_strip<false, float>, softmax_strip<false, S8>, softmax_strip<false, U8>},
     {softmax_strip<true, float>, softmax_strip<true, S8>, softmax_strip<true, U8>}}};

}  // namespace XINFER_ISA_NAMESPACE
}  // namespace xinfer::kernels
