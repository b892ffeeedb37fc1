// Datasets: numbered examples.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "xinfer/data/example.h"
#include "xtorch/transforms.h"

namespace xt::datasets {

using xinfer::Example;

/// Examples 0 to size() - 1. Implementations are used from several threads at once.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::size_t size() const = 0;
  /// Throws xinfer::Error; io_error and unsupported stand for a bad example, which a loader may be
  /// told to skip.
  virtual Example get(std::size_t index) const = 0;
};

/// The JPEG and PNG images of a folder: of class folders, whose sorted names are the classes 0, 1,
/// …, or of a flat folder, without labels. Sorted by class, then by path. A handle: copies share
/// the list of files.
class ImageFolder : public Dataset {
 public:
  /// Lists the folder; pixels are read by `get`. `labels`, if given, is a file of lines
  /// `folder<TAB>class index<TAB>class name`. Throws xinfer::Error if there is no image.
  explicit ImageFolder(const std::filesystem::path& folder, transforms::Compose transform = {},
                       const std::filesystem::path& labels = {});

  std::size_t size() const override;
  /// The image as RGB through the transform: float32 [C, H, W]; without a transform in [0, 1].
  Example get(std::size_t index) const override;

  /// Names by class index; empty for a flat folder.
  const std::vector<std::string>& classes() const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace xt::datasets
