#include "async_stream.h"

#include <algorithm>
#include <utility>

#include "shared_memory.h"

namespace xinfer::gpu::emulator {

void AsyncStream::issue(AsyncOperation operation) {
  operation.group = group_;
  if (operation.shared != nullptr) {
    operation.shared->mark(operation.granules, operation.writes_shared, 1);
  }
  operations_.push_back(std::move(operation));
}

void AsyncStream::wait(std::uint64_t pending) {
  // Groups close in order, so the operations of older groups come first, but for those that
  // run_one has moved: hence the whole queue.
  if (group_ < pending) return;
  const std::uint64_t first_kept = group_ - pending;
  std::vector<AsyncOperation> kept;
  for (AsyncOperation& operation : operations_) {
    if (operation.group < first_kept) {
      finish(operation);
    } else {
      kept.push_back(std::move(operation));
    }
  }
  operations_ = std::move(kept);
}

void AsyncStream::run_one(std::mt19937_64& random) {
  if (!in_order_) std::swap(operations_.front(), operations_[random() % operations_.size()]);
  const AsyncOperation operation = std::move(operations_.front());
  operations_.erase(operations_.begin());
  finish(operation);
}

bool AsyncStream::concerns(const SharedMemory& shared) const {
  return std::any_of(operations_.begin(), operations_.end(),
                     [&](const AsyncOperation& o) { return o.shared == &shared; });
}

void AsyncStream::finish(const AsyncOperation& operation) {
  if (operation.shared != nullptr) {
    operation.shared->mark(operation.granules, operation.writes_shared, -1);
  }
  operation.run();
}

}  // namespace xinfer::gpu::emulator
