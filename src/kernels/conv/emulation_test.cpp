// Micro-kernels whose instructions this machine may lack, run on a model of them: the AMX loop on
// emulated tiles, the AVX-VNNI loop with the AVX-512 VL encoding of the same instruction.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "core/aligned_buffer.h"
#include "kernels/conv/conv_with.h"
#include "kernels/conv/gemm_amx.h"
#include "kernels/conv/random_problem.h"

namespace xinfer::kernels {

// Defined in emulated_vnni256.cpp.
void gemm_int8_vnni256(const GemmTile& tile, int rows, int panels);

namespace {

constexpr int kProblems = 200;

/// Eight tiles as the architecture manual defines them; one thread's state.
struct EmulatedUnit {
  struct Tile {
    std::uint8_t bytes[16][64];
  };
  static inline thread_local TileConfig config;
  static inline thread_local Tile tiles[8];

  static void configure(const TileConfig& wanted) {
    config = wanted;
    std::memset(tiles, 0, sizeof(tiles));
  }
  template <int kTile>
  static void zero() {
    std::memset(&tiles[kTile], 0, sizeof(Tile));
  }
  template <int kTile>
  static void load(const std::byte* from, std::ptrdiff_t stride) {
    zero<kTile>();
    for (int r = 0; r < config.rows[kTile]; ++r) {
      std::memcpy(tiles[kTile].bytes[r], from + r * stride, config.row_bytes[kTile]);
    }
  }
  template <int kTile>
  static void store(std::byte* to, std::ptrdiff_t stride) {
    for (int r = 0; r < config.rows[kTile]; ++r) {
      std::memcpy(to + r * stride, tiles[kTile].bytes[r], config.row_bytes[kTile]);
    }
  }
  template <bool kSigned, int kAcc, int kA, int kB>
  static void multiply() {
    for (int m = 0; m < config.rows[kAcc]; ++m) {
      for (int n = 0; n < config.row_bytes[kAcc] / 4; ++n) {
        std::int32_t sum;
        std::memcpy(&sum, &tiles[kAcc].bytes[m][4 * n], 4);
        for (int k = 0; k < config.row_bytes[kA]; ++k) {
          const std::uint8_t a = tiles[kA].bytes[m][k];
          const int wide = kSigned ? int{static_cast<std::int8_t>(a)} : int{a};
          sum += wide * static_cast<std::int8_t>(tiles[kB].bytes[k / 4][4 * n + k % 4]);
        }
        std::memcpy(&tiles[kAcc].bytes[m][4 * n], &sum, 4);
      }
    }
  }
};

template <bool kSigned>
void emulated_amx(const GemmTile& tile, int rows, int panels) {
  run_amx<EmulatedUnit, kSigned>(tile, rows, panels);
}
void leave_emulated_amx() { configured_rows = 0; }

void expect_equal_to_reference(const GemmKernel& kernel) {
  ThreadPool pools[] = {ThreadPool(1), ThreadPool(2), ThreadPool(3)};
  int sliding = 0;
  for (unsigned seed = 0; seed < kProblems; ++seed) {
    std::mt19937 random(seed);
    const auto kind = kernel.sliding && seed % 4 == 0 ? ProblemKind::kDeep : ProblemKind::kAny;
    const RandomProblem p = make_random_problem(random, kernel.type, kind);
    auto weights = allocate_buffer(packed_weights_size(p.shape, p.type));
    pack_weights(p.shape, p.type, p.weights.data(), weights.get());
    auto y = canary_output(p);
    const ConvArguments arguments{p.x.data(), weights.get(), y.data() + kCanaryBytes, p.epilogue};
    ThreadPool& pool = pools[seed % 3];
    auto convolution =
        make_convolution_with(kernel, p.shape, arguments, kernel.isa, pool.threads());
    ASSERT_TRUE(convolution.ok()) << convolution.status().message();
    (*convolution)->run(pool);
    if (std::string((*convolution)->name()).find("sliding") != std::string::npos) ++sliding;
    ASSERT_EQ(first_difference(reference_output(p), y), "")
        << "seed " << seed << ": " << p.description;
  }
  EXPECT_EQ(sliding > kProblems / 8, kernel.sliding) << sliding << " problems used that driver";
}

TEST(Emulated, AmxUnsigned) {
  expect_equal_to_reference({"emulated_u8s8_amx", CpuIsa::kPortable, ConvType::kU8S8,
                             RowFormat::kBytes, 32, 2, emulated_amx<false>, true,
                             leave_emulated_amx, leave_emulated_amx});
}

TEST(Emulated, AmxSigned) {
  expect_equal_to_reference({"emulated_s8s8_amx", CpuIsa::kPortable, ConvType::kS8S8,
                             RowFormat::kBytes, 32, 2, emulated_amx<true>, true, leave_emulated_amx,
                             leave_emulated_amx});
}

TEST(Emulated, AvxVnni) {
  if (!supports(CpuIsa::kAvx512Vnni)) GTEST_SKIP() << "this machine has no avx512vnni";
  for (ConvType type : {ConvType::kU8S8, ConvType::kS8S8}) {
    expect_equal_to_reference({"emulated_avxvnni", CpuIsa::kAvx2, type, RowFormat::kUnsigned, 6, 1,
                               gemm_int8_vnni256, false, nullptr, nullptr});
  }
}

}  // namespace
}  // namespace xinfer::kernels
