// AVX-512 tile loop for one panel of 16 channels whose kernel lines are three taps, in assembly.
//
// One panel leaves the ordinary loop bound by loads: a broadcast for every product. But with stride
// 1 the value at position q is tap 0 of row q, tap 1 of row q - 1 and tap 2 of row q - 2. So a step
// is one of the channels of all three taps: rows + 2 broadcasts and three weight vectors for
// 3 * rows products. Integers only: the order of a sum is not that of other kernels.
//
// Registers: zmm0-13 accumulators, zmm27-29 weights of the three taps, zmm30, 31 activations.
// Position q is addressed as base[q / 3] + (q % 3) * stride.
#pragma once

#include "kernels/conv/gemm_kernel.h"

// clang-format off
#define XINFER_AT_0 "(%[p0])"
#define XINFER_AT_1 "(%[p0],%[st])"
#define XINFER_AT_2 "(%[p0],%[st],2)"
#define XINFER_AT_3 "(%[p1])"
#define XINFER_AT_4 "(%[p1],%[st])"
#define XINFER_AT_5 "(%[p1],%[st],2)"
#define XINFER_AT_6 "(%[p2])"
#define XINFER_AT_7 "(%[p2],%[st])"
#define XINFER_AT_8 "(%[p2],%[st],2)"
#define XINFER_AT_9 "(%[p3])"
#define XINFER_AT_10 "(%[p3],%[st])"
#define XINFER_AT_11 "(%[p3],%[st],2)"
#define XINFER_AT_12 "(%[p4])"
#define XINFER_AT_13 "(%[p4],%[st])"
#define XINFER_AT_14 "(%[p4],%[st],2)"
#define XINFER_AT_15 "(%[p5])"

#define XINFER_VALUE(q, t) "vbroadcastss " XINFER_AT_##q ", %%zmm" #t "\n\t"
#define XINFER_TAP(w, t, acc) "vpdpbusd %%zmm" #w ", %%zmm" #t ", %%zmm" #acc "\n\t"
// Position q between the first two and the last two: tap 0 of row q, tap 1 of r1, tap 2 of r2.
#define XINFER_MIDDLE(q, r1, r2, t) \
  XINFER_VALUE(q, t) XINFER_TAP(27, t, q) XINFER_TAP(28, t, r1) XINFER_TAP(29, t, r2)
#define XINFER_FIRST \
  XINFER_VALUE(0, 30) XINFER_TAP(27, 30, 0) \
  XINFER_VALUE(1, 31) XINFER_TAP(27, 31, 1) XINFER_TAP(28, 31, 0)
// Positions n and n + 1 of n rows, of which r1 and r2 are the last.
#define XINFER_LAST(n, n1, r1, r2) \
  XINFER_VALUE(n, 30) XINFER_TAP(28, 30, r1) XINFER_TAP(29, 30, r2) \
  XINFER_VALUE(n1, 31) XINFER_TAP(29, 31, r1)

#define XINFER_POSITIONS_2 XINFER_FIRST
#define XINFER_POSITIONS_3 XINFER_POSITIONS_2 XINFER_MIDDLE(2, 1, 0, 30)
#define XINFER_POSITIONS_4 XINFER_POSITIONS_3 XINFER_MIDDLE(3, 2, 1, 31)
#define XINFER_POSITIONS_5 XINFER_POSITIONS_4 XINFER_MIDDLE(4, 3, 2, 30)
#define XINFER_POSITIONS_6 XINFER_POSITIONS_5 XINFER_MIDDLE(5, 4, 3, 31)
#define XINFER_POSITIONS_7 XINFER_POSITIONS_6 XINFER_MIDDLE(6, 5, 4, 30)
#define XINFER_POSITIONS_8 XINFER_POSITIONS_7 XINFER_MIDDLE(7, 6, 5, 31)
#define XINFER_POSITIONS_9 XINFER_POSITIONS_8 XINFER_MIDDLE(8, 7, 6, 30)
#define XINFER_POSITIONS_10 XINFER_POSITIONS_9 XINFER_MIDDLE(9, 8, 7, 31)
#define XINFER_POSITIONS_11 XINFER_POSITIONS_10 XINFER_MIDDLE(10, 9, 8, 30)
#define XINFER_POSITIONS_12 XINFER_POSITIONS_11 XINFER_MIDDLE(11, 10, 9, 31)
#define XINFER_POSITIONS_13 XINFER_POSITIONS_12 XINFER_MIDDLE(12, 11, 10, 30)
#define XINFER_POSITIONS_14 XINFER_POSITIONS_13 XINFER_MIDDLE(13, 12, 11, 31)

