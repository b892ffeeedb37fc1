// AVX-512 tile loop in assembly: up to 14 rows x 32 channels in registers. GCC 12 spills when 28
// accumulators are written with intrinsics, which costs two thirds of the speed.
//
// Registers: zmm0-27 accumulators (row-major), zmm28, 29 weights of a step, zmm30, 31 activations.
// Row r is addressed as base[r / 3] + (r % 3) * stride. XINFER_TILE(…) defines one function; `OP`
// is "vpdpbusd" (u8 x s8) or "vfmadd231ps": both take 4 bytes of a row and 64 bytes of a panel a
// step.
#pragma once

#include "kernels/conv/gemm_kernel.h"

// clang-format off
#define XINFER_ROW2(OP, address, t, x, y)                   \
  "vbroadcastss " address ", %%zmm" #t "\n\t"               \
  OP " %%zmm28, %%zmm" #t ", %%zmm" #x "\n\t"               \
  OP " %%zmm29, %%zmm" #t ", %%zmm" #y "\n\t"
#define XINFER_ROW1(OP, address, t, x, y)                   \
  "vbroadcastss " address ", %%zmm" #t "\n\t"               \
  OP " %%zmm28, %%zmm" #t ", %%zmm" #x "\n\t"

#define XINFER_ROWS_1(R, OP) R(OP, "(%[p0])", 30, 0, 1)
#define XINFER_ROWS_2(R, OP) XINFER_ROWS_1(R, OP) R(OP, "(%[p0],%[st])", 31, 2, 3)
#define XINFER_ROWS_3(R, OP) XINFER_ROWS_2(R, OP) R(OP, "(%[p0],%[st],2)", 30, 4, 5)
#define XINFER_ROWS_4(R, OP) XINFER_ROWS_3(R, OP) R(OP, "(%[p1])", 31, 6, 7)
#define XINFER_ROWS_5(R, OP) XINFER_ROWS_4(R, OP) R(OP, "(%[p1],%[st])", 30, 8, 9)
#define XINFER_ROWS_6(R, OP) XINFER_ROWS_5(R, OP) R(OP, "(%[p1],%[st],2)", 31, 10, 11)
#define XINFER_ROWS_7(R, OP) XINFER_ROWS_6(R, OP) R(OP, "(%[p2])", 30, 12, 13)
#define XINFER_ROWS_8(R, OP) XINFER_ROWS_7(R, OP) R(OP, "(%[p2],%[st])", 31, 14, 15)
#define XINFER_ROWS_9(R, OP) XINFER_ROWS_8(R, OP) R(OP, "(%[p2],%[st],2)", 30, 16, 17)
#define XINFER_ROWS_10(R, OP) XINFER_ROWS_9(R, OP) R(OP, "(%[p3])", 31, 18, 19)
#define XINFER_ROWS_11(R, OP) XINFER_ROWS_10(R, OP) R(OP, "(%[p3],%[st])", 30, 20, 21)
#define XINFER_ROWS_12(R, OP) XINFER_ROWS_11(R, OP) R(OP, "(%[p3],%[st],2)", 31, 22, 23)
#define XINFER_ROWS_13(R, OP) XINFER_ROWS_12(R, OP) R(OP, "(%[p4])", 30, 24, 25)
#define XINFER_ROWS_14(R, OP) XINFER_ROWS_13(R, OP) R(OP, "(%[p4],%[st])", 31, 26, 27)

// Start values and results use the same walk over rows with other "instructions".
#define XINFER_INIT2(OP, address, t, x, y) \
  "vmovaps %%zmm28, %%zmm" #x "\n\tvmovaps %%zmm29, %%zmm" #y "\n\t"
#define XINFER_INIT1(OP, address, t, x, y) "vmovaps %%zmm28, %%zmm" #x "\n\t"
#define XINFER_STORE2(OP, address, t, x, y) \
  "vmovaps %%zmm" #x ", 64*" #x "(%[p0])\n\tvmovaps %%zmm" #y ", 64*" #y "(%[p0])\n\t"
#define XINFER_STORE1(OP, address, t, x, y) "vmovaps %%zmm" #x ", 32*" #x "(%[p0])\n\t"

#define XINFER_WEIGHTS2 "vmovaps (%[b]), %%zmm28\n\tvmovaps (%[b],%[bs]), %%zmm29\n\t"
#define XINFER_WEIGHTS1 "vmovaps (%[b]), %%zmm28\n\t"

#define XINFER_ZMM_CLOBBERS                                                                        \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",         \
  "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20",        \
  "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30",        \
  "xmm31", "memory", "cc"

