// The modes of ONNX Resize, named once for the graph, the engine file and the kernels. Append only.
#pragma once

#include <cstdint>

namespace xinfer::kernels {

enum class ResizeMode : std::uint8_t { kNearest = 0, kLinear = 1, kCubic = 2 };

enum class CoordinateMode : std::uint8_t {
  kHalfPixel = 0,
  kPytorchHalfPixel = 1,
  kAlignCorners = 2,
  kAsymmetric = 3,
  kTfCropAndResize = 4,
  kHalfPixelSymmetric = 5,
  kTfHalfPixelForNn = 6,  ///< opset 10's and 11's name; half_pixel without clipping for nearest
};

enum class NearestMode : std::uint8_t {
  kRoundPreferFloor = 0,
  kRoundPreferCeil = 1,
  kFloor = 2,
  kCeil = 3,
};

}  // namespace xinfer::kernels