#define XINFER_STEP_1 \
  XINFER_VALUE(0, 30) XINFER_TAP(27, 30, 0) XINFER_VALUE(1, 31) XINFER_TAP(28, 31, 0) \
  XINFER_VALUE(2, 30) XINFER_TAP(29, 30, 0)
#define XINFER_STEP_2 XINFER_POSITIONS_2 XINFER_LAST(2, 3, 1, 0)
#define XINFER_STEP_3 XINFER_POSITIONS_3 XINFER_LAST(3, 4, 2, 1)
#define XINFER_STEP_4 XINFER_POSITIONS_4 XINFER_LAST(4, 5, 3, 2)
#define XINFER_STEP_5 XINFER_POSITIONS_5 XINFER_LAST(5, 6, 4, 3)
#define XINFER_STEP_6 XINFER_POSITIONS_6 XINFER_LAST(6, 7, 5, 4)
#define XINFER_STEP_7 XINFER_POSITIONS_7 XINFER_LAST(7, 8, 6, 5)
#define XINFER_STEP_8 XINFER_POSITIONS_8 XINFER_LAST(8, 9, 7, 6)
#define XINFER_STEP_9 XINFER_POSITIONS_9 XINFER_LAST(9, 10, 8, 7)
#define XINFER_STEP_10 XINFER_POSITIONS_10 XINFER_LAST(10, 11, 9, 8)
#define XINFER_STEP_11 XINFER_POSITIONS_11 XINFER_LAST(11, 12, 10, 9)
#define XINFER_STEP_12 XINFER_POSITIONS_12 XINFER_LAST(12, 13, 11, 10)
#define XINFER_STEP_13 XINFER_POSITIONS_13 XINFER_LAST(13, 14, 12, 11)
#define XINFER_STEP_14 XINFER_POSITIONS_14 XINFER_LAST(14, 15, 13, 12)

#define XINFER_EACH_1(M) M(0)
#define XINFER_EACH_2(M) XINFER_EACH_1(M) M(1)
#define XINFER_EACH_3(M) XINFER_EACH_2(M) M(2)
#define XINFER_EACH_4(M) XINFER_EACH_3(M) M(3)
#define XINFER_EACH_5(M) XINFER_EACH_4(M) M(4)
#define XINFER_EACH_6(M) XINFER_EACH_5(M) M(5)
#define XINFER_EACH_7(M) XINFER_EACH_6(M) M(6)
#define XINFER_EACH_8(M) XINFER_EACH_7(M) M(7)
#define XINFER_EACH_9(M) XINFER_EACH_8(M) M(8)
#define XINFER_EACH_10(M) XINFER_EACH_9(M) M(9)
#define XINFER_EACH_11(M) XINFER_EACH_10(M) M(10)
#define XINFER_EACH_12(M) XINFER_EACH_11(M) M(11)
#define XINFER_EACH_13(M) XINFER_EACH_12(M) M(12)
#define XINFER_EACH_14(M) XINFER_EACH_13(M) M(13)
#define XINFER_START(r) "vmovaps %%zmm27, %%zmm" #r "\n\t"
#define XINFER_KEEP(r) "vmovaps %%zmm" #r ", 64*" #r "(%[p0])\n\t"

#define XINFER_TAPS_CLOBBERS                                                                      \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",        \
  "xmm11", "xmm12", "xmm13", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "memory", "cc"

