#include "core/thread_pool.h"

#include <immintrin.h>
#include <sched.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <string>
#include <system_error>

#include "xinfer/core/error.h"

namespace xinfer {
namespace {

/// Bits of ThreadPool::unclaimed_.
constexpr std::size_t kMaxParts = 64;

/// Spins until `done()` or until time is up; returns whether it is done.
template <typename Done>
bool spin_until(const Done& done) {
  using Clock = std::chrono::steady_clock;
  constexpr int kChecksPerClock = 64;
  Clock::time_point end;
  for (int i = 0;; ++i) {
    if (done()) return true;
    _mm_pause();
    if (i % kChecksPerClock != 0) continue;
    const Clock::time_point now = Clock::now();
    if (i == 0) end = now + std::chrono::microseconds(ThreadPool::kSpinMicroseconds);
    if (now >= end) return false;
  }
}

}  // namespace

int available_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  const int count = CPU_COUNT(&set);
  return count > 0 ? count : 1;
}

ThreadPool::ThreadPool(int threads) : threads_(threads > 0 ? threads : available_processors()) {
  try {
    for (int id = 1; id < threads_; ++id) workers_.emplace_back([this, id] { run_worker(id); });
  } catch (const std::system_error&) {
    stop_workers();
    throw Error(ErrorCode::kOutOfMemory,
                "cannot start " + std::to_string(threads_ - 1) + " worker threads");
  }
}

ThreadPool::~ThreadPool() { stop_workers(); }

void ThreadPool::stop_workers() {
  stopping_.store(true, std::memory_order_relaxed);
  loops_begun_.fetch_add(1, std::memory_order_release);
  loops_begun_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(Task task, const void* context, std::size_t count) {
  const std::size_t parts = std::min(count, kMaxParts);
  loop_ = {task, context, count, parts};
  unfinished_.store(static_cast<std::int32_t>(parts), std::memory_order_relaxed);
  unclaimed_.store(~std::uint64_t{0} >> (kMaxParts - parts), std::memory_order_release);
  parked_.store(false, std::memory_order_relaxed);
  loops_begun_.fetch_add(1, std::memory_order_release);
  loops_begun_.notify_all();  // no system call unless a worker sleeps
  run_parts(0);
  wait_for_parts();
}

void ThreadPool::run_parts(int id) {
  std::uint64_t unclaimed = unclaimed_.load(std::memory_order_relaxed);
  while (unclaimed != 0) {
    const std::uint64_t own = std::uint64_t{1} << (static_cast<std::size_t>(id) % kMaxParts);
    const std::uint64_t claim = (unclaimed & own) != 0 ? own : unclaimed & -unclaimed;
    if (!unclaimed_.compare_exchange_weak(unclaimed, unclaimed & ~claim, std::memory_order_acq_rel,
                                          std::memory_order_relaxed)) {
      continue;
    }
    const Loop loop = loop_;
    const auto part = static_cast<std::size_t>(std::countr_zero(claim));
    const std::size_t end = loop.count * (part + 1) / loop.parts;
    for (std::size_t i = loop.count * part / loop.parts; i < end; ++i) loop.task(loop.context, i);
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
    unclaimed = unclaimed_.load(std::memory_order_relaxed);
  }
}

void ThreadPool::wait_for_parts() {
  const auto finished = [&] { return unfinished_.load(std::memory_order_acquire) == 0; };
  if (spin_until(finished)) return;
  for (std::int32_t left; (left = unfinished_.load(std::memory_order_acquire)) != 0;) {
    unfinished_.wait(left, std::memory_order_acquire);
  }
}

/// Returns once a loop has begun that is not the `seen`th.
void ThreadPool::wait_for_loop(std::uint32_t seen) {
  const auto begun = [&] { return loops_begun_.load(std::memory_order_acquire) != seen; };
  const auto enough = [&] { return begun() || parked_.load(std::memory_order_relaxed); };
  if (spin_until(enough) && begun()) return;
  loops_begun_.wait(seen, std::memory_order_acquire);
}

void ThreadPool::run_worker(int id) {
  std::uint32_t seen = 0;
  while (!stopping_.load(std::memory_order_relaxed)) {
    wait_for_loop(seen);
    seen = loops_begun_.load(std::memory_order_acquire);
    run_parts(id);
  }
}

}  // namespace xinfer
