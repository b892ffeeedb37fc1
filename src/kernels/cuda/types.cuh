// Names shared by every CUDA kernel. NVRTC compiles without the standard headers.
#pragma once

namespace xi {

using s8 = signed char;
using u8 = unsigned char;
using u16 = unsigned short;
using s32 = int;
using u32 = unsigned int;
using s64 = long long;
using u64 = unsigned long long;

/// Element types of tensors.
enum class Elem { kS8, kU8, kF16, kF32 };

constexpr int size_of(Elem elem) { return elem == Elem::kF32 ? 4 : elem == Elem::kF16 ? 2 : 1; }
constexpr bool is_int8(Elem elem) { return elem == Elem::kS8 || elem == Elem::kU8; }

/// Smallest and largest value of an INT8 type, as the epilogue clamps to them.
constexpr float lowest(Elem elem) { return elem == Elem::kS8 ? -128.0f : 0.0f; }
constexpr float highest(Elem elem) { return elem == Elem::kS8 ? 127.0f : 255.0f; }

template <Elem kElem>
struct AccumulatorType {
  using Type = s32;
};
template <>
struct AccumulatorType<Elem::kF16> {
  using Type = float;
};
/// What products of this element type are summed in.
template <Elem kElem>
using AccumulatorOf = typename AccumulatorType<kElem>::Type;

constexpr int ceil_div(int a, int b) { return (a + b - 1) / b; }
constexpr int min_of(int a, int b) { return a < b ? a : b; }
constexpr int max_of(int a, int b) { return a > b ? a : b; }

}  // namespace xi
