// The one thread pool of an execution context.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace xinfer {

/// A fixed set of threads that splits loops; the calling thread takes part. Used by one thread at a
/// time.
///
/// A loop is cut into parts that threads claim: each its own first, then what others have not
/// begun. So a worker that is asleep, or that the system has taken off its core, costs no more than
/// the work it would have done. Waiting threads spin for a bounded time and then sleep: workers
/// after `kSpinMicroseconds` without a loop, or at once after `park`.
class ThreadPool {
 public:
  /// How long a thread spins before it sleeps: longer than the serial steps between two loops of a
  /// run usually take, shorter than a scheduler's time slice.
  static constexpr std::int64_t kSpinMicroseconds = 100;

  /// `threads` ≥ 1 includes the caller; 1 never starts a thread. 0 means the number of processors
  /// this process may run on.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  /// Calls body(i) for i in [0, count), in any order, on all threads; returns when all are done.
  /// `body` must not throw and must not use the pool.
  template <typename Body>
  void parallel_for(std::size_t count, const Body& body) {
    if (threads_ == 1 || count <= 1) {
      for (std::size_t i = 0; i < count; ++i) body(i);
      return;
    }
    run([](const void* context, std::size_t i) { (*static_cast<const Body*>(context))(i); }, &body,
        count);
  }

  /// Splits [0, count) into at most `threads()` contiguous ranges of at least `grain` elements and
  /// calls body(begin, end) for each.
  template <typename Body>
  void parallel_ranges(std::size_t count, std::size_t grain, const Body& body) {
    if (count == 0) return;
    if (grain == 0) grain = 1;
    std::size_t parts = count / grain;
    if (parts < 1) parts = 1;
    if (parts > static_cast<std::size_t>(threads_)) parts = static_cast<std::size_t>(threads_);
    parallel_for(parts,
                 [&](std::size_t part) { body(count * part / parts, count * (part + 1) / parts); });
  }

  /// Sends the workers to sleep until the next loop. Called at the end of a run.
  void park() { parked_.store(true, std::memory_order_relaxed); }

 private:
  using Task = void (*)(const void* context, std::size_t i);

  /// What a loop does. Written before its parts are published in `unclaimed_`, read by those who
  /// have claimed one: while a claimed part is unfinished, no other loop can begin.
  struct Loop {
    Task task = nullptr;
    const void* context = nullptr;
    std::size_t count = 0;
    std::size_t parts = 0;
  };

  void run(Task task, const void* context, std::size_t count);
  void run_worker(int id);
  void run_parts(int id);
  void wait_for_parts();
  void wait_for_loop(std::uint32_t seen);
  void stop_workers();

  int threads_;
  Loop loop_;
  /// Bit p: part p of the loop has not been claimed.
  alignas(64) std::atomic<std::uint64_t> unclaimed_{0};
  /// Parts of the loop that are not finished.
  alignas(64) std::atomic<std::int32_t> unfinished_{0};
  /// Counts loops; what idle workers watch.
  alignas(64) std::atomic<std::uint32_t> loops_begun_{0};
  std::atomic<bool> parked_{true};
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> workers_;
};

/// Processors this process may run on (its affinity mask), at least 1.
int available_processors();

}  // namespace xinfer
