// A float32 function of one or two tensors, one element a thread. The function is the layer's:
// XI_EXPRESSION(a, b) in layer.cuh, over the functions below (kernels/elementwise/kinds.h).
#pragma once

#include "cuda/memory.cuh"
#include "cuda/step.cuh"

namespace xi {

__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
__device__ __forceinline__ float hard_sigmoid(float x, float alpha, float beta) {
  return fmaxf(0.0f, fminf(1.0f, alpha * x + beta));
}
__device__ __forceinline__ float hard_swish(float x) {
  return x * fmaxf(0.0f, fminf(1.0f, x / 6.0f + 0.5f));
}
__device__ __forceinline__ float silu(float x) { return x * sigmoid(x); }
__device__ __forceinline__ float gelu(float x) {
  return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
}
__device__ __forceinline__ float gelu_tanh(float x) {
  return 0.5f * x * (1.0f + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
}
__device__ __forceinline__ float leaky_relu(float x, float slope) {
  return x < 0.0f ? x * slope : x;
}
__device__ __forceinline__ float elu(float x, float alpha) {
  return x > 0.0f ? x : alpha * expm1f(x);
}
__device__ __forceinline__ float softplus(float x) {
  return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x)));
}
__device__ __forceinline__ float mish(float x) { return x * tanhf(softplus(x)); }

}  // namespace xi

#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kThreads = 256;

/// Where an element's operands and result are, within their images.
struct Place {
  s64 a = 0, b = 0, y = 0;
  bool real = true;  // otherwise it is padding, which becomes zero
};

template <int kAxis>
__device__ __forceinline__ void follow(int position, Place& place) {
  if constexpr (kAxis >= 0) {
    constexpr Axis kSpec = kAxes[kAxis];
    constexpr int kSize = static_cast<int>(kSpec.size);
    const int p = kAxis == 0 ? position : position % kSize;
    place.a += p * kSpec.a;
    place.b += p * kSpec.b;
    place.y += p * kSpec.y;
    place.real = place.real && p < kSpec.real;
    follow<kAxis - 1>(position / kSize, place);
  }
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads)
    elementwise(const float* a_base, const float* b_base, float* y_base, const int batch) {
  using namespace xi;
  let_successor_start();
  const s64 item = static_cast<s64>(blockIdx.x) * kThreads + threadIdx.x;
  const int image = static_cast<int>(item / kItems);
  if (image >= batch) return;
  Place place;
  follow<kAxisCount - 1>(static_cast<int>(item % kItems), place);
  wait_for_predecessor();
  float y = 0.0f;
  if (place.real) {
    const float a = a_base[image * static_cast<s64>(kAImage) + place.a];
    const float b = kHasB ? b_base[image * static_cast<s64>(kBImage) + place.b] : 0.0f;
    y = XI_EXPRESSION(a, b);
  }
  y_base[image * static_cast<s64>(kYImage) + place.y] = y;
}
