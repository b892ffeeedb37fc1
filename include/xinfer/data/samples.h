// Samples for an engine's inputs: folders of images and NumPy arrays, in batches.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "xinfer/builders/calibrator.h"
#include "xinfer/core/engine.h"
#include "xinfer/core/tensor.h"

namespace xinfer {

struct SampleOptions {
  /// The --preprocess text, for images: what becomes of a file before it is an input. Empty: no
  /// resize, no crop, RGB, 1/255, mean 0, std 1, the model's own layout.
  std::string preprocess;
  /// For uint8 inputs, the --preprocess text whose scale, mean and std the engine applies itself
  /// ("scale=1" if it takes pixels as they are): a `preprocess` that sets others is refused.
  /// Without it, those of `preprocess` are left out.
  std::optional<std::string> engine_normalization;
  /// Class table of image folders (folder, class index, name), or for arrays a .npy of class
  /// indices or a table whose first two columns are row and class index. Empty: the sorted folder
  /// names are the classes.
  std::filesystem::path labels;
  std::int64_t batch_size = 1;
  /// Take this many samples, spread evenly over all; 0: all.
  std::int64_t count = 0;
  /// Threads that decode ahead; negative: one a processor.
  int workers = -1;
  /// Leave out files that cannot be read (see `skipped`) instead of failing.
  bool skip_bad = false;
};

/// For the inputs of `engine`: `preprocess`, or if that is empty what the engine stores.
inline SampleOptions sample_options(const Engine& engine, const std::string& preprocess = {}) {
  SampleOptions options;
  options.preprocess = preprocess.empty() ? engine.preprocess() : preprocess;
  options.engine_normalization =
      engine.properties().contains("u8_input") ? engine.preprocess() : "scale=1";
  return options;
}

/// A batch of samples.
struct SampleBatch {
  std::vector<Tensor> inputs;         ///< [N, …], in the order of the model's inputs
  std::vector<std::int64_t> targets;  ///< class indices; -1 where there is no label
  std::vector<std::string> names;     ///< file names, or "row 17"
};

/// Where samples come from, in a fixed order that depends on no thread. A handle: copies share one
/// position. Used by one thread at a time. All functions throw Error.
class SampleSet {
 public:
  /// `path` is a folder of images (class folders or flat), one image, a .npy array [N, …], or a
  /// .npz with an array per input name. Images feed float32 inputs, and uint8 inputs with their
  /// pixels after resize, crop and colour: scale, mean and std are then the engine's part. `inputs`
  /// are the model's; negative or differing sizes in `max` do not matter, only what is fixed (min
  /// == max) is checked.
  static SampleSet open(const std::filesystem::path& path, const SampleOptions& options,
                        const std::vector<BindingInfo>& inputs);
  /// Several images or folders of images as one set, for a model with one input.
  static SampleSet open_images(const std::vector<std::filesystem::path>& paths,
                               const SampleOptions& options,
                               const std::vector<BindingInfo>& inputs);

  /// Fills `batch`; false at the end. The last batch may be short.
  bool next(SampleBatch& batch);
  /// Back to the first sample.
  void reset();

  std::int64_t size() const;
  std::int64_t batch_size() const;
  bool has_labels() const;
  /// By class index; empty where unknown.
  const std::vector<std::string>& class_names() const;
  /// Why each sample that was left out was.
  std::vector<std::string> skipped() const;

  class Source;

 private:
  explicit SampleSet(std::shared_ptr<Source> source) : source_(std::move(source)) {}
  std::shared_ptr<Source> source_;
};

/// Class names by class index from a class table (folder, class index, name); empty where the table
/// skips an index. Throws Error naming file and line.
std::vector<std::string> read_class_names(const std::filesystem::path& table);

/// Calibrates with a sample set.
class SampleCalibrator : public builders::INT8Calibrator {
 public:
  explicit SampleCalibrator(SampleSet samples, std::string algorithm = "auto")
      : samples_(std::move(samples)), algorithm_(std::move(algorithm)) {}

  std::int64_t batch_size() const override { return samples_.batch_size(); }
  bool next_batch(const std::vector<std::string>& names, std::vector<Tensor>& batch) override;
  std::string algorithm() const override { return algorithm_; }
  std::optional<std::int64_t> sample_count() const override { return samples_.size(); }

 private:
  SampleSet samples_;
  std::string algorithm_;
};

}  // namespace xinfer
