#include "kernels/cuda/wgmma_source.h"

#include <fmt/format.h>

namespace xinfer::kernels::cuda {

bool is_wgmma_width(int n) {
  // PTX ISA 9.0, wgmma.mma_async: integer kinds take multiples of 16, and 8 and 24.
  return n == 8 || n == 24 || (n % 16 == 0 && n >= 16 && n <= 256);
}

std::string wgmma_function(int n, DType input) {
  const bool is_float = input == DType::kFloat16;
  const int count = n / 2;
  std::string registers, operands;
  for (int i = 0; i < count; ++i) {
    registers += fmt::format("{}%{}", i == 0 ? "" : ",", i);
    operands += fmt::format("{}\"+{}\"(d[{}])", i == 0 ? "" : ",", is_float ? "f" : "r", i);
  }
  const char* types = is_float                 ? "k16.f32.f16.f16"
                      : input == DType::kUInt8 ? "k32.s32.u8.s8"
                                               : "k32.s32.s8.s8";
  const char* modifiers = is_float ? ", 1, 1, 0, 0" : "";  // signs and K-major operands
  return fmt::format(
      "__device__ __forceinline__ void wgmma({} (&d)[{}], unsigned long long a, "
      "unsigned long long b, bool accumulate) {{\n"
      "  asm volatile(\"{{.reg .pred p; setp.ne.b32 p, %{}, 0; "
      "wgmma.mma_async.sync.aligned.m64n{}{} {{{}}}, %{}, %{}, p{};}}\"\n"
      "               : {}\n               : \"l\"(a), \"l\"(b), "
      "\"r\"(static_cast<int>(accumulate)));\n"
      "}}\n",
      is_float ? "float" : "int", count, count + 2, n, types, registers, count, count + 1,
      modifiers, operands);
}

}  // namespace xinfer::kernels::cuda
