// INT8 micro-kernel for AMX: tdpbusd and tdpbssd, no shift of s8 activations.
#include "kernels/conv/gemm_amx.h"

#include <immintrin.h>

namespace xinfer::kernels {
namespace {

/// The tile instructions. GCC's intrinsics take tile numbers as literals only, hence assembly.
struct TileUnit {
  /// GCC 12's intrinsic names only 8 bytes of the operand, so that writes to the others are
  /// dropped.
  static void configure(const TileConfig& config) { asm volatile("ldtilecfg %0" : : "m"(config)); }
  static void release() { _tile_release(); }

  template <int kTile>
  static void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
  }
  template <int kTile>
  static void load(const std::byte* from, std::ptrdiff_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(kTile) : "memory");
  }
  template <int kTile>
  static void store(std::byte* to, std::ptrdiff_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(kTile) : "memory");
  }
  template <bool kSigned, int kAcc, int kA, int kB>
  static void multiply() {
    if constexpr (kSigned) {
      asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kAcc), "i"(kA), "i"(kB));
    } else {
      asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kAcc), "i"(kA), "i"(kB));
    }
  }
};

void leave() {
  TileUnit::release();
  configured_tiles = {};
}

}  // namespace

void gemm_u8s8_amx(const GemmStrip& strip) { run_amx<TileUnit, false>(strip); }
void gemm_s8s8_amx(const GemmStrip& strip) { run_amx<TileUnit, true>(strip); }

// Other code of the process may have used the unit since the last session.
void gemm_u8s8_amx_enter() { configured_tiles = {}; }
void gemm_s8s8_amx_enter() { configured_tiles = {}; }
void gemm_u8s8_amx_leave() { leave(); }
void gemm_s8s8_amx_leave() { leave(); }

}  // namespace xinfer::kernels
