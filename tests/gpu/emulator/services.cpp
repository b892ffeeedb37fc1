// The services of device/interface.h: from a kernel's code to the machine.
#include "instructions.h"

namespace xinfer::gpu::emulator {
namespace {

Machine& machine() { return Machine::current(); }

const void* decode(const char* text) {
  const Result<const Instruction*> found = find_instruction(text);
  if (!found.ok()) machine().fail(found.status().message());
  return *found;
}

void execute(const void* instruction, Operand* operands) {
  const auto& decoded = *static_cast<const Instruction*>(instruction);
  decoded.run(machine(), decoded, operands);
}

// Operands: this lane's value and the mask; the result takes the value's place.
void shuffle(Machine&, Warp& warp, const Instruction&) {
  std::uint64_t bits[32];
  for (int lane = 0; lane < 32; ++lane) bits[lane] = warp.operands[lane][0].bits;
  for (int lane = 0; lane < 32; ++lane) {
    warp.operands[lane][0].bits = bits[lane ^ static_cast<int>(warp.operands[lane][1].bits)];
  }
}

unsigned shuffle_xor(unsigned bits, int lane_mask) {
  static const Instruction kInstruction{"shfl.sync.bfly", nullptr, 0, false, false};
  Operand operands[] = {{nullptr, bits}, {nullptr, static_cast<unsigned>(lane_mask)}};
  machine().collective(kInstruction, operands, shuffle);
  return static_cast<unsigned>(operands[0].bits);
}

void sync_warp() {
  static const Instruction kInstruction{"bar.warp.sync", nullptr, 0, false, false};
  Operand none = {};
  machine().collective(kInstruction, &none, [](Machine&, Warp&, const Instruction&) {});
}

void sync_threads() { machine().arrive_and_wait(machine().block().barriers[0]); }

void* dynamic_shared() { return machine().block().shared.data(); }

unsigned shared_address(const void* pointer) {
  return machine().block().shared.address_of(pointer);
}

void trap() { machine().fail("trap"); }

}  // namespace

const ::emulated::Services& Machine::services() {
  static constexpr ::emulated::Services kServices = {
      decode, execute, shuffle_xor, sync_warp, sync_threads, dynamic_shared, shared_address, trap};
  return kServices;
}

}  // namespace xinfer::gpu::emulator
