// The definition of every unary function in double precision, and the INT8 tables made from it.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/elementwise/unary.h"

namespace xinfer::kernels {
namespace {

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }

}  // namespace

double unary_reference(Unary op, double x, double alpha, double beta) {
  switch (op) {
    case Unary::kIdentity:
      return x;
    case Unary::kAbs:
      return std::fabs(x);
    case Unary::kNeg:
      return -x;
    case Unary::kExp:
      return std::exp(x);
    case Unary::kLog:
      return std::log(x);
    case Unary::kSqrt:
      return std::sqrt(x);
    case Unary::kReciprocal:
      return 1.0 / x;
    case Unary::kFloor:
      return std::floor(x);
    case Unary::kCeil:
      return std::ceil(x);
    case Unary::kRound:
      return std::nearbyint(x);
    case Unary::kSign:
      return x > 0 ? 1.0 : (x < 0 ? -1.0 : x);
    case Unary::kErf:
      return std::erf(x);
    case Unary::kTanh:
      return std::tanh(x);
    case Unary::kSigmoid:
      return sigmoid(x);
    case Unary::kHardSigmoid:
      return std::max(0.0, std::min(1.0, alpha * x + beta));
    case Unary::kHardSwish:
      return x * std::max(0.0, std::min(1.0, x / 6.0 + 0.5));
    case Unary::kSilu:
      return x * sigmoid(x);
    case Unary::kGelu:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Unary::kGeluTanh:
      return 0.5 * x *
             (1.0 +
              std::tanh(std::sqrt(2.0 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    case Unary::kRelu:
      return 0.0 > x ? 0.0 : x;
    case Unary::kLeakyRelu:
      return x < 0 ? alpha * x : x;
    case Unary::kElu:
      return x < 0 ? alpha * std::expm1(x) : x;
    case Unary::kSelu:
      return beta * (x > 0 ? x : alpha * std::expm1(x));
    case Unary::kCelu:
      return (0.0 > x ? 0.0 : x) + std::min(0.0, alpha * std::expm1(x / alpha));
    case Unary::kThresholdedRelu:
      return x > alpha ? x : 0.0;
    case Unary::kSoftplus:
      return softplus(x);
    case Unary::kSoftsign:
      return x / (1.0 + std::fabs(x));
    case Unary::kMish:
      return x * std::tanh(softplus(x));
    case Unary::kShrink:
      return x < -alpha ? x + beta : (x > alpha ? x - beta : 0.0);
    case Unary::kSwish:
      return x * sigmoid(alpha * x);
    case Unary::kSin:
      return std::sin(x);
    case Unary::kCos:
      return std::cos(x);
    case Unary::kTan:
      return std::tan(x);
    case Unary::kAsin:
      return std::asin(x);
    case Unary::kAcos:
      return std::acos(x);
    case Unary::kAtan:
      return std::atan(x);
    case Unary::kSinh:
      return std::sinh(x);
    case Unary::kCosh:
      return std::cosh(x);
    case Unary::kAsinh:
      return std::asinh(x);
    case Unary::kAcosh:
      return std::acosh(x);
    case Unary::kAtanh:
      return std::atanh(x);
    case Unary::kNot:
      return x == 0 ? 1.0 : 0.0;
    case Unary::kBitwiseNot:
      return -x - 1.0;
  }
  return x;
}

void unary_table(Unary op, double alpha, double beta, DType x_dtype, float x_scale, DType y_dtype,
                 float y_scale, std::span<std::uint8_t, 256> table) {
  const double low = y_dtype == DType::kInt8 ? -128.0 : 0.0;
  const double high = y_dtype == DType::kInt8 ? 127.0 : 255.0;
  for (int index = 0; index < 256; ++index) {
    const int q = x_dtype == DType::kInt8 && index > 127 ? index - 256 : index;
    const double x = static_cast<double>(q) * static_cast<double>(x_scale);
    const double y = unary_reference(op, x, alpha, beta) / static_cast<double>(y_scale);
    const double clamped = y > low ? (y < high ? y : high) : low;  // NaN becomes low
    table[static_cast<std::size_t>(index)] =
        static_cast<std::uint8_t>(static_cast<int>(std::nearbyint(clamped)));
  }
}

}  // namespace xinfer::kernels
