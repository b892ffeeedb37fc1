// float32 rows of the arithmetic binary functions for one instruction set; see isa_namespace.h.
#pragma once

#include <cstdint>

#include "kernels/elementwise/isa_namespace.h"

namespace xinfer::kernels {

/// y[i] = op(a[i * a_step], b[i * b_step]) for i in [0, n); steps in elements.
using BinaryRow = void (*)(const void* a, std::int64_t a_step, const void* b, std::int64_t b_step,
                           void* y, std::int64_t n);

/// The specialisations of a row that are worth a loop of their own: both inputs contiguous, or one
/// of them a scalar.
template <typename T, typename R, typename Op>
void binary_row(const void* a_data, std::int64_t a_step, const void* b_data, std::int64_t b_step,
                void* y_data, std::int64_t n) {
  const T* a = static_cast<const T*>(a_data);
  const T* b = static_cast<const T*>(b_data);
  R* y = static_cast<R*>(y_data);
  if (a_step == 1 && b_step == 1) {
    XINFER_IN_PLACE_LOOP
    for (std::int64_t i = 0; i < n; ++i) y[i] = Op::apply(a[i], b[i]);
  } else if (a_step == 1 && b_step == 0) {
    const T scalar = *b;
    XINFER_IN_PLACE_LOOP
    for (std::int64_t i = 0; i < n; ++i) y[i] = Op::apply(a[i], scalar);
  } else if (a_step == 0 && b_step == 1) {
    const T scalar = *a;
    XINFER_IN_PLACE_LOOP
    for (std::int64_t i = 0; i < n; ++i) y[i] = Op::apply(scalar, b[i]);
  } else {
    for (std::int64_t i = 0; i < n; ++i) y[i] = Op::apply(a[i * a_step], b[i * b_step]);
  }
}

/// Indexed by Binary: kAdd … kMax and kPRelu have loops.
struct BinaryLoops {
  BinaryRow add, sub, mul, div, min, max, prelu;
};
namespace portable {
extern const BinaryLoops kBinaryLoops;
}
namespace avx2 {
extern const BinaryLoops kBinaryLoops;
}
namespace avx512vnni {
extern const BinaryLoops kBinaryLoops;
}

namespace XINFER_ISA_NAMESPACE {

struct AddF32 {
  static float apply(float a, float b) { return a + b; }
};
struct SubF32 {
  static float apply(float a, float b) { return a - b; }
};
struct MulF32 {
  static float apply(float a, float b) { return a * b; }
};
struct DivF32 {
  static float apply(float a, float b) { return a / b; }
};
struct MinF32 {
  static float apply(float a, float b) { return a != a ? a : (a < b ? a : b); }
};
struct MaxF32 {
  static float apply(float a, float b) { return a != a ? a : (a > b ? a : b); }
};
struct PReluF32 {
  static float apply(float a, float b) { return a < 0.0f ? a * b : a; }
};

const BinaryLoops kBinaryLoops = {
    binary_row<float, float, AddF32>,  binary_row<float, float, SubF32>,
    binary_row<float, float, MulF32>,  binary_row<float, float, DivF32>,
    binary_row<float, float, MinF32>,  binary_row<float, float, MaxF32>,
    binary_row<float, float, PReluF32>};

}  // namespace XINFER_ISA_NAMESPACE
}  // namespace xinfer::kernels
