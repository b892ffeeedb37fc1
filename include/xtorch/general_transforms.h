// Transforms of values.
#pragma once

#include <vector>

#include "xtorch/transforms.h"

namespace xt::transforms::general {

/// float32 [C, H, W] in [0, 1]. Not needed in a chain: steps on tensors convert by themselves.
class ToTensor : public Module {
 public:
  Sample operator()(const Sample& sample) const override;
};

/// (v - mean[c]) / std[c], in float32, on values in [0, 1].
class Normalize : public Module {
 public:
  /// As many values as channels, or one for all. Throws xinfer::Error(invalid_argument) if a list
  /// is empty or a std is not positive.
  Normalize(std::vector<float> mean, std::vector<float> std);

  Sample operator()(const Sample& sample) const override;

 private:
  std::vector<float> mean_;
  std::vector<float> std_;
};

}  // namespace xt::transforms::general
