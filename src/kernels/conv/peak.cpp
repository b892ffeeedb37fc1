// Register-only loops: sixteen instructions a round on eight vectors or four tiles, no memory.
#include "kernels/conv/peak.h"

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "kernels/conv/gemm_kernel.h"

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
#define XINFER_PEAK_TILES                                                \
  "tdpbusd %%tmm6, %%tmm4, %%tmm0\n\ttdpbusd %%tmm7, %%tmm4, %%tmm1\n\t" \
  "tdpbusd %%tmm6, %%tmm5, %%tmm2\n\ttdpbusd %%tmm7, %%tmm5, %%tmm3\n\t"
XINFER_PEAK(vnni512, "vpdpbusd", "zmm")
XINFER_PEAK(fma512, "vfmadd231ps", "zmm")
XINFER_PEAK(vnni256, "%{vex%} vpdpbusd", "ymm")
XINFER_PEAK(fma256, "vfmadd231ps", "ymm")
XINFER_PEAK(madd256, "vpmaddwd", "ymm")

/// Four accumulator tiles, each pair of 16 x 64 bytes multiplied four times a round.
void amx_tiles() {
  alignas(64) std::uint8_t config[64] = {1};  // palette 1: [16] row bytes, [48] rows
  for (int tile = 0; tile < 8; ++tile) {
    config[16 + 2 * tile] = 64;
    config[48 + tile] = 16;
  }
  alignas(64) std::uint8_t data[1024];
  for (int i = 0; i < 1024; ++i) data[i] = static_cast<std::uint8_t>(i * 37 + 11);
  std::int64_t rounds = kRounds;
  const std::int64_t stride = 64;
  asm volatile(
      "ldtilecfg %[config]\n\t"
      "tilezero %%tmm0\n\ttilezero %%tmm1\n\ttilezero %%tmm2\n\ttilezero %%tmm3\n\t"
      "tileloadd (%[data],%[stride],1), %%tmm4\n\ttileloadd (%[data],%[stride],1), %%tmm5\n\t"
      "tileloadd (%[data],%[stride],1), %%tmm6\n\ttileloadd (%[data],%[stride],1), %%tmm7\n\t"
      "1:\n\t" XINFER_PEAK_TILES XINFER_PEAK_TILES XINFER_PEAK_TILES XINFER_PEAK_TILES
      "dec %[rounds]\n\tjnz 1b\n\ttilerelease"
      : [rounds] "+r"(rounds)
      : [config] "m"(config), [data] "r"(data), [stride] "r"(stride)
      : "memory", "cc");
}

struct Loop {
  void (*run)();
  double operations;  ///< of one instruction
};

Loop loop_for(ConvType type, CpuIsa isa) {
  if (type == ConvType::kF32) {
    if (includes(isa, CpuIsa::kAvx512Vnni)) return {fma512, 32};
    return {fma256, 16};
  }
  if (isa == CpuIsa::kAmx)
    return {amx_tiles, 2.0 * kPanelChannels * kPanelChannels * kDepthAlignment};
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
