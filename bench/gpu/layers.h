// The convolution layers that the GPU benchmark times.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/cuda/conv_problem.h"

namespace xinfer::gpu {

struct BenchLayer {
  std::string name;
  int count = 1;  ///< how many times the network has it
  kernels::cuda::ConvProblem problem;
};

/// ResNet-50's convolutions, u8 in and out with ReLU, residual where the block ends; each distinct
/// shape once. The stem is its space-to-depth form: 4x4 on 112x112 pixels of 16 channels.
std::vector<BenchLayer> resnet50_layers();

struct RandomLayer {
  BenchLayer layer;
  std::int64_t batch = 1;
};

/// Layer number `index` of a fixed sequence of random convolutions and matrix products of the kind
/// that networks have: usual channel counts, image sizes, kernels and strides, a residual at times.
RandomLayer random_layer(std::uint32_t index);

/// An INT8 matrix product, as a pointwise convolution over `m` pixels.
BenchLayer gemm_layer(std::int64_t m, std::int64_t n, std::int64_t k);

}  // namespace xinfer::gpu
