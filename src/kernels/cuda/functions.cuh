// Functions of float32 (kernels/elementwise/kinds.h), for elementwise kernels and epilogues.
#pragma once

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
