// Random convolution problems, for the tests of every family that computes a ConvShape.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "kernels/conv/conv.h"

namespace xinfer::kernels {

/// What the shapes of a stream of problems look like.
enum class ProblemKind {
  kAny,           ///< any kernel, stride, dilation, padding, groups
  kDepthwise,     ///< groups == in_channels
  kDepthwise3x3,  ///< the same, 3x3, stride 1 or 2, up to 40 pixels a line, a multiplier of 1
  kDeep,          ///< stride 1, a multiple of 64 channels a group
  kLines,         ///< long lines, any stride, one group of few channels or of a multiple of 64
};

/// A problem with its data. Buffers have canaries around y and the readable margin behind x and the
/// residuals, filled with values that must not matter.
struct RandomProblem {
  ConvShape shape;
  ConvType type = ConvType::kF32;
  Epilogue epilogue;  ///< points into the vectors below
  std::string description;

  std::vector<std::uint8_t> x;
  std::vector<std::uint8_t> weights;
  std::vector<float> multiplier;
  std::vector<float> bias;
  std::vector<std::vector<std::uint8_t>> residuals;
  std::vector<std::vector<std::uint8_t>> tables;

  std::size_t y_bytes() const;
};

RandomProblem make_random_problem(std::mt19937& random, ConvType type, ProblemKind kind);

/// The same for a given shape.
RandomProblem make_random_problem_of(std::mt19937& random, ConvType type, const ConvShape& shape);

/// The bytes of y's buffer as convolution_reference leaves them, canaries included; elements
/// between pixels (pixel stride > channels) are canaries too.
std::vector<std::uint8_t> reference_output(const RandomProblem& problem);

/// A buffer for y filled with canaries, and where y begins in it.
inline constexpr std::size_t kCanaryBytes = 192;
inline constexpr std::uint8_t kCanary = 0xA5;
std::vector<std::uint8_t> canary_output(const RandomProblem& problem);

/// The first differing byte as a sentence; empty if there is none.
std::string first_difference(const std::vector<std::uint8_t>& expected,
                             const std::vector<std::uint8_t>& actual);

}  // namespace xinfer::kernels
