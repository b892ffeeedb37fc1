// A function of up to four tensors with broadcasting, kVector elements of the last axis a thread.
// The function is the layer's: XI_EXPRESSION(a, b, c, d, place) in layer.cuh, over
// cuda/functions.cuh and elementwise/cuda_numbers.cuh; FP16 is computed in float32, integers in
// their own type. An operand may have elements only at some positions of one axis (kernels/cuda/
// elementwise_kernels.h): elsewhere it is 0, and place.inside[k] says so.
#pragma once

#include "elementwise/cuda_numbers.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kThreads = 256;

/// Where an element's operands and result are, within their images.
struct Place {
  s64 x[kOperands] = {}, y = 0;
  bool inside[kOperands];
  bool real = true;  // otherwise it is padding, which becomes zero
};

template <int kAxis>
__device__ __forceinline__ void follow(int position, Place& place) {
  if constexpr (kAxis >= 0) {
    constexpr Axis kSpec = kAxes[kAxis];
    constexpr int kSize = static_cast<int>(kSpec.size);
    const int p = kAxis == 0 ? position : position % kSize;
#pragma unroll
    for (int k = 0; k < kOperands; ++k) {
      place.x[k] += p * kAxes[kAxis].x[k];
      if (kAxis == kRangeAxis) place.inside[k] = p >= kRanges[k].begin && p < kRanges[k].end;
    }
    place.y += p * kSpec.y;
    place.real = place.real && p < kSpec.real;
    follow<kAxis - 1>(position / kSize, place);
  }
}

/// kVector elements of operand `k`, or one for all of them where it is broadcast.
template <int k, typename T>
__device__ __forceinline__ void load_vector(const void* base, int image, const Place& place,
                                            T (&values)[kVector]) {
#pragma unroll
  for (int i = 0; i < kVector; ++i) values[i] = T{};
  if (!place.inside[k]) return;
  const s64 index = image * static_cast<s64>(kImages[k]) + place.x[k] + kOffsets[k];
  const T* x = static_cast<const T*>(base) + index;
  if constexpr (kVector == 1) {
    values[0] = *x;
  } else if constexpr (kAxes[kAxisCount - 1].x[k] == 0) {
    const T value = *x;
#pragma unroll
    for (int i = 0; i < kVector; ++i) values[i] = value;
  } else {
    constexpr int kBytes = kVector * static_cast<int>(sizeof(T));
    union {
      u32 words[kBytes / 4];
      T values[kVector];
    } run;
    load_words<kBytes, min_of(kBytes, 16)>(x, run.words);
#pragma unroll
    for (int i = 0; i < kVector; ++i) values[i] = run.values[i];
  }
}

/// A template, so that the branch that is not taken is not compiled: NVRTC refuses it.
template <typename T>
__device__ __forceinline__ void store_vector(void* base, s64 index, const T (&values)[kVector]) {
  T* y = static_cast<T*>(base) + index;
  if constexpr (kVector == 1) {
    *y = values[0];
  } else {
    constexpr int kBytes = kVector * static_cast<int>(sizeof(T));
    union {
      u32 words[kBytes / 4];
      T values[kVector];
    } run;
#pragma unroll
    for (int i = 0; i < kVector; ++i) run.values[i] = values[i];
    store_words<kBytes, min_of(kBytes, 16)>(y, run.words);
  }
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads)
    elementwise(const void* a_base, const void* b_base, const void* c_base, const void* d_base,
                void* y_base, const int batch) {
  using namespace xi;
  let_successor_start();
  const s64 item = static_cast<s64>(blockIdx.x) * kThreads + threadIdx.x;
  const int image = static_cast<int>(item / kItems);
  if (image >= batch) return;
  Place place;
#pragma unroll
  for (int k = 0; k < kOperands; ++k) place.inside[k] = true;
  follow<kAxisCount - 1>(static_cast<int>(item % kItems) * kVector, place);
  wait_for_predecessor();
  Result results[kVector];
#pragma unroll
  for (int i = 0; i < kVector; ++i) results[i] = Result{};
  if (place.real) {
    OperandA a[kVector];
    OperandB b[kVector];
    OperandC c[kVector];
    OperandD d[kVector];
    load_vector<0>(a_base, image, place, a);
    if constexpr (kOperands > 1) load_vector<1>(b_base, image, place, b);
    if constexpr (kOperands > 2) load_vector<2>(c_base, image, place, c);
    if constexpr (kOperands > 3) load_vector<3>(d_base, image, place, d);
#pragma unroll
    for (int i = 0; i < kVector; ++i) {
      results[i] = Stored<Result>::from(
          XI_EXPRESSION(value_of(a[i]), value_of(b[i]), value_of(c[i]), value_of(d[i]), place));
    }
  }
  store_vector(y_base, image * static_cast<s64>(kResultImage) + place.y, results);
}