// NAME: function; OP: instruction; ROWS: XINFER_ROWS_n; P: panels, 1 or 2.
#define XINFER_TILE(NAME, OP, ROWS, P)                                                             \
  void NAME(const GemmTile& tile) {                                                                \
    const std::byte *p0 = tile.a, *p1, *p2, *p3, *p4, *b = tile.b;                                 \
    std::int64_t count = tile.steps, lines = tile.lines;                                           \
    const std::int64_t skip = tile.a_line_bytes - 4 * tile.steps;                                  \
    asm volatile(                                                                                  \
        "vmovups (%[start]), %%zmm28\n\t"                                                          \
        "vmovups 64*(" #P "-1)(%[start]), %%zmm29\n\t"                                             \
        ROWS(XINFER_INIT##P, OP)                                                                   \
        "lea (%[st],%[st],2), %[p4]\n\t"                                                           \
        "lea (%[p0],%[p4]), %[p1]\n\t"                                                             \
        "lea (%[p1],%[p4]), %[p2]\n\t"                                                             \
        "lea (%[p2],%[p4]), %[p3]\n\t"                                                             \
        "add %[p3], %[p4]\n\t"                                                                     \
        ".p2align 5\n\t"                                                                           \
        "1:\n\t"                                                                                   \
        XINFER_WEIGHTS##P                                                                          \
        ROWS(XINFER_ROW##P, OP)                                                                    \
        "add $64, %[b]\n\tadd $4, %[p0]\n\tadd $4, %[p1]\n\tadd $4, %[p2]\n\t"                     \
        "add $4, %[p3]\n\tadd $4, %[p4]\n\tdec %[count]\n\tjnz 1b\n\t"                             \
        "dec %[lines]\n\tjz 2f\n\t"                                                               \
        "add %[skip], %[p0]\n\tadd %[skip], %[p1]\n\tadd %[skip], %[p2]\n\t"                      \
        "add %[skip], %[p3]\n\tadd %[skip], %[p4]\n\t"                                            \
        "mov %[steps], %[count]\n\tjmp 1b\n\t"                                                    \
        "2:\n\t"                                                                                  \
        "mov %[acc], %[p0]\n\t"                                                                    \
        ROWS(XINFER_STORE##P, OP)                                                                  \
        : [p0] "+&r"(p0), [p1] "=&r"(p1), [p2] "=&r"(p2), [p3] "=&r"(p3), [p4] "=&r"(p4),          \
          [b] "+&r"(b), [count] "+&r"(count), [lines] "+&r"(lines)                                 \
        : [st] "r"(tile.a_row_bytes), [bs] "r"(tile.b_panel_bytes), [start] "r"(tile.start),       \
          [acc] "m"(tile.acc), [steps] "m"(tile.steps), [skip] "m"(skip)                           \
        : XINFER_ZMM_CLOBBERS);                                                                    \
  }

// All tiles of one instruction and the table [panels - 1][rows - 1] over them.
#define XINFER_TILES_OF_ROWS(PREFIX, OP, N)               \
  XINFER_TILE(PREFIX##_##N##x1, OP, XINFER_ROWS_##N, 1)   \
  XINFER_TILE(PREFIX##_##N##x2, OP, XINFER_ROWS_##N, 2)
#define XINFER_TILES(PREFIX, OP)                                                                   \
  XINFER_TILES_OF_ROWS(PREFIX, OP, 1)                                                              \
  XINFER_TILES_OF_ROWS(PREFIX, OP, 2)                                                              \
  XINFER_TILES_OF_ROWS(PREFIX, OP, 3)                                                              \
  XINFER_TILES_OF_ROWS(PREFIX, OP, 4)                                                              \
  XINFER_TILES_OF_ROWS(PREFIX, OP, 5)                                                              \
  XINFER_TILES_OF_ROWS(PREFIX, OP, 6)                                                              \
  XINFER_TILES_OF_ROWS(PREFIX, OP, 7)                                                              \
  XINFER_TILES_OF_ROWS(PREFIX, OP, 8)                                                              \
  XINFER_TILES_OF_ROWS(PREFIX, OP, 9)                                                              \
  XINFER_TILES_OF_ROWS(PREFIX, OP, 10)                                                             \
  XINFER_TILES_OF_ROWS(PREFIX, OP, 11)                                                             \
  XINFER_TILES_OF_ROWS(PREFIX, OP, 12)                                                             \
  XINFER_TILES_OF_ROWS(PREFIX, OP, 13)                                                             \
  XINFER_TILES_OF_ROWS(PREFIX, OP, 14)                                                             \
  constexpr void (*PREFIX##_tiles[2][14])(const GemmTile&) = {                                     \
      {PREFIX##_1x1, PREFIX##_2x1, PREFIX##_3x1, PREFIX##_4x1, PREFIX##_5x1, PREFIX##_6x1,         \
       PREFIX##_7x1, PREFIX##_8x1, PREFIX##_9x1, PREFIX##_10x1, PREFIX##_11x1, PREFIX##_12x1,      \
       PREFIX##_13x1, PREFIX##_14x1},                                                              \
      {PREFIX##_1x2, PREFIX##_2x2, PREFIX##_3x2, PREFIX##_4x2, PREFIX##_5x2, PREFIX##_6x2,         \
       PREFIX##_7x2, PREFIX##_8x2, PREFIX##_9x2, PREFIX##_10x2, PREFIX##_11x2, PREFIX##_12x2,      \
       PREFIX##_13x2, PREFIX##_14x2}};
// clang-format on
