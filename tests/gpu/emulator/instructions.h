// The PTX instructions that kernels use inside asm statements, by their text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "machine.h"

namespace xinfer::gpu::emulator {

/// A statement's text, decoded.
struct Instruction {
  using Handler = void (*)(Machine&, const Instruction&, Operand*);
  std::string text;
  Handler run = nullptr;
  int columns = 0;         ///< wgmma: n
  bool is_signed = false;  ///< wgmma, mma: of the first operand
  bool is_float = false;   ///< wgmma, mma: FP16 with float32 sums
};

/// A handler for statements whose text is exactly this, spaces collapsed.
struct NamedInstruction {
  std::string_view text;
  Instruction::Handler run;
  bool is_signed = false, is_float = false;
};

/// The instruction of a statement: one object a text, of static life. Fails for text that no file
/// here implements.
Result<const Instruction*> find_instruction(std::string_view text);

// What each file implements.
std::vector<NamedInstruction> value_instructions();        ///< conversions, dot products
std::vector<NamedInstruction> shared_instructions();       ///< loads and stores, cp.async
std::vector<NamedInstruction> matrix_instructions();       ///< ldmatrix, mma.sync
std::vector<NamedInstruction> barrier_instructions();      ///< mbarrier, bar, barrier.cluster
std::vector<NamedInstruction> copy_engine_instructions();  ///< cp.async.bulk
std::vector<NamedInstruction> wgmma_instructions();        ///< but for the product itself
Instruction::Handler wgmma_product();

inline std::uint32_t low_word(const Operand& operand) {
  return static_cast<std::uint32_t>(operand.bits);
}

template <typename T>
void set(const Operand& operand, T value) {
  *static_cast<T*>(operand.out) = value;
}

}  // namespace xinfer::gpu::emulator
