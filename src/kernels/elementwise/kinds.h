// The elementwise functions, named once for the graph, the engine file and the kernels.
// Numbers are stored in engine files: append only.
#pragma once

#include <cstdint>

namespace xinfer::kernels {

/// y = f(x); alpha and beta are ONNX's attributes of the operator where it has any.
enum class Unary : std::uint8_t {
  kAbs = 0,
  kNeg = 1,
  kExp = 2,
  kLog = 3,
  kSqrt = 4,
  kReciprocal = 5,
  kFloor = 6,
  kCeil = 7,
  kRound = 8,  ///< half to even
  kSign = 9,
  kErf = 10,
  kTanh = 11,
  kSigmoid = 12,
  kHardSigmoid = 13,  ///< max(0, min(1, alpha * x + beta))
  kHardSwish = 14,    ///< x * max(0, min(1, x / 6 + 0.5))
  kSilu = 15,         ///< x * sigmoid(x)
  kGelu = 16,         ///< 0.5 * x * (1 + erf(x / sqrt 2))
  kGeluTanh = 17,     ///< 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
  kLeakyRelu = 18,    ///< x < 0 ? alpha * x : x
  kElu = 19,          ///< x < 0 ? alpha * (exp(x) - 1) : x
  kSoftplus = 20,
  kMish = 21,  ///< x * tanh(softplus(x))
  kNot = 22,   ///< bool
  kSin = 23,
  kCos = 24,
  kRelu = 25,
};

/// c = f(a, b) with NumPy broadcasting. Comparisons and logic give bool.
enum class Binary : std::uint8_t {
  kAdd = 0,
  kSub = 1,
  kMul = 2,
  kDiv = 3,  ///< integers: towards zero
  kPow = 4,
  kMin = 5,
  kMax = 6,
  kMod = 7,   ///< integer, sign of the divisor
  kFmod = 8,  ///< C's fmod, sign of the dividend
  kEqual = 9,
  kLess = 10,
  kLessOrEqual = 11,
  kGreater = 12,
  kGreaterOrEqual = 13,
  kAnd = 14,
  kOr = 15,
  kXor = 16,
};

}  // namespace xinfer::kernels
