// The prefetching loader: a ring of slots between workers and caller.
#include "data/loader.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <utility>

#include "core/thread_pool.h"

namespace xinfer {
namespace {

/// Fisher-Yates with a generator whose numbers the C++ standard fixes, unlike std::shuffle's use of
/// it: the same seed gives the same order everywhere.
void shuffle(std::vector<std::size_t>* values, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (std::size_t i = values->size(); i > 1; --i) {
    std::swap((*values)[i - 1], (*values)[random() % i]);
  }
}

LoaderOptions normalized(LoaderOptions options) {
  options.batch_size = std::max<std::size_t>(options.batch_size, 1);
  options.prefetch_batches = std::max<std::size_t>(options.prefetch_batches, 1);
  if (options.workers < 0) options.workers = available_processors();
  return options;
}

}  // namespace

ExampleLoader::ExampleLoader(std::size_t count, Fetch fetch, LoaderOptions options)
    : fetch_(std::move(fetch)), options_(normalized(options)), order_(count) {
  start_epoch();
}

ExampleLoader::~ExampleLoader() { stop_workers(); }

std::size_t ExampleLoader::batch_count() const {
  const std::size_t full = order_.size() / options_.batch_size;
  const bool has_rest = order_.size() % options_.batch_size != 0;
  return full + (has_rest && !options_.drop_last ? 1 : 0);
}

void ExampleLoader::start_epoch() {
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  if (options_.shuffle) shuffle(&order_, options_.seed + epoch_);
  ring_.clear();
  ring_.resize(options_.batch_size * options_.prefetch_batches);
  claimed_ = 0;
  taken_ = 0;
  failed_ = false;
  skipped_.clear();
}

void ExampleLoader::reset() {
  stop_workers();
  ++epoch_;
  start_epoch();
}

void ExampleLoader::start_workers() {
  const std::size_t count =
      std::min({static_cast<std::size_t>(options_.workers), ring_.size(), order_.size()});
  workers_.reserve(count);
  while (workers_.size() < count) workers_.emplace_back([this] { work(); });
}

void ExampleLoader::stop_workers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  slot_free_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
  stopping_ = false;
}

ExampleLoader::Slot ExampleLoader::fetch(std::size_t position) const {
  Slot slot;
  slot.ready = true;
  try {
    slot.result = fetch_(order_[position]);
  } catch (...) {
    slot.exception = std::current_exception();
  }
  return slot;
}

void ExampleLoader::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    slot_free_.wait(lock, [this] {
      return stopping_ || claimed_ == order_.size() || claimed_ < taken_ + ring_.size();
    });
    if (stopping_ || claimed_ == order_.size()) return;
    const std::size_t position = claimed_++;
    lock.unlock();
    Slot slot = fetch(position);
    lock.lock();
    ring_[position % ring_.size()] = std::move(slot);
    if (position == taken_) slot_ready_.notify_one();
  }
}

ExampleLoader::Slot ExampleLoader::take_next() {
  if (options_.workers == 0) return fetch(taken_++);
  if (workers_.empty()) start_workers();
  std::unique_lock lock(mutex_);
  Slot& slot = ring_[taken_ % ring_.size()];
  slot_ready_.wait(lock, [&slot] { return slot.ready; });
  Slot taken = std::exchange(slot, Slot{});
  ++taken_;
  lock.unlock();
  slot_free_.notify_one();
  return taken;
}

Result<bool> ExampleLoader::collect(std::vector<Example>* examples) {
  while (examples->size() < options_.batch_size && taken_ < order_.size()) {
    Slot slot = take_next();
    if (slot.exception) std::rethrow_exception(slot.exception);
    if (slot.result->ok()) {
      examples->push_back(**std::move(slot.result));
    } else if (options_.skip_bad) {
      skipped_.push_back(slot.result->status().message());
    } else {
      return slot.result->status();
    }
  }
  return examples->size() == options_.batch_size || (!examples->empty() && !options_.drop_last);
}

Result<bool> ExampleLoader::next(Batch* batch) {
  if (failed_) return invalid_argument("the loader failed before; reset it to read again");
  failed_ = true;  // Until this call succeeds.
  std::vector<Example> examples;
  XINFER_ASSIGN_OR_RETURN(const bool any, collect(&examples));
  if (any) {
    XINFER_ASSIGN_OR_RETURN(*batch, stack(std::move(examples)));
  }
  failed_ = false;
  return any;
}

Result<Batch> stack(std::vector<Example> examples) {
  const Example& first = examples.front();
  Shape shape = first.data.shape();
  shape.insert(shape.begin(), static_cast<std::int64_t>(examples.size()));
  Batch batch;
  batch.data = Tensor(first.data.dtype(), std::move(shape));
  auto* out = static_cast<std::byte*>(batch.data.data());
  const std::size_t size_bytes = first.data.size_bytes();
  for (Example& example : examples) {
    if (example.data.shape() != first.data.shape() || example.data.dtype() != first.data.dtype()) {
      return invalid_argument(
          "a batch holds \"{}\" of {} {} and \"{}\" of {} {}; resize or crop them to one shape",
          examples.front().name, to_string(first.data.dtype()), to_string(first.data.shape()),
          example.name, to_string(example.data.dtype()), to_string(example.data.shape()));
    }
    std::memcpy(out, example.data.data(), size_bytes);
    out += size_bytes;
    batch.target.push_back(example.target);
  }
  for (Example& example : examples) batch.names.push_back(std::move(example.name));
  return batch;
}

}  // namespace xinfer
