// Inner loops of pooling over channels for one instruction set; see elementwise/isa_namespace.h.
// A window arrives as a list of rows: kernel_w taps `tap_stride` apart from each row's start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/elementwise/float_math.h"
#include "kernels/elementwise/vectors.h"

namespace xinfer::kernels {

/// Channels handled at once; the accumulators stay in the L1 cache.
inline constexpr std::int64_t kPoolBlock = 64;

/// The clipped window of one output pixel in elements of x.
struct PoolWindow {
  std::int64_t planes, rows, taps;                    ///< clipped counts: D, H, W
  std::int64_t plane_stride, row_stride, tap_stride;  ///< elements
};

/// y[0, channels) = pooled window at x. `factor` multiplies the sum; `divisor` divides it.
using PoolLoop = void (*)(const void* x, void* y, std::int64_t channels, const PoolWindow& window,
                          float factor, float divisor);

/// Types: 0 = float32, 1 = s8, 2 = u8.
struct PoolLoops {
  PoolLoop max[3];
  PoolLoop average_f32;
  PoolLoop average_int8[2][3];  ///< [s8, u8][float32, s8, u8]
  PoolLoop lp[2];               ///< p = 1, 2
};
namespace portable {
extern const PoolLoops kPoolLoops;
}
namespace avx2 {
extern const PoolLoops kPoolLoops;
}
namespace avx512vnni {
extern const PoolLoops kPoolLoops;
}

namespace XINFER_ISA_NAMESPACE {

/// Calls tap(pointer) for every element of the window, row by row; after each row row_end().
template <typename X, typename Tap, typename RowEnd>
inline void walk(const X* x, const PoolWindow& w, const Tap& tap, const RowEnd& row_end) {
  for (std::int64_t d = 0; d < w.planes; ++d) {
    for (std::int64_t h = 0; h < w.rows; ++h) {
      const X* row = x + d * w.plane_stride + h * w.row_stride;
      for (std::int64_t k = 0; k < w.taps; ++k) tap(row + k * w.tap_stride);
      row_end();
    }
  }
}

/// Splits channels into blocks; whole blocks have a constant length, which lets the accumulators be
/// registers.
template <typename X, typename Y, typename Body>
inline void for_blocks(const void* x, void* y, std::int64_t channels, const Body& body) {
  const X* from = static_cast<const X*>(x);
  Y* to = static_cast<Y*>(y);
  std::int64_t c = 0;
  for (; c + kPoolBlock <= channels; c += kPoolBlock) body(from + c, to + c, kPoolBlock);
  if (c < channels) body(from + c, to + c, channels - c);
}

template <typename T>
inline T lowest() {
  if constexpr (sizeof(T) == 4) return -__builtin_inff();
  return T(-1) < T(0) ? T(-128) : T(0);
}

/// One vector of `lanes` neighbouring channels for every k; the maxima stay in registers.
template <typename T, int lanes, std::size_t... k>
inline void max_block(const T* x, T* y, const PoolWindow& w, std::index_sequence<k...>) {
  const auto larger = [](auto a, auto b) { return a > b ? a : b; };
  Vector<T, lanes> best[] = {(static_cast<void>(k), Vector<T, lanes>{} + lowest<T>())...};
  walk(
      x, w,
      [&](const T* tap) {
        ((best[k] = larger(best[k], load_vector<lanes>(tap + k * lanes))), ...);
      },
      [] {});
  (store_vector<lanes>(y + k * lanes, best[k]), ...);
}

/// Channels one by one, for the few that fill no vector.
template <typename T>
inline void max_scalars(const T* x, T* y, std::int64_t channels, const PoolWindow& w) {
  for (std::int64_t c = 0; c < channels; ++c) {
    T best = lowest<T>();
    walk(
        x + c, w, [&](const T* tap) { best = best > *tap ? best : *tap; }, [] {});
    y[c] = best;
  }
}

/// Blocks of four vectors, of one, and a last one that overlaps its predecessor.
template <int lanes, typename T>
inline void max_channels(const T* x, T* y, std::int64_t channels, const PoolWindow& w) {
  std::int64_t c = 0;
  for (; c + 4 * lanes <= channels; c += 4 * lanes) {
    max_block<T, lanes>(x + c, y + c, w, std::make_index_sequence<4>{});
  }
  for (; c + lanes <= channels; c += lanes) {
    max_block<T, lanes>(x + c, y + c, w, std::make_index_sequence<1>{});
  }
  if (c == channels) return;
  c = channels - lanes;
  max_block<T, lanes>(x + c, y + c, w, std::make_index_sequence<1>{});
}

template <typename T>
void max_loop(const void* x, void* y, std::int64_t channels, const PoolWindow& w, float, float) {
  constexpr int kNative = 4 * kWidth / static_cast<int>(sizeof(T));
  constexpr int kSmall = 16 / static_cast<int>(sizeof(T));
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(y);
  if (channels >= kNative) {
    max_channels<kNative>(from, to, channels, w);
  } else if (channels >= kSmall) {
    max_channels<kSmall>(from, to, channels, w);
  } else {
    max_scalars(from, to, channels, w);
  }
}

template <typename Y>
inline Y store_average(float y) {
  if constexpr (sizeof(Y) == 4) {
    return y;
  } else {
    return quantised<Y>(y);
  }
}

template <typename X, typename Y>
void average_int8_loop(const void* x, void* y, std::int64_t channels, const PoolWindow& w,
                       float factor, float) {
  for_blocks<X, Y>(x, y, channels, [&](const X* from, Y* to, std::int64_t n) {
    std::int32_t sum[kPoolBlock];
    for (std::int64_t c = 0; c < n; ++c) sum[c] = 0;
    walk(
        from, w,
        [&](const X* tap) {
          for (std::int64_t c = 0; c < n; ++c) sum[c] += tap[c];
        },
        [] {});
    for (std::int64_t c = 0; c < n; ++c) {
      to[c] = store_average<Y>(static_cast<float>(sum[c]) * factor);
    }
  });
}

/// What an element adds to a float sum: itself, |x|^1 or |x|^2.
template <int p>
inline float term(float x) {
  if constexpr (p == 0) return x;
  if constexpr (p == 1) return absolute(x);
  return x * x;
}

template <int p>
void sum_loop(const void* x, void* y, std::int64_t channels, const PoolWindow& w, float,
              float divisor) {
  for_blocks<float, float>(x, y, channels, [&](const float* from, float* to, std::int64_t n) {
    float total[kPoolBlock], row[kPoolBlock];
    for (std::int64_t c = 0; c < n; ++c) total[c] = row[c] = 0.0f;
    walk(
        from, w,
        [&](const float* tap) {
          for (std::int64_t c = 0; c < n; ++c) row[c] += term<p>(tap[c]);
        },
        [&] {
          for (std::int64_t c = 0; c < n; ++c) {
            total[c] += row[c];
            row[c] = 0.0f;
          }
        });
    for (std::int64_t c = 0; c < n; ++c) {
      to[c] = p == 0 ? total[c] / divisor : (p == 1 ? total[c] : __builtin_sqrtf(total[c]));
    }
  });
}

using S8 = std::int8_t;
using U8 = std::uint8_t;
const PoolLoops kPoolLoops = {
    {max_loop<float>, max_loop<S8>, max_loop<U8>},
    sum_loop<0>,
    {{average_int8_loop<S8, float>, average_int8_loop<S8, S8>, average_int8_loop<S8, U8>},
     {average_int8_loop<U8, float>, average_int8_loop<U8, S8>, average_int8_loop<U8, U8>}},
    {sum_loop<1>, sum_loop<2>}};

}  // namespace XINFER_ISA_NAMESPACE
}  // namespace xinfer::kernels
