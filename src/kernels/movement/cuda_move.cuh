// A strided copy of one image after another, one element (of up to 16 bytes) a thread:
//   y[sum of p_i * out_stride_i] = x[sum of (start_i + p_i * step_i) * in_stride_i]
// for every position p of the output, or the fill value where an input position is outside its
// axis. Axes, last one fastest, are constants of the layer (kernels/cuda/move_kernels.h).
#pragma once

#include "cuda/memory.cuh"
#include "cuda/step.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kThreads = 256;

template <int kBytes>
struct ElementOf {
  using Type = u8;
};
template <>
struct ElementOf<2> {
  using Type = u16;
};
template <>
struct ElementOf<4> {
  using Type = u32;
};
template <>
struct ElementOf<8> {
  using Type = u64;
};
template <>
struct ElementOf<16> {
  using Type = uint4;
};
using Element = ElementOf<kElementBytes>::Type;

/// The fill value; elements wider than 8 bytes are only made of pairs whose fill is zero.
template <typename T>
__device__ __forceinline__ T fill_value() {
  if constexpr (sizeof(T) == 16) {
    return make_uint4(0, 0, 0, 0);
  } else {
    return static_cast<T>(kFill);
  }
}

/// Where an element comes from and goes to, in elements of an image.
struct Route {
  s64 from = 0, to = 0;
  bool inside = true;
};

/// Follows the axes from kAxis to the first; `position` counts those positions.
template <int kAxis>
__device__ __forceinline__ void follow(s64 position, Route& route) {
  if constexpr (kAxis >= 0) {
    constexpr Axis kSpec = kAxes[kAxis];
    const s64 p = kAxis == 0 ? position : position % kSpec.out;
    const s64 source = kSpec.start + p * kSpec.step;
    route.inside = route.inside && source >= 0 && source < kSpec.in;
    route.from += source * kSpec.in_stride;
    route.to += p * kSpec.out_stride;
    follow<kAxis - 1>(position / kSpec.out, route);
  }
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads)
    move(const xi::Element* __restrict__ x, xi::Element* __restrict__ y, const int batch) {
  using namespace xi;
  let_successor_start();
  const s64 item = static_cast<s64>(blockIdx.x) * kThreads + threadIdx.x;
  const int image = static_cast<int>(item / kItems);
  if (image >= batch) return;
  Route route;
  follow<kAxisCount - 1>(static_cast<int>(item % kItems), route);
  wait_for_predecessor();
  Element value = fill_value<Element>();
  if (route.inside) value = x[image * static_cast<s64>(kInImageStride) + route.from];
  y[image * static_cast<s64>(kOutImageStride) + route.to] = value;
}
