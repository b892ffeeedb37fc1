// What kernels share in which kLanes threads make one element of the output: they take every
// kLanes-th element of its reduced axes and join what they found in an order that depends on
// nothing but the layer. kLanes is 1, a warp or a block.
#pragma once

#include "elementwise/cuda_numbers.cuh"
#include "layer.cuh"

namespace xi {

constexpr int kThreads = 256;
constexpr int kLanes = layer::kLanes;
constexpr int kWarps = kThreads / 32;

/// Offset of a position of Axes in x and in y, the last axis fastest.
template <typename Axes, int kAxis = Axes::kCount - 1>
__device__ __forceinline__ void follow(int position, s64& x, s64& y) {
  if constexpr (kAxis >= 0) {
    constexpr layer::Axis kSpec = Axes::at(kAxis);
    constexpr int kSize = static_cast<int>(kSpec.size);
    const int p = kAxis == 0 ? position : position % kSize;
    x += p * kSpec.x;
    y += p * kSpec.y;
    follow<Axes, kAxis - 1>(position / kSize, x, y);
  }
}

/// Where an output is, and the first of the elements that it is made of.
struct Output {
  s64 x = 0, y = 0;
  bool present = true;

  __device__ __forceinline__ explicit Output(int batch) {
    const s64 item = (static_cast<s64>(blockIdx.x) * kThreads + threadIdx.x) / kLanes;
    const s64 image = item / layer::kOutputs;
    present = image < batch;
    x = image * layer::kInImage;
    y = image * layer::kOutImage;
    follow<layer::KeptAxes>(static_cast<int>(item % layer::kOutputs), x, y);
  }
};

__device__ __forceinline__ int lane() { return static_cast<int>(threadIdx.x % kLanes); }

/// visit(element, index among the reduced) for this lane's elements, in rising order.
template <typename Visit>
__device__ __forceinline__ void for_elements(const void* x_base, const Output& output,
                                             const Visit& visit) {
  const layer::In* x = static_cast<const layer::In*>(x_base) + output.x;
  for (int i = lane(); i < layer::kReduced; i += kLanes) {
    s64 from = 0, ignored = 0;
    follow<layer::ReducedAxes>(i, from, ignored);
    visit(static_cast<layer::Wide>(value_of(x[from])), i);
  }
}

/// The value of the lane `distance` away in the warp.
template <typename T>
__device__ __forceinline__ T exchanged(T value, int distance) {
  struct Words {
    u32 of[sizeof(T) / 4];
  };
  Words words = __builtin_bit_cast(Words, value);
#pragma unroll
  for (u32& word : words.of) word = __shfl_xor_sync(0xffffffffu, word, distance);
  return __builtin_bit_cast(T, words);
}

/// join(join(a, b), …) of what the lanes found, for all of them. join(a, b) = join(b, a).
template <typename T, typename Join>
__device__ __forceinline__ T join_lanes(T value, const Join& join) {
  if constexpr (kLanes > 1) {
#pragma unroll
    for (int distance = 16; distance > 0; distance /= 2) {
      value = join(value, exchanged(value, distance));
    }
  }
  if constexpr (kLanes > 32) {
    __shared__ T parts[kWarps];
    __syncthreads();  // the parts of a join before this one have been read
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    value = parts[0];
#pragma unroll
    for (int i = 1; i < kWarps; ++i) value = join(value, parts[i]);
  }
  return value;
}

}  // namespace xi
