// Which instruction sets this CPU has, and which of them kernels may use.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace xinfer {

/// Instruction-set levels that kernels are written for, each including those before it.
/// kAvxVnni and kAvx512Vnni do not include each other on every CPU; `supports` knows.
enum class CpuIsa {
  kPortable,    ///< Plain C++ for x86-64.
  kAvx2,        ///< AVX2 + FMA + F16C.
  kAvxVnni,     ///< AVX2 level plus 256-bit VEX vpdpbusd.
  kAvx512Vnni,  ///< AVX-512 F, BW, DQ, VL and VNNI.
  kAmx,         ///< AVX-512 VNNI level plus AMX-TILE and AMX-INT8, permitted by the kernel.
};

/// "portable", "avx2", "avxvnni", "avx512vnni", "amx": the words of `--cpu-isa`.
const char* to_string(CpuIsa isa);

/// Every level that this process can execute, lowest first. Asks Linux for permission to use AMX
/// tiles the first time.
const std::vector<CpuIsa>& supported_isas();

bool supports(CpuIsa isa);

/// The highest supported level.
CpuIsa best_isa();

/// "auto" (the best), or a level by name; fails if the name is unknown or the CPU lacks it.
Result<CpuIsa> parse_isa(std::string_view name);

/// True where code for `required` may run under the level `chosen`: AVX-512 VNNI includes AVX2 and
/// portable, but not AVX-VNNI.
bool includes(CpuIsa chosen, CpuIsa required);

}  // namespace xinfer
