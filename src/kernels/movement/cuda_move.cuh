// A strided copy of one image after another, one element (of up to 16 bytes) a thread:
//   y[sum of p_i * out_stride_i] = x[sum of (start_i + p_i * step_i) * in_stride_i]
// for every position p of the output, or the fill value where an input position is outside its
// axis. Axes, last one fastest, are constants of the layer (kernels/cuda/move_kernels.h). With
// kConvert the elements change their float type on the way.
#pragma once

#include "cuda/run.cuh"
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
    move(const void* __restrict__ x, void* __restrict__ y, const int batch) {
  using namespace xi;
  let_successor_start();
  const s64 item = static_cast<s64>(blockIdx.x) * kThreads + threadIdx.x;
  const int image = static_cast<int>(item / kItems);
  if (image >= batch) return;
  Route route;
  follow<kAxisCount - 1>(static_cast<int>(item % kItems), route);
  wait_for_predecessor();
  const s64 from = image * static_cast<s64>(kInImageStride) + route.from;
  const s64 to = image * static_cast<s64>(kOutImageStride) + route.to;
  if constexpr (kConvert) {
    store_element<kOutElem>(y, to, route.inside ? load_element<kInElem>(x, from) : 0.0f);
  } else {
    static_cast<Element*>(y)[to] =
        route.inside ? static_cast<const Element*>(x)[from] : fill_value<Element>();
  }
}
