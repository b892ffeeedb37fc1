// Softmax of one row, or of a strip of columns, for one instruction set; see
// elementwise/isa_namespace.h.
#pragma once

#include <cstdint>

#include "kernels/elementwise/lanes.h"

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

/// exp(x - m) is kept in blocks on the stack only for INT8 outputs, which are too narrow to hold
/// it: there it is computed twice.
template <bool log_output, typename Y>
void softmax_row(const float* x, std::int64_t, void* y_bytes, std::int64_t, std::int64_t n,
                 std::int64_t, float y_scale) {
  Y* y = static_cast<Y*>(y_bytes);
  const float m = lane_max(n, x);
  if constexpr (!log_output && sizeof(Y) == 4) {
    const float sum = lane_sum(n, [&](std::int64_t i) { return y[i] = exp(x[i] - m); });
    const float r = 1.0f / sum;
    for (std::int64_t i = 0; i < n; ++i) y[i] = y[i] * r;
    return;
  }
  const float sum = lane_sum(n, [&](std::int64_t i) { return exp(x[i] - m); });
  const float r = 1.0f / sum;
  const float l = log(sum);
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) {
    const float value = log_output ? (x[i] - m) - l : exp(x[i] - m) * r;
    y[i] = store_scaled<Y>(value, y_scale);
  }
}

template <bool log_output, typename Y>
void softmax_strip(const float* x, std::int64_t x_stride, void* y_bytes, std::int64_t y_stride,
                   std::int64_t n, std::int64_t columns, float y_scale) {
  Y* y = static_cast<Y*>(y_bytes);
  float m[kSoftmaxStrip], sum[kSoftmaxStrip], last[kSoftmaxStrip];
  for (std::int64_t c = 0; c < columns; ++c) m[c] = x[c];
  for (std::int64_t i = 1; i < n; ++i) {
    const float* row = x + i * x_stride;
    for (std::int64_t c = 0; c < columns; ++c) m[c] = m[c] > row[c] ? m[c] : row[c];
  }
  for (std::int64_t c = 0; c < columns; ++c) sum[c] = 0.0f;
  for (std::int64_t i = 0; i < n; ++i) {
    const float* row = x + i * x_stride;
    for (std::int64_t c = 0; c < columns; ++c) sum[c] += exp(row[c] - m[c]);
  }
  for (std::int64_t c = 0; c < columns; ++c) last[c] = log_output ? log(sum[c]) : 1.0f / sum[c];
  for (std::int64_t i = 0; i < n; ++i) {
    const float* row = x + i * x_stride;
    Y* out = y + i * y_stride;
#pragma GCC ivdep
    for (std::int64_t c = 0; c < columns; ++c) {
      const float value = log_output ? (row[c] - m[c]) - last[c] : exp(row[c] - m[c]) * last[c];
      out[c] = store_scaled<Y>(value, y_scale);
    }
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
