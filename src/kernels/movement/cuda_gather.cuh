// y[p] = x[p with its position along one axis replaced by index[p]], an element a thread. Negative
// indices count from the axis' end; what is still outside is moved to the nearest end, since a
// launch cannot fail for what it reads. Operands are constants of the layer: kernels/cuda/
// gather_kernels.h.
#include "cuda/run.cuh"
#include "layer.cuh"

namespace xi {

using namespace layer;

constexpr int kThreads = 256;

/// Where an element comes from, where its index lies and where it goes, within an image.
struct Route {
  s64 x = 0, index = 0, y = 0;
  bool real = true;  // otherwise it is padding, which becomes zero
};

template <int kAxis>
__device__ __forceinline__ void follow(int position, Route& route) {
  if constexpr (kAxis >= 0) {
    constexpr Axis kSpec = kAxes[kAxis];
    constexpr int kSize = static_cast<int>(kSpec.size);
    const int p = kAxis == 0 ? position : position % kSize;
    route.x += p * kSpec.x;
    route.index += p * kSpec.index;
    route.y += p * kSpec.y;
    route.real = route.real && p < kSpec.real;
    follow<kAxis - 1>(position / kSize, route);
  }
}

}  // namespace xi

extern "C" __global__ void __launch_bounds__(xi::kThreads)
    gather(const void* __restrict__ x, const void* __restrict__ indices, void* __restrict__ y,
           const int batch) {
  using namespace xi;
  let_successor_start();
  const s64 item = static_cast<s64>(blockIdx.x) * kThreads + threadIdx.x;
  const int image = static_cast<int>(item / kItems);
  if (image >= batch) return;
  Route route;
  follow<kAxisCount - 1>(static_cast<int>(item % kItems), route);
  wait_for_predecessor();
  Element value = 0;
  if (route.real) {
    s64 index =
        static_cast<const Index*>(indices)[image * static_cast<s64>(kIndexImage) + route.index];
    if (index < 0) index += kAxisSize;
    index = index < 0 ? 0 : index < kAxisSize ? index : kAxisSize - 1;
    value = static_cast<const Element*>(
        x)[image * static_cast<s64>(kInImage) + route.x + index * static_cast<s64>(kAxisStride)];
  }
  static_cast<Element*>(y)[image * static_cast<s64>(kOutImage) + route.y] = value;
}
