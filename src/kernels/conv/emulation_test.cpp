// Micro-kernels whose instructions this machine may lack, run on a model of them: the AMX loop on
// emulated tiles, the AVX-VNNI loop with the AVX-512 VL encoding of the same instruction.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <tuple>
#include <vector>

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
  /// The instruction is undefined unless the three tiles' shapes agree.
  static void check_shapes(int acc, int a, int b) {
    ASSERT_EQ(config.rows[acc], config.rows[a]);
    ASSERT_EQ(config.row_bytes[acc], config.row_bytes[b]);
    ASSERT_EQ(config.row_bytes[a], 4 * config.rows[b]);
    ASSERT_GT(config.rows[acc], 0);
    ASSERT_LE(config.rows[acc], 16);
  }
  template <bool kSigned, int kAcc, int kA, int kB>
  static void multiply() {
    check_shapes(kAcc, kA, kB);
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
void emulated_amx(const GemmStrip& strip) {
  run_amx<EmulatedUnit, kSigned>(strip);
}
void leave_emulated_amx() { configured_tiles = {}; }

void expect_equal_to_reference(const GemmKernel& kernel) {
  ThreadPool pools[] = {ThreadPool(1), ThreadPool(2), ThreadPool(3)};
  int sliding = 0, lines = 0;
  for (unsigned seed = 0; seed < kProblems; ++seed) {
    std::mt19937 random(seed);
    const ProblemKind kind = kernel.run_strip == nullptr ? ProblemKind::kAny
                             : seed % 4 == 0             ? ProblemKind::kDeep
                             : seed % 4 == 1             ? ProblemKind::kLines
                                                         : ProblemKind::kAny;
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
    const std::string name = (*convolution)->name();
    if (name.find("sliding") != std::string::npos) ++sliding;
    if (name.find("lines") != std::string::npos) ++lines;
    ASSERT_EQ(first_difference(reference_output(p), y), "")
        << "seed " << seed << ": " << p.description;
  }
  const bool strips = kernel.run_strip != nullptr;
  EXPECT_EQ(sliding > kProblems / 8, strips) << sliding << " problems ran across lines";
  EXPECT_GT(lines, kProblems / 40) << lines << " problems ran line by line";
}

TEST(Emulated, AmxUnsigned) {
  expect_equal_to_reference({"emulated_u8s8_amx", CpuIsa::kPortable, ConvType::kU8S8,
                             RowFormat::kBytes, 32, 2, nullptr, emulated_amx<false>,
                             leave_emulated_amx, leave_emulated_amx});
}

TEST(Emulated, AmxSigned) {
  expect_equal_to_reference({"emulated_s8s8_amx", CpuIsa::kPortable, ConvType::kS8S8,
                             RowFormat::kBytes, 32, 2, nullptr, emulated_amx<true>,
                             leave_emulated_amx, leave_emulated_amx});
}

/// A strip of random bytes in every tile shape, and how often each of its rows was handed over.
class StripOfEveryShape : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(StripOfEveryShape, HandsOverEveryRowOnce) {
  const auto [row_tiles, panels] = GetParam();
  std::mt19937 random(static_cast<unsigned>(10 * row_tiles + panels));
  for (int problem = 0; problem < 60; ++problem) {
    SCOPED_TRACE(testing::Message() << "problem " << problem);
    const auto draw = [&](int low, int high) {
      return std::uniform_int_distribution<int>(low, high)(random);
    };
    const int taps = problem % 3 == 0 ? draw(2, 3) : 1;
    const int lines = problem % 4 == 0 ? draw(2, 6) : 1;
    const int line_rows = draw(1, lines > 1 ? 40 : 150), rows = line_rows * lines;
    const std::ptrdiff_t depth = taps > 1 && problem % 2 == 0
                                     ? 4 * draw(1, 15)
                                     : kTileDepth * draw(1, problem % 2 == 0 ? 1 : 5);
    std::vector<std::uint8_t> a(static_cast<std::size_t>(depth * (rows + taps)) + 64);
    std::vector<std::int8_t> b(static_cast<std::size_t>(depth * taps * panels * kPanelChannels));
    for (auto& value : a) value = static_cast<std::uint8_t>(random());
    for (auto& value : b) value = static_cast<std::int8_t>(random());
    std::vector<std::ptrdiff_t> offsets;
    for (int tap = 0; tap < taps; ++tap) offsets.push_back(tap * depth);

    struct Result {
      std::vector<std::int32_t> acc;
      std::vector<int> times;
      int columns;
    } result{{}, std::vector<int>(static_cast<std::size_t>(rows)), panels * kPanelChannels};
    result.acc.resize(static_cast<std::size_t>(rows * result.columns));
    alignas(64) static std::int32_t acc[2 * kMaxTileAccumulators];
    GemmStrip strip;
    strip.a = reinterpret_cast<const std::byte*>(a.data());
    strip.a_row_bytes = depth;
    strip.rows = line_rows;
    strip.lines = lines;
    strip.a_line_bytes = line_rows * depth;
    strip.b = reinterpret_cast<const std::byte*>(b.data());
    strip.b_panel_bytes = depth * taps * kPanelChannels;
    strip.panels = panels;
    strip.steps = depth / 4;
    strip.taps = offsets.data();
    strip.tap_count = taps;
    strip.tiles = {row_tiles, panels};
    strip.acc = acc;
    strip.context = &result;
    strip.store = [](const void* context, const std::int32_t* from, std::int64_t stride,
                     std::int64_t first, int count) {
      auto& r = *static_cast<Result*>(const_cast<void*>(context));
      for (int row = 0; row < count; ++row) {
        ++r.times[static_cast<std::size_t>(first + row)];
        std::copy_n(from + row * stride, r.columns, r.acc.data() + (first + row) * r.columns);
      }
    };
    configured_tiles = {};
    run_amx<EmulatedUnit, false>(strip);

    for (int row = 0; row < rows; ++row) {
      ASSERT_EQ(result.times[static_cast<std::size_t>(row)], 1) << "row " << row << " of " << rows;
      for (int n = 0; n < result.columns; ++n) {
        const std::int8_t* panel = b.data() + n / kPanelChannels * strip.b_panel_bytes;
        std::int32_t expected = 0;
        for (std::ptrdiff_t k = 0; k < depth * taps; ++k) {
          const std::uint8_t x = a[static_cast<std::size_t>(row * depth + k)];
          expected += x * panel[k / 4 * kStepBytes + n % kPanelChannels * 4 + k % 4];
        }
        ASSERT_EQ(result.acc[static_cast<std::size_t>(row * result.columns + n)], expected)
            << "row " << row << " of " << rows << ", channel " << n;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Emulated, StripOfEveryShape,
                         testing::Values(std::tuple(1, 1), std::tuple(1, 2), std::tuple(1, 3),
                                         std::tuple(1, 4), std::tuple(2, 1), std::tuple(2, 2),
                                         std::tuple(4, 1)));

TEST(Emulated, AvxVnni) {
  if (!supports(CpuIsa::kAvx512Vnni)) GTEST_SKIP() << "this machine has no avx512vnni";
  for (ConvType type : {ConvType::kU8S8, ConvType::kS8S8}) {
    expect_equal_to_reference({"emulated_avxvnni", CpuIsa::kAvx2, type, RowFormat::kUnsigned, 6, 1,
                               gemm_int8_vnni256, nullptr, nullptr, nullptr});
  }
}

}  // namespace
}  // namespace xinfer::kernels
