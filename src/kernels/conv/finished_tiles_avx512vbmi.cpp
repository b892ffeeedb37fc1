// Finished tiles of 7 to 14 rows x 32 channels for AVX-512 with VNNI and VBMI.
//
// The products are one block of assembly (gemm_avx512.h says why) whose outputs are the
// accumulators: the compiler keeps them in registers for the epilogue behind it. Registers:
// zmm28, 29 weights of a step, zmm30, 31 activations, accumulators in the 28 others. An asm
// statement has at most 30 operands, so what it reads lies in a block behind one pointer.
#include <cstddef>

#include "kernels/conv/accumulator_store_avx512.h"
#include "kernels/conv/finished_tiles.h"

namespace xinfer::kernels {
namespace {

/// What the assembly reads, at the offsets that it names.
struct ProductBlock {
  const std::byte* a;    // 0
  std::int64_t a_row;    // 8
  const std::byte* b;    // 16
  std::int64_t b_panel;  // 24
  std::int64_t steps;    // 32
  std::int64_t lines;    // 40, counted down
  std::int64_t skip;     // 48: from the end of a row's line to its next line
  const void* start;     // 56
};

// clang-format off
// Row r is addressed as base[r / 3] + (r % 3) * stride: bases rax, rcx, rdx, rsi, rdi, stride r10.
#define XINFER_FROWS_1(R) R("(%%rax)", 30, 0, 1)
#define XINFER_FROWS_2(R) XINFER_FROWS_1(R) R("(%%rax,%%r10)", 31, 2, 3)
#define XINFER_FROWS_3(R) XINFER_FROWS_2(R) R("(%%rax,%%r10,2)", 30, 4, 5)
#define XINFER_FROWS_4(R) XINFER_FROWS_3(R) R("(%%rcx)", 31, 6, 7)
#define XINFER_FROWS_5(R) XINFER_FROWS_4(R) R("(%%rcx,%%r10)", 30, 8, 9)
#define XINFER_FROWS_6(R) XINFER_FROWS_5(R) R("(%%rcx,%%r10,2)", 31, 10, 11)
#define XINFER_FROWS_7(R) XINFER_FROWS_6(R) R("(%%rdx)", 30, 12, 13)
#define XINFER_FROWS_8(R) XINFER_FROWS_7(R) R("(%%rdx,%%r10)", 31, 14, 15)
#define XINFER_FROWS_9(R) XINFER_FROWS_8(R) R("(%%rdx,%%r10,2)", 30, 16, 17)
#define XINFER_FROWS_10(R) XINFER_FROWS_9(R) R("(%%rsi)", 31, 18, 19)
#define XINFER_FROWS_11(R) XINFER_FROWS_10(R) R("(%%rsi,%%r10)", 30, 20, 21)
#define XINFER_FROWS_12(R) XINFER_FROWS_11(R) R("(%%rsi,%%r10,2)", 31, 22, 23)
#define XINFER_FROWS_13(R) XINFER_FROWS_12(R) R("(%%rdi)", 30, 24, 25)
#define XINFER_FROWS_14(R) XINFER_FROWS_13(R) R("(%%rdi,%%r10)", 31, 26, 27)

#define XINFER_FROW(address, t, x, y)                          \
  "vbroadcastss " address ", %%zmm" #t "\n\t"                  \
  "vpdpbusd %%zmm28, %%zmm" #t ", %[acc" #x "]\n\t"            \
  "vpdpbusd %%zmm29, %%zmm" #t ", %[acc" #y "]\n\t"
#define XINFER_FSTART(address, t, x, y) \
  "vmovaps %%zmm28, %[acc" #x "]\n\tvmovaps %%zmm29, %[acc" #y "]\n\t"

#define XINFER_FACC(x, y) [acc##x] "=&v"(acc[x]), [acc##y] "=&v"(acc[y])
#define XINFER_FACCS_7                                                                            \
  XINFER_FACC(0, 1), XINFER_FACC(2, 3), XINFER_FACC(4, 5), XINFER_FACC(6, 7), XINFER_FACC(8, 9),  \
  XINFER_FACC(10, 11), XINFER_FACC(12, 13)
#define XINFER_FACCS_8 XINFER_FACCS_7, XINFER_FACC(14, 15)
#define XINFER_FACCS_9 XINFER_FACCS_8, XINFER_FACC(16, 17)
#define XINFER_FACCS_10 XINFER_FACCS_9, XINFER_FACC(18, 19)
#define XINFER_FACCS_11 XINFER_FACCS_10, XINFER_FACC(20, 21)
#define XINFER_FACCS_12 XINFER_FACCS_11, XINFER_FACC(22, 23)
#define XINFER_FACCS_13 XINFER_FACCS_12, XINFER_FACC(24, 25)
#define XINFER_FACCS_14 XINFER_FACCS_13, XINFER_FACC(26, 27)

#define XINFER_PRODUCTS(N)                                                                        \
  [[gnu::always_inline]] inline void multiply(ProductBlock* block, __m512i (&acc)[2 * N]) {                              \
    asm volatile(                                                                                 \
        "mov (%[block]), %%rax\n\tmov 8(%[block]), %%r10\n\tmov 16(%[block]), %%r8\n\t"           \
        "mov 24(%[block]), %%r11\n\tmov 32(%[block]), %%r9\n\tmov 56(%[block]), %%rdi\n\t"        \
        "vmovups (%%rdi), %%zmm28\n\tvmovups 64(%%rdi), %%zmm29\n\t"                             \
        XINFER_FROWS_##N(XINFER_FSTART)                                                           \
        "lea (%%r10,%%r10,2), %%rdi\n\tlea (%%rax,%%rdi), %%rcx\n\t"                             \
        "lea (%%rcx,%%rdi), %%rdx\n\tlea (%%rdx,%%rdi), %%rsi\n\tadd %%rsi, %%rdi\n\t"          \
        ".p2align 5\n\t"                                                                         \
        "1:\n\t"                                                                                 \
        "vmovaps (%%r8), %%zmm28\n\tvmovaps (%%r8,%%r11), %%zmm29\n\t"                           \
        XINFER_FROWS_##N(XINFER_FROW)                                                             \
        "add $64, %%r8\n\tadd $4, %%rax\n\tadd $4, %%rcx\n\tadd $4, %%rdx\n\t"                  \
        "add $4, %%rsi\n\tadd $4, %%rdi\n\tdec %%r9\n\tjnz 1b\n\t"                              \
        "decq 40(%[block])\n\tjz 2f\n\t"                                                        \
        "mov 48(%[block]), %%r9\n\tadd %%r9, %%rax\n\tadd %%r9, %%rcx\n\tadd %%r9, %%rdx\n\t"  \
        "add %%r9, %%rsi\n\tadd %%r9, %%rdi\n\tmov 32(%[block]), %%r9\n\tjmp 1b\n\t"            \
        "2:\n\t"                                                                                 \
        : XINFER_FACCS_##N                                                                        \
        : [block] "r"(block)                                                                      \
        : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm28", "xmm29", "xmm30", \
          "xmm31", "memory", "cc");                                                               \
  }

XINFER_PRODUCTS(7)
XINFER_PRODUCTS(8)
XINFER_PRODUCTS(9)
XINFER_PRODUCTS(10)
XINFER_PRODUCTS(11)
XINFER_PRODUCTS(12)
XINFER_PRODUCTS(13)
XINFER_PRODUCTS(14)
// clang-format on

/// Stores bytes: kSigned, kResidual and kLookup as store_bytes_bounded has them.
template <bool kSigned, Residual kResidual, Lookup kLookup, int kRows>
[[gnu::always_inline]] inline void finish_bytes(const __m512i (&acc)[2 * kRows],
                                                const StorePlan& plan,
                                                const AccumulatorTile& result) {
  const EpilogueStep& step = plan.epilogue.steps[0];
  const __m512 scale = _mm512_set1_ps(step.scale);
  const __m512i low = _mm512_set1_epi8(static_cast<char>(plan.byte_low));
  const __m512i high = _mm512_set1_epi8(static_cast<char>(plan.byte_high));
  const ByteTable table(plan.table);
  const Channels constants[2] = {Channels(plan.epilogue, result.first_channel, 0xffff),
                                 Channels(plan.epilogue, result.first_channel + 16, 0xffff)};
  const auto value = [&](int row, int half) {
    const Channels& c = constants[half];
    const __m512 scaled =
        _mm512_fmadd_ps(_mm512_cvtepi32_ps(acc[2 * row + half]), c.multiplier, c.bias);
    const std::int64_t index =
        (result.first_pixel + row) * step.residual_pixel_stride + result.first_channel + 16 * half;
    return _mm512_cvtps_epi32(add_residual<kResidual>(scaled, step.residual, index, 0xffff, scale));
  };
  auto* y = static_cast<std::int8_t*>(plan.y) + result.first_pixel * plan.y_pixel_stride +
            result.first_channel;
#pragma GCC unroll 7
  for (int row = 0; row < kRows; row += 2) {
    const int next = row + 1 < kRows ? row + 1 : row;
    __m512i bytes = clamp_bytes<kSigned>(
        pack_rows<kSigned>(value(row, 0), value(row, 1), value(next, 0), value(next, 1)), low,
        high);
    if constexpr (kLookup != Lookup::kNone) bytes = table(bytes);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), _mm512_castsi512_si256(bytes));
    y += plan.y_pixel_stride;
    if (next == row) break;
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), _mm512_extracti64x4_epi64(bytes, 1));
    y += plan.y_pixel_stride;
  }
}

