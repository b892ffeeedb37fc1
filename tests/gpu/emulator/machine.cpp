#include "machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace xinfer::gpu::emulator {
namespace {

constexpr std::uint32_t kSharedBase = 1024;  // devices of capability 9.0 keep the first KiB
constexpr int kTurnsOfWarp = 64;             // after which another warp has its turn

Machine* running = nullptr;

}  // namespace

Machine::Machine(const Launch& launch, std::uint64_t seed)
    : launch_(launch),
      stacks_(launch.threads * launch.cluster_blocks),
      random_(seed),
      eagerness_(seed % 3 == 0   ? 0
                 : seed % 3 == 1 ? 2
                                 : 12),
      shared_base_(kSharedBase + 128 * static_cast<std::uint32_t>(seed / 3 % 2)) {
  running = this;
}

Machine& Machine::current() { return *running; }

Status Machine::run() {
  for (int first = 0; first < launch_.blocks; first += launch_.cluster_blocks) {
    start_cluster(first);
    run_cluster();
    if (!failure_.empty()) return internal_error("{}", failure_);
  }
  return Status();
}

void Machine::start_cluster(int first_block) {
  cluster_.clear();
  cluster_barrier_ = {};
  cluster_barrier_.needed = launch_.threads * launch_.cluster_blocks;
  for (int rank = 0; rank < launch_.cluster_blocks; ++rank) {
    auto block = std::make_unique<Block>(shared_base_, launch_.shared_bytes, random_());
    block->index = first_block + rank;
    block->rank = rank;
    block->live = block->barriers[0].needed = launch_.threads;
    block->threads.resize(static_cast<std::size_t>(launch_.threads));
    block->warps.resize(block->threads.size() / 32);
    for (Warp& warp : block->warps) warp.live = 32;
    for (int i = 0; i < launch_.threads; ++i) {
      Thread& thread = block->threads[static_cast<std::size_t>(i)];
      thread.block = block.get();
      thread.index = i;
      thread.stack = stacks_.prepare(rank * launch_.threads + i, thread_main);
    }
    cluster_.push_back(std::move(block));
  }
}

void Machine::run_cluster() {
  const int warps = launch_.threads / 32, all = warps * launch_.cluster_blocks;
  const auto live = [this] {
    return std::any_of(cluster_.begin(), cluster_.end(), [](const auto& b) { return b->live > 0; });
  };
  while (failure_.empty() && live()) {
    bool progress = false;
    const int first = static_cast<int>(random_() % static_cast<std::uint64_t>(all));
    for (int i = 0; i < all && failure_.empty(); ++i) {
      const int w = (first + i) % all;
      progress = run_operations(false) || progress;
      progress = run_warp(*cluster_[static_cast<std::size_t>(w / warps)], w % warps) || progress;
    }
    if (!progress && failure_.empty() && !run_operations(true)) failure_ = deadlock();
  }
  std::erase_if(active_, [](const AsyncStream* stream) { return stream->empty(); });
  if (!failure_.empty() || active_.empty()) return;
  failure_ = fmt::format("block {}: ends while copies into its shared memory are in flight",
                         cluster_[0]->index);
}

bool Machine::run_warp(Block& block, int warp) {
  bool progress = false;
  for (int turn = 0; turn < kTurnsOfWarp; ++turn) {
    bool any = false;
    for (int lane = 0; lane < 32; ++lane) {
      Thread& thread = block.threads[static_cast<std::size_t>(warp * 32 + lane)];
      if (!thread.live || !thread.wait.over()) continue;
      resume(thread);
      any = true;
      if (!failure_.empty()) return true;
    }
    if (!any) break;
    progress = true;
  }
  return progress;
}

void Machine::resume(Thread& thread) {
  thread_ = &thread;
  thread.wait = {};
  *launch_.thread_index = {static_cast<unsigned>(thread.index), 0, 0};
  *launch_.block_index = {static_cast<unsigned>(thread.block->index), 0, 0};
  xinfer_switch_fiber(&scheduler_, thread.stack);
}

void Machine::leave() { xinfer_switch_fiber(&thread_->stack, scheduler_); }

void Machine::thread_main() {
  Machine& machine = current();
  machine.launch_.entry(machine.launch_.slots);
  machine.end_thread();
}

