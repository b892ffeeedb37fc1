// Loaders: batches of a dataset's examples, fetched ahead by worker threads.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "xinfer/data/example.h"
#include "xtorch/datasets.h"

namespace xt::dataloaders {

using xinfer::Batch;

/// How a loader works.
struct Options {
  std::size_t batch_size = 1;       ///< Examples a batch; the last batch may be smaller.
  bool shuffle = false;             ///< Another order each epoch, fixed by `seed`.
  int num_workers = -1;             ///< 0: no threads; negative: one a processor.
  std::size_t prefetch_factor = 2;  ///< Batches held ready or in work.
  bool drop_last = false;           ///< Leave out a last batch that is not full.
  std::uint64_t seed = 0;           ///< Of the shuffle.
  bool skip_bad = false;            ///< Skip damaged images (see `skipped`) instead of failing.
};

/// Batches of a dataset in a fixed order that does not depend on the number of workers. A handle:
/// copies share one position in the data, and the dataset lives as long as any of them. Used by one
/// thread at a time.
class ExtendedDataLoader {
 public:
  /// `dataset` is copied; datasets are handles.
  template <std::derived_from<datasets::Dataset> D>
  ExtendedDataLoader(D dataset, std::size_t batch_size, bool shuffle = false, int num_workers = -1,
                     std::size_t prefetch_factor = 2, bool drop_last = false)
      : ExtendedDataLoader(std::make_shared<const D>(std::move(dataset)),
                           Options{.batch_size = batch_size,
                                   .shuffle = shuffle,
                                   .num_workers = num_workers,
                                   .prefetch_factor = prefetch_factor,
                                   .drop_last = drop_last}) {}
  template <std::derived_from<datasets::Dataset> D>
  ExtendedDataLoader(D dataset, const Options& options)
      : ExtendedDataLoader(std::make_shared<const D>(std::move(dataset)), options) {}
  /// Throws xinfer::Error(invalid_argument) if the batch size or the prefetch factor is 0.
  ExtendedDataLoader(const std::shared_ptr<const datasets::Dataset>& dataset,
                     const Options& options);

  /// Fills `batch` with the next one; false at the end of the epoch. Throws what the dataset threw;
  /// after that only `reset` continues.
  bool next(Batch& batch);

  /// Begins the next epoch.
  void reset();

  /// Batches in an epoch, if no image is skipped.
  std::size_t size() const;
  std::size_t batch_size() const;
  /// Examples in the dataset.
  std::size_t dataset_size() const;
  /// Why each skipped example of this epoch was skipped; every message names its image.
  const std::vector<std::string>& skipped() const;

  /// Steps through one epoch: `begin` starts a new one unless nothing has been read of the present
  /// one.
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    using pointer = const Batch*;
    using reference = const Batch&;

    reference operator*() const { return batch_; }
    pointer operator->() const { return &batch_; }
    Iterator& operator++() {
      if (!loader_->next(batch_)) loader_ = nullptr;
      return *this;
    }
    /// Equal only where both are at the end.
    bool operator==(const Iterator& other) const { return loader_ == other.loader_; }

   private:
    friend class ExtendedDataLoader;
    Iterator() = default;
    explicit Iterator(ExtendedDataLoader* loader) : loader_(loader) { ++*this; }

    ExtendedDataLoader* loader_ = nullptr;
    Batch batch_;
  };
  Iterator begin();
  Iterator end() { return {}; }

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace xt::dataloaders
