// Batches from examples: worker threads fetch ahead, the caller gets them in a fixed order.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/status.h"
#include "xinfer/data/example.h"

namespace xinfer {

struct LoaderOptions {
  std::size_t batch_size = 1;  ///< At least 1.
  bool shuffle = false;        ///< Another order each epoch, a function of seed and epoch.
  std::uint64_t seed = 0;
  int workers = -1;                  ///< 0: the caller fetches; negative: one a processor.
  std::size_t prefetch_batches = 2;  ///< Batches held ready or in work, at least 1.
  bool drop_last = false;            ///< Leave out a last batch that is not full.
  bool skip_bad = false;             ///< Leave out examples that fail, and list them.
};

/// Hands out batches of the examples [0, count). Batches do not depend on the number of workers.
/// Used by one thread at a time.
class ExampleLoader {
 public:
  /// Fetches one example; called from several threads. A failed Result is a bad example, which may
  /// be skipped; an exception ends the epoch and reaches the caller of `next`.
  using Fetch = std::function<Result<Example>(std::size_t index)>;

  /// Nothing is fetched before the first `next`.
  ExampleLoader(std::size_t count, Fetch fetch, LoaderOptions options);
  /// Stops the workers, each after the example it is at.
  ~ExampleLoader();
  ExampleLoader(const ExampleLoader&) = delete;
  ExampleLoader& operator=(const ExampleLoader&) = delete;

  /// Fills `batch` with the next one; false at the end of the epoch. The last batch has its true
  /// size. Fails with a bad example's status unless those are skipped, and with invalid_argument if
  /// shapes within a batch differ; after a failure only `reset` continues.
  Result<bool> next(Batch* batch);

  /// Begins the next epoch.
  void reset();

  /// Examples in an epoch, bad ones included.
  std::size_t size() const { return order_.size(); }
  /// Batches in an epoch, if no example is skipped.
  std::size_t batch_count() const;
  const LoaderOptions& options() const { return options_; }
  /// Why each skipped example of this epoch was skipped, in order.
  const std::vector<std::string>& skipped() const { return skipped_; }

 private:
  /// A fetched example, or why there is none.
  struct Slot {
    std::optional<Result<Example>> result;
    std::exception_ptr exception;
    bool ready = false;
  };

  void start_epoch();
  void start_workers();
  void stop_workers();
  void work();
  Slot fetch(std::size_t position) const;
  Slot take_next();
  Result<bool> collect(std::vector<Example>* examples);

  const Fetch fetch_;
  const LoaderOptions options_;
  std::vector<std::size_t> order_;
  std::uint64_t epoch_ = 0;
  bool failed_ = false;
  std::vector<std::string> skipped_;

  std::vector<std::thread> workers_;
  std::mutex mutex_;  // Guards all below.
  std::condition_variable slot_ready_;
  std::condition_variable slot_free_;
  std::vector<Slot> ring_;   // Position i of the order is in slot i % size.
  std::size_t claimed_ = 0;  // Positions that workers have begun.
  std::size_t taken_ = 0;    // Positions that the caller has got.
  bool stopping_ = false;
};

/// Stacks examples of one shape: data [N, …].
Result<Batch> stack(std::vector<Example> examples);

}  // namespace xinfer