/// Stores floats, as store_floats does.
template <Residual kResidual, int kRows>
[[gnu::always_inline]] inline void finish_floats(const __m512i (&acc)[2 * kRows],
                                                 const StorePlan& plan,
                                                 const AccumulatorTile& result) {
  const EpilogueStep& step = plan.epilogue.steps[0];
  const __m512 low = _mm512_set1_ps(plan.low);
  const __m512 high = _mm512_set1_ps(plan.high);
  const __m512 scale = _mm512_set1_ps(step.scale);
  const Channels constants[2] = {Channels(plan.epilogue, result.first_channel, 0xffff),
                                 Channels(plan.epilogue, result.first_channel + 16, 0xffff)};
#pragma GCC unroll 14
  for (int row = 0; row < kRows; ++row) {
    const std::int64_t pixel = result.first_pixel + row;
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const Channels& c = constants[half];
      const std::int64_t channel = result.first_channel + 16 * half;
      __m512 value = _mm512_fmadd_ps(_mm512_cvtepi32_ps(acc[2 * row + half]), c.multiplier, c.bias);
      value = add_residual<kResidual>(value, step.residual,
                                      pixel * step.residual_pixel_stride + channel, 0xffff, scale);
      value = _mm512_min_ps(high, _mm512_max_ps(low, value));  // NaN stays NaN
      _mm512_storeu_ps(static_cast<float*>(plan.y) + pixel * plan.y_pixel_stride + channel, value);
    }
  }
}

