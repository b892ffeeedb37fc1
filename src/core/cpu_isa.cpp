#include "core/cpu_isa.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace xinfer {
namespace {

struct Named {
  CpuIsa isa;
  const char* name;
};
constexpr Named kNames[] = {{CpuIsa::kPortable, "portable"},
                            {CpuIsa::kAvx2, "avx2"},
                            {CpuIsa::kAvxVnni, "avxvnni"},
                            {CpuIsa::kAvx512Vnni, "avx512vnni"},
                            {CpuIsa::kAmx, "amx"}};

/// Bit `bit` of a register of CPUID leaf 7, sub-leaf `subleaf`: 0 = eax, 1 = ebx, 2 = ecx, 3 = edx.
bool leaf7_bit(unsigned subleaf, int reg, int bit) {
  unsigned regs[4] = {};
  if (!__get_cpuid_count(7, subleaf, &regs[0], &regs[1], &regs[2], &regs[3])) return false;
  return (regs[reg] >> bit) & 1u;
}

/// Linux hands out AMX tile state only on request (arch_prctl ARCH_REQ_XCOMP_PERM, XTILEDATA = 18).
bool request_amx_permission() {
  constexpr long kArchReqXcompPerm = 0x1023;
  constexpr long kXtileData = 18;
  return syscall(SYS_arch_prctl, kArchReqXcompPerm, kXtileData) == 0;
}

std::vector<CpuIsa> detect() {
  __builtin_cpu_init();
  std::vector<CpuIsa> found = {CpuIsa::kPortable};
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (!avx2) return found;
  found.push_back(CpuIsa::kAvx2);
  // CPUID 7.1 EAX[4]: AVX-VNNI. CPUID 7.0 EDX[24], EDX[25]: AMX-TILE, AMX-INT8.
  if (leaf7_bit(1, 0, 4)) found.push_back(CpuIsa::kAvxVnni);
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512vnni");
  if (!avx512) return found;
  found.push_back(CpuIsa::kAvx512Vnni);
  if (leaf7_bit(0, 3, 24) && leaf7_bit(0, 3, 25) && request_amx_permission()) {
    found.push_back(CpuIsa::kAmx);
  }
  return found;
}

}  // namespace

const char* to_string(CpuIsa isa) {
  for (const Named& named : kNames) {
    if (named.isa == isa) return named.name;
  }
  return "unknown";
}

const std::vector<CpuIsa>& supported_isas() {
  static const std::vector<CpuIsa> found = detect();
  return found;
}

bool supports(CpuIsa isa) {
  for (CpuIsa found : supported_isas()) {
    if (found == isa) return true;
  }
  return false;
}

CpuIsa best_isa() { return supported_isas().back(); }

bool includes(CpuIsa chosen, CpuIsa required) {
  if (required == CpuIsa::kAvxVnni) return chosen == CpuIsa::kAvxVnni;
  return static_cast<int>(required) <= static_cast<int>(chosen);
}

Result<CpuIsa> parse_isa(std::string_view name) {
  if (name == "auto") return best_isa();
  std::string available;
  for (CpuIsa isa : supported_isas()) available += std::string(", ") + to_string(isa);
  for (const Named& named : kNames) {
    if (name != named.name) continue;
    if (supports(named.isa)) return named.isa;
    return invalid_argument("this CPU has no {}; it has: auto{}", name, available);
  }
  return invalid_argument("unknown instruction set \"{}\"; this CPU has: auto{}", name, available);
}

}  // namespace xinfer
