// xt::dataloaders on top of ExampleLoader.
#include "core/status.h"
#include "data/error_message.h"
#include "data/loader.h"
#include "xtorch/dataloaders.h"

namespace xt::dataloaders {
namespace {

using xinfer::ErrorCode;
using xinfer::Result;

void require_positive(const char* what, std::size_t value) {
  if (value > 0) return;
  throw xinfer::Error(ErrorCode::kInvalidArgument,
                      fmt::format("ExtendedDataLoader: the {} is 0; it must be positive", what));
}

xinfer::LoaderOptions loader_options(const Options& options) {
  require_positive("batch size", options.batch_size);
  require_positive("prefetch factor", options.prefetch_factor);
  return {.batch_size = options.batch_size,
          .shuffle = options.shuffle,
          .seed = options.seed,
          .workers = options.num_workers,
          .prefetch_batches = options.prefetch_factor,
          .drop_last = options.drop_last,
          .skip_bad = options.skip_bad};
}

/// A dataset's example; the errors that stand for a bad one become a failed Result.
Result<datasets::Example> fetch(const datasets::Dataset& dataset, std::size_t index) {
  try {
    return dataset.get(index);
  } catch (const xinfer::Error& error) {
    if (error.code() != ErrorCode::kIoError && error.code() != ErrorCode::kUnsupported) throw;
    return xinfer::Status(error.code(), xinfer::message_of(error));
  }
}

}  // namespace

struct ExtendedDataLoader::State {
  State(const std::shared_ptr<const datasets::Dataset>& dataset, const Options& options)
      : loader(
            dataset->size(), [dataset](std::size_t i) { return fetch(*dataset, i); },
            loader_options(options)) {}

  xinfer::ExampleLoader loader;
  bool started = false;  // Something has been read of this epoch.
};

ExtendedDataLoader::ExtendedDataLoader(const std::shared_ptr<const datasets::Dataset>& dataset,
                                       const Options& options)
    : state_(std::make_shared<State>(dataset, options)) {}

bool ExtendedDataLoader::next(Batch& batch) {
  state_->started = true;
  return state_->loader.next(&batch).value();
}

void ExtendedDataLoader::reset() {
  state_->loader.reset();
  state_->started = false;
}

std::size_t ExtendedDataLoader::size() const { return state_->loader.batch_count(); }

std::size_t ExtendedDataLoader::batch_size() const { return state_->loader.options().batch_size; }

std::size_t ExtendedDataLoader::dataset_size() const { return state_->loader.size(); }

const std::vector<std::string>& ExtendedDataLoader::skipped() const {
  return state_->loader.skipped();
}

ExtendedDataLoader::Iterator ExtendedDataLoader::begin() {
  if (state_->started) reset();
  return Iterator(this);
}

}  // namespace xt::dataloaders
