// ldmatrix and mma.sync, for a warp at once. Layouts of fragments: PTX ISA 9.0, Warp-level Matrix
// Instructions.
#include <bit>
#include <cstring>

#include "instructions.h"
#include "random.h"

namespace xinfer::gpu::emulator {
namespace {

std::uint32_t word_at(const std::uint8_t* bytes) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes, 4);
  return word;
}

// Operands: a word a matrix, the address of this lane's row.
template <int kMatrices, bool kTransposed>
void load_matrices(Machine& machine, Warp& warp, const Instruction&) {
  const std::uint8_t* rows[8 * kMatrices];
  for (int lane = 0; lane < 8 * kMatrices; ++lane) {
    rows[lane] = machine.shared_access(low_word(warp.operands[lane][kMatrices]), 16, false);
  }
  for (int lane = 0; lane < 32; ++lane) {
    for (int matrix = 0; matrix < kMatrices; ++matrix) {
      const Operand& to = warp.operands[lane][matrix];
      const std::uint8_t* const* row = rows + 8 * matrix;
      if constexpr (kTransposed) {
        std::uint16_t low = 0, high = 0;
        std::memcpy(&low, row[lane % 4 * 2] + lane / 4 * 2, 2);
        std::memcpy(&high, row[lane % 4 * 2 + 1] + lane / 4 * 2, 2);
        set(to, low | static_cast<std::uint32_t>(high) << 16);
      } else {
        set(to, word_at(row[lane / 4] + lane % 4 * 4));
      }
    }
  }
}

template <int kMatrices, bool kTransposed>
void ldmatrix(Machine& machine, const Instruction& instruction, Operand* operands) {
  machine.collective(instruction, operands, load_matrices<kMatrices, kTransposed>);
}

// Operands: the result, this lane's two elements of row lane / 4.
void transpose_words(Machine&, Warp& warp, const Instruction&) {
  std::uint16_t elements[8][8];
  for (int lane = 0; lane < 32; ++lane) {
    const std::uint32_t word = low_word(warp.operands[lane][1]);
    std::memcpy(&elements[lane / 4][lane % 4 * 2], &word, 4);
  }
  for (int lane = 0; lane < 32; ++lane) {
    const std::uint32_t low = elements[lane % 4 * 2][lane / 4];
    const std::uint32_t high = elements[lane % 4 * 2 + 1][lane / 4];
    set(warp.operands[lane][0], low | high << 16);
  }
}

void movmatrix(Machine& machine, const Instruction& instruction, Operand* operands) {
  machine.collective(instruction, operands, transpose_words);
}

// The operands of a product in memory order: a[16][32 bytes], b[8][32 bytes], zeros behind the
// depth of 16 * kHalves.
template <int kHalves>
struct Factors {
  std::uint8_t a[16][32] = {}, b[8][32] = {};

  explicit Factors(const Warp& warp) {
    for (int lane = 0; lane < 32; ++lane) {
      const Operand* o = warp.operands[lane];
      for (int i = 0; i < 2 * kHalves; ++i) {
        put(a[lane / 4 + i % 2 * 8] + lane % 4 * 4 + i / 2 * 16, low_word(o[4 + i]));
      }
      for (int i = 0; i < kHalves; ++i) {
        put(b[lane / 4] + lane % 4 * 4 + i * 16, low_word(o[4 + 2 * kHalves + i]));
      }
    }
  }
  static void put(std::uint8_t* to, std::uint32_t word) { std::memcpy(to, &word, 4); }
};

std::int32_t dot(const std::uint8_t* a, const std::uint8_t* b, bool a_is_signed) {
  std::int32_t sum = 0;
  for (int k = 0; k < 32; ++k) {
    const int factor = a_is_signed ? static_cast<std::int8_t>(a[k]) : a[k];
    sum += factor * static_cast<std::int8_t>(b[k]);
  }
  return sum;
}

double half_dot(const std::uint8_t* a, const std::uint8_t* b) {
  double sum = 0;
  for (int k = 0; k < 32; k += 2) {
    std::uint16_t x = 0, y = 0;
    std::memcpy(&x, a + k, 2);
    std::memcpy(&y, b + k, 2);
    sum += static_cast<double>(from_half(x)) * static_cast<double>(from_half(y));
  }
  return sum;
}

// kSwapped: b is unsigned, a is signed.
template <bool kSwapped, int kHalves = 2>
void multiply(Machine&, Warp& warp, const Instruction& instruction) {
  const Factors<kHalves> factors(warp);
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 4; ++i) {
      const Operand& c = warp.operands[lane][i];
      const std::uint8_t* a = factors.a[lane / 4 + i / 2 * 8];
      const std::uint8_t* b = factors.b[lane % 4 * 2 + i % 2];
      if (instruction.is_float) {
        const float before = std::bit_cast<float>(low_word(c));
        set(c, static_cast<float>(static_cast<double>(before) + half_dot(a, b)));
      } else {
        const auto before = static_cast<std::int32_t>(low_word(c));
        set(c, before + (kSwapped ? dot(b, a, false) : dot(a, b, instruction.is_signed)));
      }
    }
  }
}

void mma(Machine& machine, const Instruction& instruction, Operand* operands) {
  machine.collective(instruction, operands, multiply<false>);
}

void mma_by_unsigned(Machine& machine, const Instruction& instruction, Operand* operands) {
  machine.collective(instruction, operands, multiply<true>);
}

template <bool kSwapped>
void short_mma(Machine& machine, const Instruction& instruction, Operand* operands) {
  machine.collective(instruction, operands, multiply<kSwapped, 1>);
}

}  // namespace

std::vector<NamedInstruction> matrix_instructions() {
  return {
      {"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];", ldmatrix<4, false>},
      {"ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];", ldmatrix<2, false>},
      {"ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];", ldmatrix<4, true>},
      {"movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;", movmatrix},
      {"mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
       "{%8,%9}, {%0,%1,%2,%3};",
       mma, false},
      {"mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
       "{%8,%9}, {%0,%1,%2,%3};",
       mma, true},
      {"mma.sync.aligned.m16n8k32.row.col.s32.s8.u8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
       "{%8,%9}, {%0,%1,%2,%3};",
       mma_by_unsigned},
      {"mma.sync.aligned.m16n8k16.row.col.s32.s8.u8.s32 {%0,%1,%2,%3}, {%4,%5}, {%6}, "
       "{%0,%1,%2,%3};",
       short_mma<true>},
      {"mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5}, {%6}, "
       "{%0,%1,%2,%3};",
       short_mma<false>, true},
      {"mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
       "{%8,%9}, {%0,%1,%2,%3};",
       mma, true, true}};
}

}  // namespace xinfer::gpu::emulator
