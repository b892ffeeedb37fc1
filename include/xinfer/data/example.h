// What datasets hold and loaders hand out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "xinfer/core/tensor.h"

namespace xinfer {

/// The class index of an example without a label.
inline constexpr std::int64_t kNoLabel = -1;

/// One element of a dataset.
struct Example {
  Tensor data;                     ///< float32, [C, H, W] for an image.
  std::int64_t target = kNoLabel;  ///< Class index.
  std::string name;                ///< Where it came from: the image's path.
};

/// Examples stacked along a new first dimension.
struct Batch {
  Tensor data;                       ///< float32, [N, C, H, W] for images.
  std::vector<std::int64_t> target;  ///< N class indices, kNoLabel where there is none.
  std::vector<std::string> names;    ///< N names.

  std::size_t size() const { return names.size(); }
};

}  // namespace xinfer
