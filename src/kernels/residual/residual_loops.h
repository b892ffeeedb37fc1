// Row loops of residual.h for one instruction set; see elementwise/isa_namespace.h.
#pragma once

#include <cstdint>

#include "kernels/elementwise/float_math.h"

namespace xinfer::kernels {

/// Constants of a row; low and high hold the clip bounds and the output type's range.
struct ResidualRow {
  float a_factor, b_factor, low, high;
};
using ResidualLoop = void (*)(const void* a, const void* b, void* y, std::int64_t n,
                              const ResidualRow& row);

/// Indexed by [op][a][b][y] with 0 = s8, 1 = u8, 2 = float32.
struct ResidualLoops {
  ResidualLoop loops[2][2][2][3];
};
namespace portable {
extern const ResidualLoops kResidualLoops;
}
namespace avx2 {
extern const ResidualLoops kResidualLoops;
}
namespace avx512vnni {
extern const ResidualLoops kResidualLoops;
}

namespace XINFER_ISA_NAMESPACE {

template <typename Y>
inline Y finish(float y) {
  if constexpr (sizeof(Y) == 4) {
    return y;
  } else {
    return round_to_byte<Y>(y);  // the row's bounds lie in Y's range
  }
}

template <bool multiply, typename A, typename B, typename Y>
void residual_loop(const void* a, const void* b, void* y, std::int64_t n, const ResidualRow& row) {
  const A* from_a = static_cast<const A*>(a);
  const B* from_b = static_cast<const B*>(b);
  Y* to = static_cast<Y*>(y);
  const float a_factor = row.a_factor, b_factor = row.b_factor, low = row.low, high = row.high;
  // y may be a or b itself: each element is read before it is written.
  XINFER_IN_PLACE_LOOP
  for (std::int64_t i = 0; i < n; ++i) {
    const float fa = static_cast<float>(from_a[i]);
    const float fb = static_cast<float>(from_b[i]);
    const float value = multiply ? fa * fb * a_factor : fma(fa, a_factor, fma(fb, b_factor, 0.0f));
    to[i] = finish<Y>(clamp(value, low, high));
  }
}

template <bool multiply, typename A, typename B>
inline constexpr ResidualLoop kByOutput[3] = {residual_loop<multiply, A, B, std::int8_t>,
                                              residual_loop<multiply, A, B, std::uint8_t>,
                                              residual_loop<multiply, A, B, float>};

template <bool multiply, typename A, typename B>
constexpr void fill(ResidualLoops& table, int a, int b) {
  for (int y = 0; y < 3; ++y) table.loops[multiply][a][b][y] = kByOutput<multiply, A, B>[y];
}

template <bool multiply>
constexpr void fill_op(ResidualLoops& table) {
  fill<multiply, std::int8_t, std::int8_t>(table, 0, 0);
  fill<multiply, std::int8_t, std::uint8_t>(table, 0, 1);
  fill<multiply, std::uint8_t, std::int8_t>(table, 1, 0);
  fill<multiply, std::uint8_t, std::uint8_t>(table, 1, 1);
}

constexpr ResidualLoops make_residual_loops() {
  ResidualLoops table{};
  fill_op<false>(table);
  fill_op<true>(table);
  return table;
}

const ResidualLoops kResidualLoops = make_residual_loops();

}  // namespace XINFER_ISA_NAMESPACE
}  // namespace xinfer::kernels
