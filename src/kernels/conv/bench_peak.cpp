// Register-only loops: eight accumulators, sixteen instructions a round, no memory.
#include "kernels/conv/bench_peak.h"

#include <algorithm>
#include <chrono>

namespace xinfer::kernels {
namespace {

constexpr int kRounds = 2000;
constexpr int kRepeats = 50;

// Eight independent chains, sixteen instructions a round.
#define XINFER_PEAK_8(OP, SUFFIX)                                                                 \
  OP " %%" SUFFIX "8, %%" SUFFIX "9, %%" SUFFIX "0\n\t" OP " %%" SUFFIX "8, %%" SUFFIX            \
     "9, %%" SUFFIX "1\n\t" OP " %%" SUFFIX "8, %%" SUFFIX "9, %%" SUFFIX "2\n\t" OP " %%" SUFFIX \
     "8, %%" SUFFIX "9, %%" SUFFIX "3\n\t" OP " %%" SUFFIX "8, %%" SUFFIX "9, %%" SUFFIX          \
     "4\n\t" OP " %%" SUFFIX "8, %%" SUFFIX "9, %%" SUFFIX "5\n\t" OP " %%" SUFFIX "8, %%" SUFFIX \
     "9, %%" SUFFIX "6\n\t" OP " %%" SUFFIX "8, %%" SUFFIX "9, %%" SUFFIX "7\n\t"
#define XINFER_PEAK(NAME, OP, SUFFIX)                                                     \
  void NAME() {                                                                           \
    std::int64_t rounds = kRounds;                                                        \
    asm volatile("1:\n\t" XINFER_PEAK_8(OP, SUFFIX)                                       \
                     XINFER_PEAK_8(OP, SUFFIX) "dec %[rounds]\n\tjnz 1b\n\t"              \
                 : [rounds] "+r"(rounds)                                                  \
                 :                                                                        \
                 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "cc"); \
  }
XINFER_PEAK(vnni512, "vpdpbusd", "zmm")
XINFER_PEAK(fma512, "vfmadd231ps", "zmm")
XINFER_PEAK(vnni256, "%{vex%} vpdpbusd", "ymm")
XINFER_PEAK(fma256, "vfmadd231ps", "ymm")
XINFER_PEAK(madd256, "vpmaddwd", "ymm")

struct Loop {
  void (*run)();
  double operations;  ///< of one instruction
};

Loop loop_for(ConvType type, CpuIsa isa) {
  if (type == ConvType::kF32) {
    if (includes(isa, CpuIsa::kAvx512Vnni)) return {fma512, 32};
    return {fma256, 16};
  }
  if (includes(isa, CpuIsa::kAvx512Vnni)) return {vnni512, 128};
  if (isa == CpuIsa::kAvxVnni) return {vnni256, 64};
  return {madd256, 32};
}

}  // namespace

double measure_peak_gops(ConvType type, CpuIsa isa) {
  using Clock = std::chrono::steady_clock;
  const Loop loop = loop_for(type, isa);
  double best_ns = 1e30;
  for (int i = 0; i < kRepeats; ++i) {
    const auto start = Clock::now();
    loop.run();
    best_ns =
        std::min(best_ns, std::chrono::duration<double, std::nano>(Clock::now() - start).count());
  }
  return kRounds * 16 * loop.operations / best_ns;
}

}  // namespace xinfer::kernels
