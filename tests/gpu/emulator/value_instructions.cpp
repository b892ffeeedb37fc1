// Conversions, packing and dot products: instructions on values alone.
#include <algorithm>
#include <bit>
#include <cmath>

#include "instructions.h"
#include "random.h"

namespace xinfer::gpu::emulator {
namespace {

float float_of(const Operand& operand) { return std::bit_cast<float>(low_word(operand)); }

void nothing(Machine&, const Instruction&, Operand*) {}

// cvt.f32.f16
void widen(Machine&, const Instruction&, Operand* o) {
  set(o[0], from_half(static_cast<std::uint16_t>(o[1].bits)));
}

std::uint32_t rounded_half(float value) {
  if (std::isnan(value)) return 0x7FFF;  // cvt's NaN is canonical
  if (std::isinf(value)) return value > 0 ? 0x7C00 : 0xFC00;
  return to_half(value);
}

// cvt.rn.f16x2.f32 d, a, b: a in the upper half
void pack_halves(Machine&, const Instruction&, Operand* o) {
  set(o[0], rounded_half(float_of(o[1])) << 16 | rounded_half(float_of(o[2])));
}

// max.f16x2: of a number and a NaN the number
void max_halves(Machine&, const Instruction&, Operand* o) {
  const std::uint32_t a = low_word(o[1]), b = low_word(o[2]);
  const auto larger = [&](int shift) {
    const auto half = [&](std::uint32_t word) {
      return from_half(static_cast<std::uint16_t>(word >> shift));
    };
    return rounded_half(std::fmax(half(a), half(b))) << shift;
  };
  set(o[0], larger(0) | larger(16));
}

// max.u16x2, max.s16x2
template <typename Part>
void max_parts(Machine&, const Instruction&, Operand* o) {
  const std::uint32_t a = low_word(o[1]), b = low_word(o[2]);
  const auto larger = [&](int shift) {
    const auto part = [&](std::uint32_t word) { return static_cast<Part>(word >> shift); };
    return std::uint32_t{static_cast<std::uint16_t>(std::max(part(a), part(b)))} << shift;
  };
  set(o[0], larger(0) | larger(16));
}

// cvt.pack.sat d, a, b, c: {c's low half, sat(a), sat(b)}, from the top
std::uint32_t packed(const Operand& a, const Operand& b, std::uint32_t c, int low, int high) {
  const auto byte = [&](const Operand& from) {
    return static_cast<std::uint32_t>(
               std::clamp(static_cast<std::int32_t>(low_word(from)), low, high)) &
           255u;
  };
  return c << 16 | byte(a) << 8 | byte(b);
}
void pack_u8_0(Machine&, const Instruction&, Operand* o) {
  set(o[0], packed(o[1], o[2], 0, 0, 255));
}
void pack_u8(Machine&, const Instruction&, Operand* o) {
  set(o[0], packed(o[1], o[2], low_word(o[3]), 0, 255));
}
void pack_s8_0(Machine&, const Instruction&, Operand* o) {
  set(o[0], packed(o[1], o[2], 0, -128, 127));
}
void pack_s8(Machine&, const Instruction&, Operand* o) {
  set(o[0], packed(o[1], o[2], low_word(o[3]), -128, 127));
}

// dp4a.<type of a>.s32 d, a, b, d
void dot_product(Machine&, const Instruction& instruction, Operand* o) {
  auto sum = static_cast<std::int32_t>(low_word(o[0]));
  for (int i = 0; i < 4; ++i) {
    const auto byte = static_cast<std::uint8_t>(o[1].bits >> (8 * i));
    const int a = instruction.is_signed ? static_cast<std::int8_t>(byte) : byte;
    sum += a * static_cast<std::int8_t>(o[2].bits >> (8 * i));
  }
  set(o[0], sum);
}

}  // namespace

std::vector<NamedInstruction> value_instructions() {
  return {{"cvt.f32.f16 %0, %1;", widen},
          {"cvt.rn.f16x2.f32 %0, %1, %2;", pack_halves},
          {"cvt.pack.sat.u8.s32.b32 %0, %1, %2, 0;", pack_u8_0},
          {"cvt.pack.sat.u8.s32.b32 %0, %1, %2, %3;", pack_u8},
          {"cvt.pack.sat.s8.s32.b32 %0, %1, %2, 0;", pack_s8_0},
          {"cvt.pack.sat.s8.s32.b32 %0, %1, %2, %3;", pack_s8},
          {"max.f16x2 %0, %1, %2;", max_halves},
          {"max.u16x2 %0, %1, %2;", max_parts<std::uint16_t>},
          {"max.s16x2 %0, %1, %2;", max_parts<std::int16_t>},
          {"dp4a.u32.s32 %0, %1, %2, %0;", dot_product, false},
          {"dp4a.s32.s32 %0, %1, %2, %0;", dot_product, true},
          // One kernel runs at a time, and registers are the host's.
          {"griddepcontrol.wait;", nothing},
          {"griddepcontrol.launch_dependents;", nothing},
          {"prefetch.tensormap [%0];", nothing},
          {"setmaxnreg.dec.sync.aligned.u32 %0;", nothing},
          {"setmaxnreg.inc.sync.aligned.u32 %0;", nothing}};
}

}  // namespace xinfer::gpu::emulator
