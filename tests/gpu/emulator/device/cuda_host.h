// CUDA's vocabulary for a host compiler: what the kernels of src/kernels use of it, with the same
// meaning. Included before a kernel's translation unit, whose asm statements have become
// emulated::Statement (translate.h).
#pragma once

#include "interface.h"

#define __device__
#define __global__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) alignas(n)
#define __shared__ static  // blocks run one after another
#define __CUDA_ARCH__ 900

extern "C" {
/// Set by the emulator: before anything else runs, and at every change of thread.
const emulated::Services* emulated_services;
emulated::Index3 threadIdx, blockIdx, blockDim, gridDim;

float acosf(float), acoshf(float), asinf(float), asinhf(float), atanf(float), atanhf(float);
float ceilf(float), cosf(float), coshf(float), erff(float), exp2f(float), expf(float);
float expm1f(float), fabsf(float), floorf(float), fmaf(float, float, float), fmaxf(float, float);
float fminf(float, float), fmodf(float, float), log1pf(float), logf(float), powf(float, float);
float rintf(float), sinf(float), sinhf(float), sqrtf(float), tanf(float), tanhf(float);
double acos(double), acosh(double), asin(double), asinh(double), atan(double), atanh(double);
double ceil(double), cos(double), cosh(double), erf(double), erfc(double), exp(double);
double expm1(double), fabs(double), floor(double), fmax(double, double), fmin(double, double);
double fmod(double, double), log(double), log1p(double), pow(double, double), rint(double);
double sin(double), sinh(double), sqrt(double), tan(double), tanh(double);
}
inline bool isinf(double value) { return fabs(value) == __builtin_inf(); }

namespace emulated {

template <typename T>
unsigned long long bits_of(const T& value) {
  static_assert(sizeof(T) <= 8);
  unsigned long long bits = 0;
  __builtin_memcpy(&bits, &value, sizeof(T));
  return bits;
}
template <typename T>
Operand output(T& value) {
  return {&value, bits_of(value)};
}
template <typename T>
Operand input(const T& value) {
  return {nullptr, bits_of(value)};
}

/// One asm statement of the source.
struct Statement {
  const void* instruction;
  explicit Statement(const char* text) : instruction(emulated_services->decode(text)) {}
  void run(Operand* operands) const { emulated_services->execute(instruction, operands); }
};

inline void* dynamic_shared() { return emulated_services->dynamic_shared(); }

/// Calls a kernel with arguments that lie in slots.
template <typename... Arguments>
struct Call {
  template <int... kIndex>
  struct Indices {};
  template <int kCount, int... kIndex>
  struct Count : Count<kCount - 1, kCount - 1, kIndex...> {};
  template <int... kIndex>
  struct Count<0, kIndex...> {
    using Type = Indices<kIndex...>;
  };
  template <int... kIndex>
  static void run(void (*kernel)(Arguments...), void* const* slots, Indices<kIndex...>) {
    kernel(*static_cast<Arguments*>(slots[kIndex])...);
  }
};
template <typename... Arguments>
void call(void (*kernel)(Arguments...), void* const* slots) {
  using All = Call<Arguments...>;
  All::run(kernel, slots, typename All::template Count<sizeof...(Arguments)>::Type());
}

}  // namespace emulated

struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

template <typename T>
constexpr T min(T a, T b) {
  return b < a ? b : a;
}
template <typename T>
constexpr T max(T a, T b) {
  return a < b ? b : a;
}

inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }

inline unsigned __float_as_uint(float value) { return __builtin_bit_cast(unsigned, value); }
inline float __uint_as_float(unsigned bits) { return __builtin_bit_cast(float, bits); }
inline float __int_as_float(int bits) { return __builtin_bit_cast(float, bits); }

/// cvt.rni.s32.f32: saturates; NaN becomes 0 (PTX ISA 9.0, cvt).
inline int __float2int_rn(float value) {
  if (value != value) return 0;
  if (value >= 0x1p31f) return 0x7fffffff;
  if (value < -0x1p31f) return -0x7fffffff - 1;
  return static_cast<int>(rintf(value));
}

/// prmt.b32 in its default mode.
inline unsigned __byte_perm(unsigned low, unsigned high, unsigned selector) {
  const unsigned long long bytes = static_cast<unsigned long long>(high) << 32 | low;
  unsigned result = 0;
  for (int i = 0; i < 4; ++i) {
    const unsigned choice = selector >> (4 * i) & 15;
    unsigned byte = static_cast<unsigned>(bytes >> (8 * (choice & 7))) & 255;
    if (choice & 8) byte = byte & 128 ? 255 : 0;
    result |= byte << (8 * i);
  }
  return result;
}

inline unsigned __vmaxu4(unsigned a, unsigned b) {
  unsigned result = 0;
  for (int shift = 0; shift < 32; shift += 8) {
    result |= max(a >> shift & 255, b >> shift & 255) << shift;
  }
  return result;
}
inline unsigned __vmaxs4(unsigned a, unsigned b) {
  return __vmaxu4(a ^ 0x80808080u, b ^ 0x80808080u) ^ 0x80808080u;
}

template <typename T>
T __ldg(const T* from) {
  return *from;
}

template <typename T>
T __shfl_xor_sync(unsigned, T value, int lane_mask) {
  static_assert(sizeof(T) == 4);
  const unsigned bits =
      emulated_services->shuffle_xor(static_cast<unsigned>(emulated::bits_of(value)), lane_mask);
  return __builtin_bit_cast(T, bits);
}
inline void __syncwarp() { emulated_services->sync_warp(); }
inline void __syncthreads() { emulated_services->sync_threads(); }
inline void __trap() { emulated_services->trap(); }
inline unsigned __cvta_generic_to_shared(const void* pointer) {
  return emulated_services->shared_address(pointer);
}
