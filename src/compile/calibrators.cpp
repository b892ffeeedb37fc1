// The calibrators that xinfer brings.
#include "xinfer/builders/calibrator.h"
#include "xinfer/core/error.h"
#include "xtorch/dataloaders.h"

namespace xinfer::builders {

DataLoaderCalibrator::DataLoaderCalibrator(const xt::dataloaders::ExtendedDataLoader& loader,
                                           std::string algorithm)
    : loader_(std::make_unique<xt::dataloaders::ExtendedDataLoader>(loader)),
      algorithm_(std::move(algorithm)) {}

DataLoaderCalibrator::~DataLoaderCalibrator() = default;

std::int64_t DataLoaderCalibrator::batch_size() const {
  return static_cast<std::int64_t>(loader_->batch_size());
}

bool DataLoaderCalibrator::next_batch(const std::vector<std::string>& names,
                                      std::vector<Tensor>& batch) {
  if (names.size() != 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "a DataLoaderCalibrator feeds models with one input; this one has " +
                    std::to_string(names.size()) + ": use a CallbackCalibrator");
  }
  xinfer::Batch next;
  if (!loader_->next(next)) return false;
  batch[0] = std::move(next.data);
  return true;
}

std::optional<std::int64_t> DataLoaderCalibrator::sample_count() const {
  return static_cast<std::int64_t>(loader_->dataset_size());
}

CallbackCalibrator::CallbackCalibrator(std::int64_t batch_size, NextBatch next,
                                       std::string algorithm)
    : batch_size_(batch_size), next_(std::move(next)), algorithm_(std::move(algorithm)) {}

}  // namespace xinfer::builders
