// Dispatch of unary functions over instruction sets and element types.
#include "kernels/elementwise/unary.h"

#include <cstring>
#include <type_traits>

#include "core/dtype_traits.h"
#include "kernels/elementwise/dispatch.h"
#include "kernels/elementwise/unary_loops.h"

namespace xinfer::kernels {
namespace {

/// Elements worth a thread: about 10 µs (see bench.cpp).
constexpr std::size_t kGrain = 1 << 13;

constexpr const char* kNames[kUnaryCount] = {
    "Identity",  "Abs",        "Neg",       "Exp",      "Log",
    "Sqrt",      "Reciprocal", "Floor",     "Ceil",     "Round",
    "Sign",      "Erf",        "Tanh",      "Sigmoid",  "HardSigmoid",
    "HardSwish", "Silu",       "Gelu",      "GeluTanh", "Relu",
    "LeakyRelu", "Elu",        "Selu",      "Celu",     "ThresholdedRelu",
    "Softplus",  "Softsign",   "Mish",      "Shrink",   "Swish",
    "Sin",       "Cos",        "Tan",       "Asin",     "Acos",
    "Atan",      "Sinh",       "Cosh",      "Asinh",    "Acosh",
    "Atanh",     "Not",        "BitwiseNot"};

/// Rare float functions: in double, rounded once.
template <Unary op>
void double_loop(const float* x, float* y, std::int64_t n, float alpha, float beta) {
  for (std::int64_t i = 0; i < n; ++i) {
    y[i] = static_cast<float>(unary_reference(op, static_cast<double>(x[i]), alpha, beta));
  }
}

UnaryLoop double_loop_of(Unary op) {
  switch (op) {
    case Unary::kSin:
      return double_loop<Unary::kSin>;
    case Unary::kCos:
      return double_loop<Unary::kCos>;
    case Unary::kTan:
      return double_loop<Unary::kTan>;
    case Unary::kAsin:
      return double_loop<Unary::kAsin>;
    case Unary::kAcos:
      return double_loop<Unary::kAcos>;
    case Unary::kAtan:
      return double_loop<Unary::kAtan>;
    case Unary::kSinh:
      return double_loop<Unary::kSinh>;
    case Unary::kCosh:
      return double_loop<Unary::kCosh>;
    case Unary::kAsinh:
      return double_loop<Unary::kAsinh>;
    case Unary::kAcosh:
      return double_loop<Unary::kAcosh>;
    case Unary::kAtanh:
      return double_loop<Unary::kAtanh>;
    default:
      return nullptr;
  }
}

template <typename T, typename Function>
void map(const void* x, void* y, std::int64_t n, ThreadPool& pool, const Function& function) {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(y);
  pool.parallel_ranges(static_cast<std::size_t>(n), kGrain, [&](std::size_t i, std::size_t end) {
    for (; i < end; ++i) to[i] = function(from[i]);
  });
}

Status refuse(Unary op, DType dtype) {
  return unsupported("{} of {} is not defined", to_string(op), to_string(dtype));
}

template <typename T>
Status unary_integer(Unary op, const void* x, void* y, std::int64_t n, ThreadPool& pool) {
  using Unsigned = std::make_unsigned_t<T>;
  switch (op) {
    case Unary::kAbs:  // wraps at the minimum, as NumPy does
      map<T>(x, y, n, pool, [](T v) {
        return v < 0 ? static_cast<T>(Unsigned{0} - static_cast<Unsigned>(v)) : v;
      });
      return {};
    case Unary::kNeg:
      map<T>(x, y, n, pool,
             [](T v) { return static_cast<T>(Unsigned{0} - static_cast<Unsigned>(v)); });
      return {};
    case Unary::kSign:
      map<T>(x, y, n, pool, [](T v) { return static_cast<T>((v > 0) - (v < 0)); });
      return {};
    case Unary::kRelu:
      map<T>(x, y, n, pool, [](T v) { return v > 0 ? v : T{0}; });
      return {};
    case Unary::kBitwiseNot:
      map<T>(x, y, n, pool, [](T v) { return static_cast<T>(~v); });
      return {};
    default:
      return refuse(op, dtype_of<T>);
  }
}

/// 16-bit floats: blocks through float32.
template <typename T>
void unary_half(UnaryLoop loop, const void* x, void* y, std::int64_t n, float alpha, float beta,
                ThreadPool& pool) {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(y);
  pool.parallel_ranges(static_cast<std::size_t>(n), kGrain, [&](std::size_t i, std::size_t end) {
    constexpr std::size_t kBlock = 256;
    float buffer[kBlock];
    for (; i < end; i += kBlock) {
      const std::size_t count = end - i < kBlock ? end - i : kBlock;
      for (std::size_t j = 0; j < count; ++j) buffer[j] = from[i + j];
      loop(buffer, buffer, static_cast<std::int64_t>(count), alpha, beta);
      for (std::size_t j = 0; j < count; ++j) to[i + j] = T(buffer[j]);
    }
  });
}

}  // namespace

const char* to_string(Unary op) { return kNames[static_cast<int>(op)]; }

UnaryLoop unary_loop_f32(Unary op, CpuIsa isa) {
  const UnaryLoops& table =
      select_build(isa, portable::kUnaryLoops, avx2::kUnaryLoops, avx512vnni::kUnaryLoops);
  const UnaryLoop loop = table.loops[static_cast<int>(op)];
  return loop != nullptr ? loop : double_loop_of(op);
}

void unary_f32(Unary op, const float* x, float* y, std::int64_t n, float alpha, float beta,
               CpuIsa isa, ThreadPool& pool) {
  const UnaryLoop loop = unary_loop_f32(op, isa);
  pool.parallel_ranges(static_cast<std::size_t>(n), kGrain, [&](std::size_t i, std::size_t end) {
    loop(x + i, y + i, static_cast<std::int64_t>(end - i), alpha, beta);
  });
}

Status unary(Unary op, DType dtype, const void* x, void* y, std::int64_t n, float alpha, float beta,
             CpuIsa isa, ThreadPool& pool) {
  if (op == Unary::kIdentity) {
    if (x != y && n > 0) std::memmove(y, x, static_cast<std::size_t>(n) * size_of(dtype));
    return {};
  }
  return visit_dtype(dtype, [&]<typename T>() -> Status {
    if constexpr (std::is_same_v<T, bool>) {
      if (op != Unary::kNot) return refuse(op, dtype);
      map<bool>(x, y, n, pool, [](bool v) { return !v; });
      return {};
    } else if constexpr (std::is_integral_v<T>) {
      return unary_integer<T>(op, x, y, n, pool);
    } else {
      const UnaryLoop loop = unary_loop_f32(op, isa);
      if (loop == nullptr) return refuse(op, dtype);
      if constexpr (std::is_same_v<T, float>) {
        unary_f32(op, static_cast<const float*>(x), static_cast<float*>(y), n, alpha, beta, isa,
                  pool);
      } else if constexpr (std::is_same_v<T, double>) {
        map<double>(x, y, n, pool, [&](double v) { return unary_reference(op, v, alpha, beta); });
      } else {
        unary_half<T>(loop, x, y, n, alpha, beta, pool);
      }
      return {};
    }
  });
}

}  // namespace xinfer::kernels
