// Transforms of size and colour. On 8-bit samples they give Pillow's bytes; on tensors they do the
// same in float32.
#pragma once

#include <cstdint>
#include <vector>

#include "xtorch/transforms.h"

namespace xt::transforms::image {

/// Antialiased, as torchvision uses Pillow.
enum class Interpolation { kBilinear, kBicubic };

/// Sizes are {height, width}, as in torchvision; sides of 1 to 32768, otherwise the constructors
/// throw xinfer::Error(invalid_argument).
class Resize : public Module {
 public:
  /// Scales the shorter side to `size` and keeps the proportions.
  explicit Resize(int size, Interpolation interpolation = Interpolation::kBilinear);
  /// {height, width}: exactly this size; {size}: the shorter side.
  explicit Resize(const std::vector<std::int64_t>& size,
                  Interpolation interpolation = Interpolation::kBilinear);

  Sample operator()(const Sample& sample) const override;

 private:
  int height_;
  int width_;  // 0: height_ is the shorter side.
  Interpolation interpolation_;
};

/// The centre, its offset rounded as torchvision does. An image smaller than the crop is an error.
class CenterCrop : public Module {
 public:
  explicit CenterCrop(int size);
  /// {height, width}, or {size} for a square.
  explicit CenterCrop(const std::vector<std::int64_t>& size);

  Sample operator()(const Sample& sample) const override;

 private:
  int height_;
  int width_;
};

/// Scales to fit and fills the rest with gray.
class Letterbox : public Module {
 public:
  /// Where the image lies: in the middle as YOLOv5 has it, or at the top left as YOLOX.
  enum class Placement { kCenter, kTopLeft };

  explicit Letterbox(int size, Placement placement = Placement::kCenter, int fill = 114,
                     Interpolation interpolation = Interpolation::kBilinear);
  /// {height, width}, or {size} for a square. `fill` is an 8-bit value.
  explicit Letterbox(const std::vector<std::int64_t>& size,
                     Placement placement = Placement::kCenter, int fill = 114,
                     Interpolation interpolation = Interpolation::kBilinear);

  /// 8-bit images only: before any step that makes a tensor.
  Sample operator()(const Sample& sample) const override;

 private:
  int height_;
  int width_;
  Placement placement_;
  int fill_;
  Interpolation interpolation_;
};

/// Pillow's `convert("L")`, the luma of ITU-R BT.601, once or in three equal channels. 8-bit images
/// only.
class Grayscale : public Module {
 public:
  explicit Grayscale(int output_channels = 1);

  Sample operator()(const Sample& sample) const override;

 private:
  int output_channels_;
};

/// RGB to BGR. 8-bit images only.
class Bgr : public Module {
 public:
  Sample operator()(const Sample& sample) const override;
};

}  // namespace xt::transforms::image
