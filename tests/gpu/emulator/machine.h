// Runs a kernel's threads on the host: a fiber each, the blocks of one cluster at a time.
//
// A thread runs until it waits (for its warp, a barrier, an asynchronous operation) or ends.
// Asynchronous operations take effect at moments drawn from the seed, at the latest when something
// waits for them, so that missing synchronisation shows. A kernel whose threads all wait, without
// an operation in flight, is reported as a deadlock; so is every misuse that an instruction finds.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "async_stream.h"
#include "core/status.h"
#include "device/interface.h"
#include "fiber.h"
#include "shared_memory.h"

namespace xinfer::gpu::emulator {

struct Instruction;
using ::emulated::Operand;

/// A thread goes on when (*word & mask) != value.
struct Wait {
  const std::uint64_t* word = nullptr;
  std::uint64_t mask = ~std::uint64_t{0};
  std::uint64_t value = 0;

  bool over() const { return word == nullptr || (*word & mask) != value; }
};

/// Counts arrivals; `generation` grows whenever `needed` have arrived.
struct ArrivalCounter {
  int arrived = 0, needed = 0;
  std::uint64_t generation = 0;
};

/// An mbarrier object (PTX ISA 9.0, Parallel Synchronization and Communication Instructions).
struct MemoryBarrier {
  int expected = 0, pending = 0;
  std::int64_t transaction_bytes = 0;
  std::uint64_t phase = 0;  ///< the low bit is the parity of the phase under way

  void complete_if_due() {
    if (pending != 0 || transaction_bytes != 0) return;
    ++phase;
    pending = expected;
  }
};

struct Block;

struct Thread {
  void* stack = nullptr;
  Block* block = nullptr;
  int index = 0;
  bool live = true;
  Wait wait;
  AsyncStream copies_in, copies_out;     ///< cp.async; bulk copies to global memory
  std::vector<std::uint32_t> unfenced;   ///< granules stored since its last proxy fence
  std::uint64_t cluster_generation = 0;  ///< at its last arrival
};

struct Warp {
  int arrived = 0, live = 0;
  std::uint64_t generation = 0;
  const Instruction* instruction = nullptr;
  Operand* operands[32] = {};
  AsyncStream products = AsyncStream(true);
};

struct Block {
  Block(std::uint32_t base, std::size_t shared_bytes, std::uint64_t seed)
      : shared(base, shared_bytes, seed) {}

  int index = 0, rank = 0, live = 0;
  SharedMemory shared;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  ArrivalCounter barriers[16];
  std::map<std::uint32_t, MemoryBarrier> memory_barriers;
  AsyncStream loads;  ///< the copy engine's, into this block's memory
};

struct Launch {
  void (*entry)(void* const* slots) = nullptr;
  void* const* slots = nullptr;
  int blocks = 1, threads = 1, cluster_blocks = 1;
  std::size_t shared_bytes = 0;
  ::emulated::Index3* thread_index = nullptr;  ///< the kernel's variables
  ::emulated::Index3* block_index = nullptr;
};

class Machine {
 public:
  Machine(const Launch& launch, std::uint64_t seed);

  /// Runs all blocks. Once in a process: a failed run leaves its fibers as they are.
  Status run();

  /// The machine of the kernel that runs.
  static Machine& current();
  static const ::emulated::Services& services();

  Thread& thread() { return *thread_; }
  Block& block() { return *thread_->block; }
  Warp& warp() { return warp_of(*thread_); }
  int lane() const { return thread_->index % 32; }

  void wait(Wait wait);
  /// Runs `action` once all lanes of the warp have come here, each with its operands.
  void collective(const Instruction& instruction, Operand* operands,
                  void (*action)(Machine&, Warp&, const Instruction&));
  void arrive(ArrivalCounter& counter);
  void arrive_and_wait(ArrivalCounter& counter);
  ArrivalCounter& cluster_barrier() { return cluster_barrier_; }
  /// Leaves the operation to a later moment.
  void issue(AsyncStream& stream, AsyncOperation operation);

  /// The memory at a shared address, checked for bounds and alignment to `bytes`' part of 16.
  SharedMemory& memory_of(std::uint32_t& address);
  /// Reads or writes `bytes` of shared memory by an ordinary instruction; reports conflicts.
  std::uint8_t* shared_access(std::uint32_t address, std::size_t bytes, bool writes);
  MemoryBarrier& memory_barrier(std::uint32_t address);

  /// Ends the run with an error. Does not return to the kernel.
  [[noreturn]] void fail(const std::string& message);

 private:
  static void thread_main();
  Warp& warp_of(const Thread& thread) {
    return thread.block->warps[static_cast<std::size_t>(thread.index / 32)];
  }
  void start_cluster(int first_block);
  void run_cluster();
  bool run_warp(Block& block, int warp);
  void resume(Thread& thread);
  void leave();
  void end_thread();
  bool run_operations(bool at_least_one);
  std::string deadlock() const;
  std::string place() const;

  Launch launch_;
  FiberStacks stacks_;
  std::mt19937_64 random_;
  int eagerness_;  // of 16: how likely an operation runs when a warp is scheduled
  std::uint32_t shared_base_;
  std::vector<std::unique_ptr<Block>> cluster_;
  ArrivalCounter cluster_barrier_;
  std::vector<AsyncStream*> active_;
  Thread* thread_ = nullptr;
  void* scheduler_ = nullptr;
  std::string failure_;
};

}  // namespace xinfer::gpu::emulator