void Machine::end_thread() {
  Thread& t = thread();
  if (!t.copies_out.empty()) fail("ends while its bulk copy still reads shared memory");
  if (!t.copies_in.empty()) fail("ends while its asynchronous copies are in flight");
  if (warp().arrived > 0) fail("ends while other lanes of its warp wait for it");
  if (!warp().products.empty()) fail("ends while products of its warp are in flight");
  t.live = false;
  --warp().live;
  Block& b = block();
  --b.live;
  // Threads that have ended do not count for __syncthreads.
  ArrivalCounter& barrier = b.barriers[0];
  --barrier.needed;
  if (barrier.needed > 0 && barrier.arrived == barrier.needed) {
    barrier.arrived = 0;
    ++barrier.generation;
  }
  leave();
}

void Machine::wait(Wait wait) {
  if (wait.over()) return;
  thread_->wait = wait;
  leave();
}

void Machine::collective(const Instruction& instruction, Operand* operands,
                         void (*action)(Machine&, Warp&, const Instruction&)) {
  Warp& w = warp();
  if (w.live != 32) fail("an instruction of the whole warp after some of its lanes have ended");
  if (w.arrived > 0 && w.instruction != &instruction) {
    fail("lanes of a warp wait in different instructions of the whole warp");
  }
  w.instruction = &instruction;
  w.operands[lane()] = operands;
  if (++w.arrived < 32) {
    wait({&w.generation, ~std::uint64_t{0}, w.generation});
    return;
  }
  w.arrived = 0;
  ++w.generation;
  action(*this, w, instruction);
}

void Machine::arrive(ArrivalCounter& counter) {
  if (++counter.arrived < counter.needed) return;
  counter.arrived = 0;
  ++counter.generation;
}

void Machine::arrive_and_wait(ArrivalCounter& counter) {
  const std::uint64_t generation = counter.generation;
  arrive(counter);
  wait({&counter.generation, ~std::uint64_t{0}, generation});
}

void Machine::issue(AsyncStream& stream, AsyncOperation operation) {
  if (operation.shared != nullptr) {
    const std::string conflict =
        operation.shared->conflict(operation.granules, operation.writes_shared);
    if (!conflict.empty()) fail(conflict);
  }
  if (stream.empty()) active_.push_back(&stream);
  stream.issue(std::move(operation));
}

bool Machine::run_operations(bool at_least_one) {
  std::erase_if(active_, [](const AsyncStream* stream) { return stream->empty(); });
  if (active_.empty()) return false;
  if (!at_least_one && static_cast<int>(random_() % 16) >= eagerness_) return false;
  active_[random_() % active_.size()]->run_one(random_);
  return true;
}

SharedMemory& Machine::memory_of(std::uint32_t& address) {
  const std::uint32_t rank = address >> kBlockShift;
  address &= (1u << kBlockShift) - 1;
  if (rank == 0) return block().shared;
  if (rank > cluster_.size()) fail(fmt::format("there is no block {} in the cluster", rank - 1));
  const Block& other = *cluster_[rank - 1];
  if (other.live == 0) fail(fmt::format("block {} of the cluster has ended", rank - 1));
  return cluster_[rank - 1]->shared;
}

std::uint8_t* Machine::shared_access(std::uint32_t address, std::size_t bytes, bool writes) {
  SharedMemory& memory = memory_of(address);
  if (!memory.contains(address, bytes)) {
    fail(fmt::format("{} {} bytes outside shared memory, at {}", writes ? "writes" : "reads", bytes,
                     address));
  }
  if (address % bytes != 0) {
    fail(fmt::format("accesses {} bytes of shared memory at {}: not aligned", bytes, address));
  }
  const std::string conflict = memory.conflict(address, bytes, writes);
  if (!conflict.empty()) fail(conflict);
  return memory.at(address);
}

MemoryBarrier& Machine::memory_barrier(std::uint32_t address) {
  auto& barriers = block().memory_barriers;
  const auto found = barriers.find(address);
  if (found == barriers.end()) fail(fmt::format("no mbarrier at {}", address));
  return found->second;
}

void Machine::fail(const std::string& message) {
  failure_ = place() + ": " + message;
  for (;;) leave();
}

std::string Machine::place() const {
  return fmt::format("block {}, thread {}", thread_->block->index, thread_->index);
}

std::string Machine::deadlock() const {
  std::string waiting;
  for (const auto& block : cluster_) {
    for (const Thread& thread : block->threads) {
      const bool first = thread.index % 32 == 0 ||
                         !block->threads[static_cast<std::size_t>(thread.index - 1)].live;
      if (thread.live && first) waiting += fmt::format(" {}", thread.index);
    }
    waiting += ";";
  }
  return fmt::format("deadlock in block {}: waiting, first threads of warps:{}", cluster_[0]->index,
                     waiting);
}

}  // namespace xinfer::gpu::emulator
