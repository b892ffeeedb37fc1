#include "core/thread_pool.h"

#include <pthreadpool.h>
#include <sched.h>

#include <string>

#include "xinfer/core/error.h"

namespace xinfer {

int available_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  const int count = CPU_COUNT(&set);
  return count > 0 ? count : 1;
}

ThreadPool::ThreadPool(int threads) : threads_(threads > 0 ? threads : available_processors()) {
  if (threads_ == 1) return;
  pool_ = pthreadpool_create(static_cast<std::size_t>(threads_));
  if (pool_ == nullptr) {
    throw Error(ErrorCode::kOutOfMemory,
                "cannot start " + std::to_string(threads_ - 1) + " worker threads");
  }
}

ThreadPool::~ThreadPool() {
  if (pool_ != nullptr) pthreadpool_destroy(pool_);
}

void ThreadPool::run(void (*task)(void*, std::size_t), void* context, std::size_t count) {
  pthreadpool_parallelize_1d(pool_, task, context, count, 0);
}

void ThreadPool::park() {
  if (pool_ == nullptr) return;
  pthreadpool_parallelize_1d(
      pool_, [](void*, std::size_t) {}, nullptr, static_cast<std::size_t>(threads_),
      PTHREADPOOL_FLAG_YIELD_WORKERS);
}

}  // namespace xinfer
