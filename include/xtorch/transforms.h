// Transforms: steps from a decoded image to a model's input, and chains of them.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "xinfer/core/tensor.h"
#include "xinfer/data/image.h"

namespace xt {

using xinfer::Image;
using xinfer::Tensor;

namespace transforms {

/// What passes through a chain: an 8-bit RGB image until a step asks for floats, from then on a
/// float32 tensor [C, H, W].
class Sample {
 public:
  Sample(Image image) : value_(std::move(image)) {}     // NOLINT: implicit, so that a transform can
  Sample(Tensor tensor) : value_(std::move(tensor)) {}  // NOLINT: return either.

  bool is_image() const { return value_.index() == 0; }

  /// The 8-bit image. Throws xinfer::Error(invalid_argument) once the sample is a tensor.
  const Image& image() const;

  /// The tensor; an image is converted as torchvision's ToTensor does: RGB, [C, H, W], v / 255.
  Tensor tensor() const;

 private:
  std::variant<Image, Tensor> value_;
};

/// One step. Implementations are used from several threads at once, and throw xinfer::Error on
/// samples that they cannot take. To write one, derive and override the operator:
///
///   struct Invert : xt::transforms::Module {
///     xt::transforms::Sample operator()(const xt::transforms::Sample& sample) const override {
///       xt::Tensor tensor = sample.tensor().clone();
///       for (float& v : tensor.values<float>()) v = 1 - v;
///       return tensor;
///     }
///   };
class Module {
 public:
  virtual ~Module() = default;
  virtual Sample operator()(const Sample& sample) const = 0;
};

/// Steps one after the other. A handle: copies share the steps.
class Compose : public Module {
 public:
  Compose() = default;
  /// Throws xinfer::Error(invalid_argument) if a step is null.
  explicit Compose(std::vector<std::shared_ptr<Module>> steps);

  Sample operator()(const Sample& sample) const override;

 private:
  std::vector<std::shared_ptr<const Module>> steps_;
};

}  // namespace transforms
}  // namespace xt
