// The elementwise functions, named once for the graph, the engine file and the kernels.
// Numbers are stored in engine files: append only.
#pragma once

#include <cstdint>

namespace xinfer::kernels {

/// The function, named after its ONNX op (versions as of opset 24). The numbers are stored in
/// engine files (EpilogueStep::activation): append only.
enum class Unary : std::uint8_t {
  kIdentity = 0,
  kAbs,
  kNeg,
  kExp,
  kLog,
  kSqrt,
  kReciprocal,
  kFloor,
  kCeil,
  kRound,  ///< half to even
  kSign,
  kErf,
  kTanh,
  kSigmoid,
  kHardSigmoid,  ///< max(0, min(1, alpha x + beta))
  kHardSwish,    ///< x max(0, min(1, x / 6 + 0.5))
  kSilu,         ///< x sigmoid(x)
  kGelu,         ///< 0.5 x (1 + erf(x / sqrt 2))
  kGeluTanh,     ///< Gelu with approximate = "tanh"
  kRelu,
  kLeakyRelu,        ///< x < 0 ? alpha x : x
  kElu,              ///< x < 0 ? alpha (exp(x) - 1) : x
  kSelu,             ///< beta (x > 0 ? x : alpha (exp(x) - 1)); ONNX calls beta gamma
  kCelu,             ///< max(0, x) + min(0, alpha (exp(x / alpha) - 1))
  kThresholdedRelu,  ///< x > alpha ? x : 0
  kSoftplus,         ///< log(1 + exp(x))
  kSoftsign,         ///< x / (1 + |x|)
  kMish,             ///< x tanh(softplus(x))
  kShrink,  ///< x < -alpha ? x + beta : x > alpha ? x - beta : 0; alpha = lambd, beta = bias
  kSwish,   ///< x sigmoid(alpha x)
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kSinh,
  kCosh,
  kAsinh,
  kAcosh,
  kAtanh,
  kNot,         ///< bool
  kBitwiseNot,  ///< integers
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
