// mbarrier objects, named barriers and the barrier of a cluster (PTX ISA 9.0, Parallel
// Synchronization and Communication Instructions).
#include <fmt/format.h>

#include "instructions.h"

namespace xinfer::gpu::emulator {
namespace {

void init(Machine& machine, const Instruction&, Operand* o) {
  const std::uint32_t address = low_word(o[0]);
  machine.shared_access(address, 8, true);
  MemoryBarrier barrier;
  barrier.expected = barrier.pending = static_cast<int>(o[1].bits);
  if (!machine.block().memory_barriers.emplace(address, barrier).second) {
    machine.fail(fmt::format("initialises the mbarrier at {} twice", address));
  }
}

void arrive_at(Machine& machine, std::uint32_t address, std::int64_t bytes) {
  MemoryBarrier& barrier = machine.memory_barrier(address);
  if (barrier.pending == 0) {
    machine.fail(fmt::format("the mbarrier at {}: an arrival too many", address));
  }
  barrier.transaction_bytes += bytes;
  --barrier.pending;
  barrier.complete_if_due();
}

void arrive(Machine& machine, const Instruction&, Operand* o) {
  arrive_at(machine, low_word(o[0]), 0);
}

void arrive_expecting(Machine& machine, const Instruction&, Operand* o) {
  arrive_at(machine, low_word(o[0]), static_cast<std::int32_t>(low_word(o[1])));
}

// Operands: result, barrier, parity. Waits, as try_wait may.
void wait_for_parity(Machine& machine, const Instruction&, Operand* o) {
  const MemoryBarrier& barrier = machine.memory_barrier(low_word(o[1]));
  machine.wait({&barrier.phase, 1, o[2].bits & 1});
  set(o[0], std::uint32_t{1});
}

ArrivalCounter& named_barrier(Machine& machine, const Operand* o) {
  const std::uint64_t id = o[0].bits;
  const auto threads = static_cast<int>(o[1].bits);
  if (id < 1 || id > 15) machine.fail(fmt::format("there is no named barrier {}", id));
  ArrivalCounter& barrier = machine.block().barriers[id];
  if (threads <= 0 || threads % 32 != 0) {
    machine.fail(fmt::format("named barrier {} for {} threads: not whole warps", id, threads));
  }
  if (barrier.arrived > 0 && barrier.needed != threads) {
    machine.fail(
        fmt::format("named barrier {} for {} threads and for {}", id, barrier.needed, threads));
  }
  barrier.needed = threads;
  return barrier;
}

void named_sync(Machine& machine, const Instruction&, Operand* o) {
  machine.arrive_and_wait(named_barrier(machine, o));
}

void named_arrive(Machine& machine, const Instruction&, Operand* o) {
  machine.arrive(named_barrier(machine, o));
}

void cluster_arrive(Machine& machine, const Instruction&, Operand*) {
  machine.thread().cluster_generation = machine.cluster_barrier().generation;
  machine.arrive(machine.cluster_barrier());
}

void cluster_wait(Machine& machine, const Instruction&, Operand*) {
  machine.wait({&machine.cluster_barrier().generation, ~std::uint64_t{0},
                machine.thread().cluster_generation});
}

void fence_initialisation(Machine&, const Instruction&, Operand*) {}

void fence_proxies(Machine& machine, const Instruction&, Operand*) {
  machine.thread().unfenced.clear();
}

}  // namespace

std::vector<NamedInstruction> barrier_instructions() {
  return {{"mbarrier.init.shared::cta.b64 [%0], %1;", init},
          {"mbarrier.arrive.shared::cta.b64 _, [%0];", arrive},
          {"mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;", arrive_expecting},
          {"{.reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; "
           "selp.u32 %0, 1, 0, p;}",
           wait_for_parity},
          {"bar.sync %0, %1;", named_sync},
          {"bar.arrive %0, %1;", named_arrive},
          {"barrier.cluster.arrive.release.aligned;", cluster_arrive},
          {"barrier.cluster.arrive.relaxed.aligned;", cluster_arrive},
          {"barrier.cluster.wait.acquire.aligned;", cluster_wait},
          {"fence.mbarrier_init.release.cluster;", fence_initialisation},
          {"fence.proxy.async.shared::cta;", fence_proxies}};
}

}  // namespace xinfer::gpu::emulator
