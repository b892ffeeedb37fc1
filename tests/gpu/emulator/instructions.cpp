#include "instructions.h"

#include <cstdio>
#include <map>

namespace xinfer::gpu::emulator {
namespace {

// Kernels that differ only in what the optimiser may do differ in nothing here.
std::string collapsed(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == ' ' && (result.empty() || result.back() == ' ')) continue;
    result += c;
  }
  return result;
}

const std::map<std::string, NamedInstruction>& named_instructions() {
  static const auto all = [] {
    std::map<std::string, NamedInstruction> result;
    for (const auto& list :
         {value_instructions(), shared_instructions(), matrix_instructions(),
          barrier_instructions(), copy_engine_instructions(), wgmma_instructions()}) {
      for (const NamedInstruction& named : list) result.emplace(collapsed(named.text), named);
    }
    return result;
  }();
  return all;
}

// "… wgmma.mma_async.sync.aligned.m64n<n>k32.s32.u8.s8 …", as wgmma_function writes it.
bool decode_wgmma(const std::string& text, Instruction& instruction) {
  constexpr std::string_view kShape = "wgmma.mma_async.sync.aligned.m64n";
  const std::size_t at = text.find(kShape);
  if (at == std::string::npos) return false;
  int k = 0;
  char types[16] = {};
  if (std::sscanf(text.c_str() + at + kShape.size(), "%dk%d.%15[a-z0-9.]", &instruction.columns, &k,
                  types) != 3) {
    return false;
  }
  const std::string_view kinds = types;
  instruction.is_float = k == 16 && kinds == "f32.f16.f16";
  instruction.is_signed = kinds == "s32.s8.s8";
  instruction.run = wgmma_product();
  return instruction.is_float || instruction.is_signed || kinds == "s32.u8.s8";
}

}  // namespace

Result<const Instruction*> find_instruction(std::string_view text) {
  static std::map<std::string, Instruction> decoded;
  const std::string key = collapsed(text);
  if (const auto found = decoded.find(key); found != decoded.end()) return &found->second;
  Instruction instruction;
  instruction.text = key;
  if (const auto named = named_instructions().find(key); named != named_instructions().end()) {
    instruction.run = named->second.run;
    instruction.is_signed = named->second.is_signed;
    instruction.is_float = named->second.is_float;
  } else if (!decode_wgmma(key, instruction)) {
    return unsupported("the emulator has no instruction \"{}\"", key);
  }
  return &decoded.emplace(key, std::move(instruction)).first->second;
}

}  // namespace xinfer::gpu::emulator