/// Inline, or the sums would pass through memory after all.
template <int kRows>
[[gnu::always_inline]] inline void products(const GemmTile& tile, __m512i (&acc)[2 * kRows]) {
  ProductBlock block{tile.a,
                     tile.a_row_bytes,
                     tile.b,
                     tile.b_panel_bytes,
                     tile.steps,
                     tile.lines,
                     tile.a_line_bytes - 4 * tile.steps,
                     tile.start};
  multiply(&block, acc);
}

template <bool kSigned, Residual kResidual, Lookup kLookup>
struct Bytes {
  template <int kRows>
  static void run(const GemmTile& tile, const StorePlan& plan, const AccumulatorTile& result) {
    __m512i acc[2 * kRows];
    products<kRows>(tile, acc);
    finish_bytes<kSigned, kResidual, kLookup, kRows>(acc, plan, result);
  }
};

template <Residual kResidual>
struct Floats {
  template <int kRows>
  static void run(const GemmTile& tile, const StorePlan& plan, const AccumulatorTile& result) {
    __m512i acc[2 * kRows];
    products<kRows>(tile, acc);
    finish_floats<kResidual, kRows>(acc, plan, result);
  }
};

template <typename Epilogue>
FinishedTiles all_rows() {
  FinishedTiles::ByRows by_rows = {};
  by_rows[7] = Epilogue::template run<7>;
  by_rows[8] = Epilogue::template run<8>;
  by_rows[9] = Epilogue::template run<9>;
  by_rows[10] = Epilogue::template run<10>;
  by_rows[11] = Epilogue::template run<11>;
  by_rows[12] = Epilogue::template run<12>;
  by_rows[13] = Epilogue::template run<13>;
  by_rows[14] = Epilogue::template run<14>;
  return FinishedTiles(by_rows);
}

template <bool kSigned>
FinishedTiles tiles_of_bytes(const StorePlan& plan, Residual before) {
  if (plan.table != nullptr) {
    return before == Residual::kNone ? all_rows<Bytes<kSigned, Residual::kNone, Lookup::kTable>>()
                                     : FinishedTiles();
  }
  switch (before) {
    case Residual::kNone:
      return all_rows<Bytes<kSigned, Residual::kNone, Lookup::kNone>>();
    case Residual::kInt8:
      return all_rows<Bytes<kSigned, Residual::kInt8, Lookup::kNone>>();
    case Residual::kUInt8:
      return all_rows<Bytes<kSigned, Residual::kUInt8, Lookup::kNone>>();
    case Residual::kFloat:
      break;
  }
  return FinishedTiles();
}

}  // namespace

FinishedTiles finished_tiles_avx512vbmi(const StorePlan& plan) {
  const Epilogue& e = plan.epilogue;
  const bool residual_first = e.step_count > 0 && e.steps[0].kind == EpilogueStep::Kind::kResidual;
  const Residual before = residual_first ? kind_of(e.steps[0]) : Residual::kNone;
  if (e.output_dtype == DType::kFloat32) {
    if (e.step_count > (residual_first ? 1 : 0)) return FinishedTiles();
    if (before == Residual::kNone) return all_rows<Floats<Residual::kNone>>();
    return before == Residual::kFloat ? all_rows<Floats<Residual::kFloat>>() : FinishedTiles();
  }
  if (!plan.bounded || plan.table_then_residual) return FinishedTiles();
  return plan.bytes_signed ? tiles_of_bytes<true>(plan, before)
                           : tiles_of_bytes<false>(plan, before);
}

}  // namespace xinfer::kernels
