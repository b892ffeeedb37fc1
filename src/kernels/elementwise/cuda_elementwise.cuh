// A function of one or two tensors, computed in float32, one element a thread. The function is the
// layer's: XI_EXPRESSION(a, b) in layer.cuh, over cuda/functions.cuh. Tensors are float32 or FP16,
// each for itself.
#pragma once

#include "cuda/run.cuh"
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
    elementwise(const void* a_base, const void* b_base, void* y_base, const int batch) {
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
    const float a = load_element<kAElem>(a_base, image * static_cast<s64>(kAImage) + place.a);
    const float b =
        kHasB ? load_element<kBElem>(b_base, image * static_cast<s64>(kBImage) + place.b) : 0.0f;
    y = XI_EXPRESSION(a, b);
  }
  store_element<kYElem>(y_base, image * static_cast<s64>(kYImage) + place.y, y);
}
