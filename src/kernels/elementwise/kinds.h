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

/// y = f(a, b) with NumPy broadcasting. Named after the ONNX ops. The numbers are stored in engine
/// files: append only.
enum class Binary : std::uint8_t {
  kAdd = 0,
  kSub,
  kMul,
  kDiv,
  kMin,
  kMax,
  kMod,    ///< Mod with fmod = 0
  kFmod,   ///< Mod with fmod = 1
  kPRelu,  ///< a < 0 ? a * b : a
  kPow,
  kEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kAnd,
  kOr,
  kXor,
  kBitwiseAnd,
  kBitwiseOr,
  kBitwiseXor,
  kShiftLeft,
  kShiftRight,
};

}  // namespace xinfer::kernels