// R: rows, 1 to 14.
#define XINFER_THREE_TAPS(R)                                                                       \
  void three_taps_##R(const GemmTile& tile) {                                                      \
    const std::byte *p0 = tile.a, *p1, *p2, *p3, *p4, *p5, *b = tile.b;                            \
    const std::int64_t tap_bytes = tile.steps * kStepBytes;                                        \
    const std::int64_t skip = tile.a_line_bytes - 4 * tile.steps;                                  \
    std::int64_t count = tile.steps, lines = tile.lines;                                           \
    asm volatile(                                                                                  \
        "vmovups (%[start]), %%zmm27\n\t"                                                          \
        XINFER_EACH_##R(XINFER_START)                                                              \
        "lea (%[st],%[st],2), %[p5]\n\t"                                                           \
        "lea (%[p0],%[p5]), %[p1]\n\tlea (%[p1],%[p5]), %[p2]\n\t"                                 \
        "lea (%[p2],%[p5]), %[p3]\n\tlea (%[p3],%[p5]), %[p4]\n\tadd %[p4], %[p5]\n\t"             \
        ".p2align 5\n\t"                                                                           \
        "1:\n\t"                                                                                   \
        "vmovaps (%[b]), %%zmm27\n\tvmovaps (%[b],%[tb]), %%zmm28\n\t"                             \
        "vmovaps (%[b],%[tb],2), %%zmm29\n\t"                                                      \
        XINFER_STEP_##R                                                                            \
        "add $64, %[b]\n\tadd $4, %[p0]\n\tadd $4, %[p1]\n\tadd $4, %[p2]\n\t"                     \
        "add $4, %[p3]\n\tadd $4, %[p4]\n\tadd $4, %[p5]\n\tdec %[count]\n\tjnz 1b\n\t"            \
        "decq %[lines]\n\tjz 2f\n\t"                                                                \
        "add %[skip], %[p0]\n\tadd %[skip], %[p1]\n\tadd %[skip], %[p2]\n\t"                       \
        "add %[skip], %[p3]\n\tadd %[skip], %[p4]\n\tadd %[skip], %[p5]\n\t"                       \
        "lea (%[b],%[tb],2), %[b]\n\tmov %[steps], %[count]\n\tjmp 1b\n\t"                         \
        "2:\n\t"                                                                                   \
        "mov %[acc], %[p0]\n\t"                                                                    \
        XINFER_EACH_##R(XINFER_KEEP)                                                               \
        : [p0] "+&r"(p0), [p1] "=&r"(p1), [p2] "=&r"(p2), [p3] "=&r"(p3), [p4] "=&r"(p4),          \
          [p5] "=&r"(p5), [b] "+&r"(b), [count] "+&r"(count), [lines] "+m"(lines)                  \
        : [st] "r"(tile.a_row_bytes), [tb] "r"(tap_bytes), [start] "r"(tile.start),                \
          [acc] "m"(tile.acc), [steps] "m"(tile.steps), [skip] "m"(skip)                           \
        : XINFER_TAPS_CLOBBERS);                                                                   \
  }

namespace xinfer::kernels {
namespace {

XINFER_THREE_TAPS(1)
XINFER_THREE_TAPS(2)
XINFER_THREE_TAPS(3)
XINFER_THREE_TAPS(4)
XINFER_THREE_TAPS(5)
XINFER_THREE_TAPS(6)
XINFER_THREE_TAPS(7)
XINFER_THREE_TAPS(8)
XINFER_THREE_TAPS(9)
XINFER_THREE_TAPS(10)
XINFER_THREE_TAPS(11)
XINFER_THREE_TAPS(12)
XINFER_THREE_TAPS(13)
XINFER_THREE_TAPS(14)
// clang-format on

constexpr void (*kThreeTaps[14])(const GemmTile&) = {
    three_taps_1,  three_taps_2,  three_taps_3,  three_taps_4, three_taps_5,
    three_taps_6,  three_taps_7,  three_taps_8,  three_taps_9, three_taps_10,
    three_taps_11, three_taps_12, three_taps_13, three_taps_14};

}  // namespace
}  // namespace xinfer::kernels
