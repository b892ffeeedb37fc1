// Where calibration samples come from.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "xinfer/core/tensor.h"

namespace xt::dataloaders {
class ExtendedDataLoader;
}

namespace xinfer::builders {

/// Feeds samples to the calibration of an INT8 build. The builder calls, in this order:
/// `read_cache` (a hit skips every batch), `next_batch` until it returns false, `write_cache` once.
/// An exception from any of them fails the build and reaches its caller.
class INT8Calibrator {
 public:
  virtual ~INT8Calibrator() = default;

  /// Samples of a full batch; the last one may be shorter.
  virtual std::int64_t batch_size() const = 0;

  /// Sets batch[i] to the samples of the input named names[i], [N, …] with the model's dtype; every
  /// input has the same N >= 1. Returns false when there are no more. Elements may be overwritten
  /// by the calibrator after the next call.
  virtual bool next_batch(const std::vector<std::string>& names, std::vector<Tensor>& batch) = 0;

  /// Which calibrator chooses the ranges: "auto", "entropy2", "entropy", "minmax",
  /// "percentile[:P]", "mse", "legacy[:Q:C]".
  virtual std::string algorithm() const { return "auto"; }

  /// Number of samples if it is known, for progress.
  virtual std::optional<std::int64_t> sample_count() const { return std::nullopt; }

  /// The bytes of a calibration cache (ours or TensorRT's text), or nothing.
  virtual std::optional<std::string> read_cache() { return std::nullopt; }
  /// Receives the cache in TensorRT's text form.
  virtual void write_cache(std::string_view /*cache*/) {}
  /// True if what write_cache got comes back from read_cache in a later build. TensorRT's text
  /// holds scales alone, so such a build uses nothing else of what calibration saw: it equals the
  /// later one. False lets a build use all of it (signs of inputs, channels, measured errors).
  virtual bool keeps_cache() const { return false; }
};

/// Calibrates with the batches of an xTorch data loader (its images; labels are not used). Holds
/// the loader by value: it may go out of scope. The model has one input.
class DataLoaderCalibrator : public INT8Calibrator {
 public:
  explicit DataLoaderCalibrator(const xt::dataloaders::ExtendedDataLoader& loader,
                                std::string algorithm = "auto");
  ~DataLoaderCalibrator() override;

  std::int64_t batch_size() const override;
  bool next_batch(const std::vector<std::string>& names, std::vector<Tensor>& batch) override;
  std::string algorithm() const override { return algorithm_; }
  std::optional<std::int64_t> sample_count() const override;

 private:
  std::unique_ptr<xt::dataloaders::ExtendedDataLoader> loader_;
  std::string algorithm_;
};

/// Calibrates with whatever a function returns.
class CallbackCalibrator : public INT8Calibrator {
 public:
  /// As INT8Calibrator::next_batch.
  using NextBatch = std::function<bool(const std::vector<std::string>&, std::vector<Tensor>&)>;

  CallbackCalibrator(std::int64_t batch_size, NextBatch next, std::string algorithm = "auto");

  std::int64_t batch_size() const override { return batch_size_; }
  bool next_batch(const std::vector<std::string>& names, std::vector<Tensor>& batch) override {
    return next_(names, batch);
  }
  std::string algorithm() const override { return algorithm_; }

 private:
  std::int64_t batch_size_;
  NextBatch next_;
  std::string algorithm_;
};

}  // namespace xinfer::builders
