// The float32 loops of unary.h for one instruction set; see isa_namespace.h.
#pragma once

#include <cstdint>

#include "kernels/elementwise/float_math.h"
#include "kernels/elementwise/unary.h"

namespace xinfer::kernels {

/// One loop per Unary; null where the op has no vector form.
struct UnaryLoops {
  UnaryLoop loops[kUnaryCount] = {};
};
namespace portable {
extern const UnaryLoops kUnaryLoops;
}
namespace avx2 {
extern const UnaryLoops kUnaryLoops;
}
namespace avx512vnni {
extern const UnaryLoops kUnaryLoops;
}

namespace XINFER_ISA_NAMESPACE {

template <Unary op>
inline float apply(float x, float alpha, float beta) {
  if constexpr (op == Unary::kIdentity) return x;
  if constexpr (op == Unary::kAbs) return absolute(x);
  if constexpr (op == Unary::kNeg) return -x;
  if constexpr (op == Unary::kExp) return exp(x);
  if constexpr (op == Unary::kLog) return log(x);
  if constexpr (op == Unary::kSqrt) return __builtin_sqrtf(x);
  if constexpr (op == Unary::kReciprocal) return 1.0f / x;
  if constexpr (op == Unary::kFloor) return __builtin_floorf(x);
  if constexpr (op == Unary::kCeil) return __builtin_ceilf(x);
  if constexpr (op == Unary::kRound) return __builtin_rintf(x);
  if constexpr (op == Unary::kSign) return x > 0.0f ? 1.0f : (x < 0.0f ? -1.0f : x);
  if constexpr (op == Unary::kErf) return erf(x);
  if constexpr (op == Unary::kTanh) return tanh(x);
  if constexpr (op == Unary::kSigmoid) return sigmoid(x);
  if constexpr (op == Unary::kHardSigmoid) {
    const float y = alpha * x + beta;
    return 1.0f < y ? 1.0f : (0.0f > y ? 0.0f : y);
  }
  if constexpr (op == Unary::kHardSwish) {
    const float y = x * (1.0f / 6.0f) + 0.5f;
    return x * (1.0f < y ? 1.0f : (0.0f > y ? 0.0f : y));
  }
  if constexpr (op == Unary::kSilu) return silu(x);
  if constexpr (op == Unary::kGelu) return gelu(x);
  if constexpr (op == Unary::kGeluTanh) return gelu_tanh(x);
  if constexpr (op == Unary::kRelu) return 0.0f > x ? 0.0f : x;
  if constexpr (op == Unary::kLeakyRelu) return x < 0.0f ? x * alpha : x;
  if constexpr (op == Unary::kElu) return x < 0.0f ? alpha * expm1(x) : x;
  if constexpr (op == Unary::kSelu) return beta * (x > 0.0f ? x : alpha * expm1(x));
  if constexpr (op == Unary::kCelu) {
    const float negative = alpha * expm1(x / alpha);
    return (0.0f > x ? 0.0f : x) + (0.0f < negative ? 0.0f : negative);
  }
  if constexpr (op == Unary::kThresholdedRelu) return x > alpha ? x : 0.0f;
  if constexpr (op == Unary::kSoftplus) return softplus(x);
  if constexpr (op == Unary::kSoftsign) return x / (1.0f + absolute(x));
  if constexpr (op == Unary::kMish) return mish(x);
  if constexpr (op == Unary::kShrink) {
    return x < -alpha ? x + beta : (x > alpha ? x - beta : 0.0f);
  }
  if constexpr (op == Unary::kSwish) return x / (1.0f + exp(-alpha * x));
}

template <Unary op>
void unary_loop(const float* x, float* y, std::int64_t n, float alpha, float beta) {
  XINFER_IN_PLACE_LOOP
  for (std::int64_t i = 0; i < n; ++i) y[i] = apply<op>(x[i], alpha, beta);
}

template <int... index>
constexpr UnaryLoops make_unary_loops() {
  UnaryLoops table;
  ((table.loops[index] = unary_loop<static_cast<Unary>(index)>), ...);
  return table;
}

template <int count, int... index>
struct UnaryIndices : UnaryIndices<count - 1, count - 1, index...> {};
template <int... index>
struct UnaryIndices<0, index...> {
  static constexpr UnaryLoops kTable = make_unary_loops<index...>();
};

/// Ops up to kSwish are vectorisable; those behind it are computed in double by unary.cpp.
const UnaryLoops kUnaryLoops = UnaryIndices<static_cast<int>(Unary::kSwish) + 1>::kTable;

}  // namespace XINFER_ISA_NAMESPACE
}  // namespace xinfer::kernels
