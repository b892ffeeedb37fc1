// Loads and stores of shared memory, and cp.async.
#include <cstring>

#include "instructions.h"

namespace xinfer::gpu::emulator {
namespace {

// Words into the first operands from the address in the next one.
template <int kWords>
void load(Machine& machine, const Instruction&, Operand* o) {
  const std::uint8_t* from = machine.shared_access(low_word(o[kWords]), 4 * kWords, false);
  for (int i = 0; i < kWords; ++i) {
    std::uint32_t word = 0;
    std::memcpy(&word, from + 4 * i, 4);
    set(o[i], word);
  }
}

// Words behind the address in the first operand.
template <int kWords>
void store(Machine& machine, const Instruction&, Operand* o) {
  const std::uint32_t address = low_word(o[0]);
  std::uint8_t* to = machine.shared_access(address, 4 * kWords, true);
  for (int i = 0; i < kWords; ++i) {
    const std::uint32_t word = low_word(o[1 + i]);
    std::memcpy(to + 4 * i, &word, 4);
  }
  machine.thread().unfenced.push_back(address / kGranule);
}

void map_to_block(Machine&, const Instruction&, Operand* o) {
  set(o[0], low_word(o[1]) | (low_word(o[2]) + 1) << kBlockShift);
}

// cp.async.cg.shared.global [to], [from], 16, bytes: zeros behind `bytes`
void copy_async(Machine& machine, const Instruction&, Operand* o) {
  const std::uint32_t address = low_word(o[0]), bytes = low_word(o[2]);
  const auto* from = reinterpret_cast<const std::uint8_t*>(o[1].bits);
  machine.shared_access(address, 16, true);
  if (o[1].bits % 16 != 0) machine.fail("cp.async from an address that is not aligned to 16 bytes");
  AsyncOperation copy;
  copy.shared = &machine.block().shared;
  copy.writes_shared = true;
  copy.granules = {address / kGranule};
  copy.run = [to = copy.shared->at(address), from, bytes] {
    std::memset(to, 0, 16);
    if (bytes > 0) std::memcpy(to, from, bytes);
  };
  machine.issue(machine.thread().copies_in, std::move(copy));
}

void commit_copies(Machine& machine, const Instruction&, Operand*) {
  machine.thread().copies_in.commit();
}

void wait_copies(Machine& machine, const Instruction&, Operand* o) {
  machine.thread().copies_in.wait(o[0].bits);
}

}  // namespace

std::vector<NamedInstruction> shared_instructions() {
  return {{"ld.shared.v4.f32 {%0,%1,%2,%3}, [%4];", load<4>},
          {"ld.shared.v4.b32 {%0,%1,%2,%3}, [%4];", load<4>},
          {"ld.shared.b32 %0, [%1];", load<1>},
          {"ld.shared.v2.b32 {%0, %1}, [%2];", load<2>},
          {"st.shared.v4.f32 [%0], {%1,%2,%3,%4};", store<4>},
          {"st.shared.v4.b32 [%0], {%1,%2,%3,%4};", store<4>},
          {"st.shared.v2.b32 [%0], {%1, %2};", store<2>},
          {"st.shared.b32 [%0], %1;", store<1>},
          {"st.shared::cluster.b32 [%0], %1;", store<1>},
          {"st.shared::cluster.v2.b32 [%0], {%1, %2};", store<2>},
          {"mapa.shared::cluster.u32 %0, %1, %2;", map_to_block},
          {"cp.async.cg.shared.global [%0], [%1], 16, %2;", copy_async},
          {"cp.async.commit_group;", commit_copies},
          {"cp.async.wait_group %0;", wait_copies}};
}

}  // namespace xinfer::gpu::emulator
