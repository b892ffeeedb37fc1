// A network of inverted residuals large enough to run as chains.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <utility>

#include "xinfer/builders/network.h"

namespace xinfer {

inline Tensor random_floats(Shape shape, std::uint32_t seed) {
  std::mt19937 random(seed);
  Tensor tensor(DType::kFloat32, std::move(shape));
  for (float& value : tensor.values<float>()) {
    value = static_cast<float>(random() >> 8) * 0x1p-23f - 1.0f;
  }
  return tensor;
}

/// x [batch, 8, 112, 112]: a block with a residual, one of stride 2 that ends in one channel, which
/// is the output: the chain writes the caller's memory.
inline builders::Network inverted_residuals() {
  using builders::Network;
  Network network("inverted_residuals");
  std::uint32_t seed = 1;
  const auto convolution = [&](auto x, Shape weights, std::int64_t stride,
                               const std::string& name) {
    builders::WindowOptions window;
    window.strides = {stride, stride};
    window.groups = weights[1] == 1 ? weights[0] : 1;
    const std::int64_t pad = weights[2] / 2;
    window.pads_begin = window.pads_end = {pad, pad};
    const auto constant = network.add_constant(random_floats(std::move(weights), ++seed));
    return network.add_convolution(x, constant, {}, window, name);
  };
  const auto block = [&](auto x, std::int64_t to, std::int64_t stride, const std::string& name) {
    const auto expanded = network.add_unary(
        "relu", convolution(x, {96, 8, 1, 1}, 1, name + "_expand"), 0, 0, name + "_expanded");
    const auto filtered =
        network.add_unary("relu", convolution(expanded, {96, 1, 3, 3}, stride, name + "_filter"), 0,
                          0, name + "_filtered");
    return convolution(filtered, {to, 96, 1, 1}, 1, name + "_project");
  };
  const auto x = network.add_input("x", DType::kFloat32, {"batch", "8", "112", "112"});
  const auto first = convolution(x, {8, 8, 1, 1}, 1, "first");
  const auto sum = network.add_binary("add", block(first, 8, 1, "a"), first, "sum");
  network.mark_output(block(sum, 1, 2, "b"), "y");
  return network;
}

}  // namespace xinfer
