// The one thread pool of an execution context.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>

struct pthreadpool;

namespace xinfer {

/// A fixed set of threads that splits loops; the calling thread takes part. Used by one thread at a
/// time. Workers spin between loops while a run is going on and sleep after `park`.
class ThreadPool {
 public:
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
    run([](void* context, std::size_t i) { (*static_cast<const Body*>(context))(i); },
        const_cast<void*>(static_cast<const void*>(&body)), count);
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
  void park();

 private:
  void run(void (*task)(void*, std::size_t), void* context, std::size_t count);

  int threads_;
  pthreadpool* pool_ = nullptr;
};

/// Processors this process may run on (its affinity mask), at least 1.
int available_processors();

}  // namespace xinfer
