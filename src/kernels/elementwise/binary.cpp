// Binary functions over broadcast tensors: the row function for op and type, then the strided loop.
#include "kernels/elementwise/binary.h"

#include "kernels/elementwise/binary_loops.h"
#include "kernels/elementwise/binary_ops.h"

namespace xinfer::kernels {
namespace {

/// Elements worth a thread: about 10 µs (see bench.cpp).
constexpr std::size_t kGrain = 1 << 14;

constexpr const char* kNames[] = {
    "Add",        "Sub",      "Mul",         "Div",        "Min",
    "Max",        "Mod",      "Mod",         "PRelu",      "Pow",
    "Equal",      "Less",     "LessOrEqual", "Greater",    "GreaterOrEqual",
    "And",        "Or",       "Xor",         "BitwiseAnd", "BitwiseOr",
    "BitwiseXor", "BitShift", "BitShift"};

template <typename T>
BinaryRow arithmetic_row(Binary op) {
  switch (op) {
    case Binary::kAdd:
      return binary_row<T, T, ops::Add>;
    case Binary::kSub:
      return binary_row<T, T, ops::Sub>;
    case Binary::kMul:
      return binary_row<T, T, ops::Mul>;
    case Binary::kDiv:
      return binary_row<T, T, ops::Div>;
    case Binary::kMin:
      return binary_row<T, T, ops::Min>;
    case Binary::kMax:
      return binary_row<T, T, ops::Max>;
    case Binary::kMod:
      return binary_row<T, T, ops::Mod>;
    case Binary::kFmod:
      return binary_row<T, T, ops::Fmod>;
    case Binary::kPRelu:
      return binary_row<T, T, ops::PRelu>;
    default:
      return nullptr;
  }
}

template <typename T>
BinaryRow comparison_row(Binary op) {
  switch (op) {
    case Binary::kEqual:
      return binary_row<T, bool, ops::Equal>;
    case Binary::kLess:
      return binary_row<T, bool, ops::Less>;
    case Binary::kLessOrEqual:
      return binary_row<T, bool, ops::LessOrEqual>;
    case Binary::kGreater:
      return binary_row<T, bool, ops::Greater>;
    case Binary::kGreaterOrEqual:
      return binary_row<T, bool, ops::GreaterOrEqual>;
    default:
      return nullptr;
  }
}

template <typename T>
BinaryRow bitwise_row(Binary op) {
  switch (op) {
    case Binary::kBitwiseAnd:
      return binary_row<T, T, ops::BitwiseAnd>;
    case Binary::kBitwiseOr:
      return binary_row<T, T, ops::BitwiseOr>;
    case Binary::kBitwiseXor:
      return binary_row<T, T, ops::BitwiseXor>;
    case Binary::kShiftLeft:
      return binary_row<T, T, ops::ShiftLeft>;
    case Binary::kShiftRight:
      return binary_row<T, T, ops::ShiftRight>;
    default:
      return nullptr;
  }
}

BinaryRow boolean_row(Binary op) {
  switch (op) {
    case Binary::kEqual:
      return binary_row<bool, bool, ops::Equal>;
    case Binary::kAnd:
      return binary_row<bool, bool, ops::BitwiseAnd>;
    case Binary::kOr:
      return binary_row<bool, bool, ops::BitwiseOr>;
    case Binary::kXor:
      return binary_row<bool, bool, ops::BitwiseXor>;
    default:
      return nullptr;
  }
}

BinaryRow float_row(Binary op, CpuIsa isa) {
  const BinaryLoops& loops =
      select_build(isa, portable::kBinaryLoops, avx2::kBinaryLoops, avx512vnni::kBinaryLoops);
  switch (op) {
    case Binary::kAdd:
      return loops.add;
    case Binary::kSub:
      return loops.sub;
    case Binary::kMul:
      return loops.mul;
    case Binary::kDiv:
      return loops.div;
    case Binary::kMin:
      return loops.min;
    case Binary::kMax:
      return loops.max;
    case Binary::kPRelu:
      return loops.prelu;
    default:
      return arithmetic_row<float>(op);
  }
}

BinaryRow row_of(Binary op, DType dtype, CpuIsa isa) {
  return visit_dtype(dtype, [&]<typename T>() -> BinaryRow {
    if constexpr (std::is_same_v<T, bool>) {
      return boolean_row(op);
    } else {
      if (is_comparison(op)) return comparison_row<T>(op);
      if constexpr (std::is_same_v<T, float>) return float_row(op, isa);
      if constexpr (std::is_integral_v<T>) {
        if (const BinaryRow row = bitwise_row<T>(op)) return row;
      }
      return arithmetic_row<T>(op);
    }
  });
}

/// Runs a row function over a loop; sizes are the bytes of an element of each operand.
void run(const StridedLoop<3>& full, BinaryRow row, const std::int64_t (&sizes)[3], const void* a,
         const void* b, void* y, ThreadPool& pool) {
  if (full.size() == 0) return;
  StridedLoop<3> loop = full;
  loop.collapse();
  const int inner = loop.rank - 1;
  const std::int64_t a_step = loop.strides[0][inner], b_step = loop.strides[1][inner];
  for_each_run(loop, kGrain, pool, [&](const std::int64_t* at, std::int64_t n) {
    row(static_cast<const char*>(a) + at[0] * sizes[0], a_step,
        static_cast<const char*>(b) + at[1] * sizes[1], b_step,
        static_cast<char*>(y) + at[2] * sizes[2], n);
  });
}

/// a ^ b of integers by squaring, wrapping; see the header for negative exponents.
template <typename T, typename E>
T integer_power(T base, E exponent) {
  if constexpr (std::is_signed_v<E>) {
    if (exponent < 0) {
      if (base == 1) return 1;
      if (std::is_signed_v<T> && base == static_cast<T>(-1)) {
        return exponent % 2 == 0 ? T(1) : static_cast<T>(-1);
      }
      return 0;
    }
  }
  ops::Wrapping<T> result = 1, factor = static_cast<ops::Wrapping<T>>(base);
  for (auto e = static_cast<std::uint64_t>(exponent); e != 0; e >>= 1) {
    if (e & 1) result *= factor;
    factor *= factor;
  }
  return static_cast<T>(result);
}

template <typename T, typename E>
T power_of(T base, E exponent) {
  if constexpr (std::is_integral_v<T> && std::is_integral_v<E>) {
    return integer_power(base, exponent);
  } else {
    const double x = static_cast<double>(static_cast<ComputeType<T>>(base));
    const double e = static_cast<double>(static_cast<ComputeType<E>>(exponent));
    // The square of a float is exact in double, so both ways round once.
    const double y = e == 2.0 ? x * x : std::pow(x, e);
    if constexpr (std::is_integral_v<T>) {
      if (!(std::fabs(y) < 9.2e18)) return 0;
      return static_cast<T>(static_cast<std::int64_t>(y));
    } else {
      return T(y);
    }
  }
}

template <typename T, typename E>
void power_row(const void* a, std::int64_t a_step, const void* b, std::int64_t b_step, void* y,
               std::int64_t n) {
  const T* base = static_cast<const T*>(a);
  const E* exponent = static_cast<const E*>(b);
  T* to = static_cast<T*>(y);
  if (b_step == 0 && static_cast<double>(static_cast<ComputeType<E>>(*exponent)) == 2.0) {
    for (std::int64_t i = 0; i < n; ++i)
      to[i] = ops::Mul::apply(base[i * a_step], base[i * a_step]);
    return;
  }
  for (std::int64_t i = 0; i < n; ++i) to[i] = power_of(base[i * a_step], exponent[i * b_step]);
}

}  // namespace

const char* to_string(Binary op) { return kNames[static_cast<int>(op)]; }

bool is_comparison(Binary op) { return op >= Binary::kEqual && op <= Binary::kGreaterOrEqual; }

Status binary(Binary op, DType dtype, const StridedLoop<3>& loop, const void* a, const void* b,
              void* y, CpuIsa isa, ThreadPool& pool) {
  if (op == Binary::kPow) return power(dtype, dtype, loop, a, b, y, pool);
  const BinaryRow row = row_of(op, dtype, isa);
  if (row == nullptr)
    return unsupported("{} of {} is not defined", to_string(op), to_string(dtype));
  const auto bytes = static_cast<std::int64_t>(size_of(dtype));
  run(loop, row, {bytes, bytes, is_comparison(op) ? 1 : bytes}, a, b, y, pool);
  return {};
}

Status power(DType dtype, DType exponent_dtype, const StridedLoop<3>& loop, const void* a,
             const void* b, void* y, ThreadPool& pool) {
  const auto row = visit_dtype(dtype, [&]<typename T>() -> BinaryRow {
    return visit_dtype(exponent_dtype, [&]<typename E>() -> BinaryRow {
      if constexpr (std::is_same_v<T, bool> || std::is_same_v<E, bool>) {
        return nullptr;
      } else {
        return power_row<T, E>;
      }
    });
  });
  if (row == nullptr) {
    return unsupported("Pow of {} to {} is not defined", to_string(dtype),
                       to_string(exponent_dtype));
  }
  const auto bytes = static_cast<std::int64_t>(size_of(dtype));
  run(loop, row, {bytes, static_cast<std::int64_t>(size_of(exponent_dtype)), bytes}, a, b, y, pool);
  return {};
}

}  // namespace xinfer::kernels
