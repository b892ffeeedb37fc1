#include "kernels/cuda/space_to_depth.h"

#include <cstddef>
#include <cstring>

namespace xinfer::kernels::cuda {
namespace {

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Input row o * stride - pad + k is row o - moved_pad + (k + shift) / stride of the rearranged
// image, part (k + shift) % stride.
struct Axis {
  std::int64_t moved_pad, shift, moved_kernel;
};

Axis rearranged_axis(std::int64_t kernel, std::int64_t stride, std::int64_t pad) {
  Axis axis = {};
  axis.moved_pad = (pad + stride - 1) / stride;
  axis.shift = axis.moved_pad * stride - pad;
  axis.moved_kernel = (kernel - 1 + axis.shift) / stride + 1;
  return axis;
}

constexpr std::int64_t kMostPatchChannels = 4096;

}  // namespace

bool can_use_space_to_depth(const ConvShape& s) {
  if (s.groups != 1 || s.stride_h != s.stride_w || s.stride_h < 2 || s.dilation_h != 1 ||
      s.dilation_w != 1) {
    return false;
  }
  const std::int64_t channels = s.in_channels * s.stride_h * s.stride_w;
  const bool patches = s.kernel_h == s.stride_h && s.kernel_w == s.stride_w && s.pad_top == 0 &&
                       s.pad_left == 0 && s.in_h == s.out_h * s.stride_h &&
                       s.in_w == s.out_w * s.stride_w;
  return channels <= 16 || (patches && channels <= kMostPatchChannels);
}

ConvShape space_to_depth_shape(const ConvShape& s) {
  const std::int64_t stride = s.stride_h;
  const Axis y = rearranged_axis(s.kernel_h, stride, s.pad_top);
  const Axis x = rearranged_axis(s.kernel_w, stride, s.pad_left);
  ConvShape moved = s;
  moved.in_h = (s.in_h + stride - 1) / stride;
  moved.in_w = (s.in_w + stride - 1) / stride;
  moved.in_channels = s.in_channels * stride * stride;
  moved.x_pixel_stride = round_up(moved.in_channels, 16);
  moved.kernel_h = y.moved_kernel;
  moved.kernel_w = x.moved_kernel;
  moved.pad_top = y.moved_pad;
  moved.pad_left = x.moved_pad;
  moved.stride_h = moved.stride_w = 1;
  return moved;
}

void space_to_depth_weights(const ConvShape& s, const void* weights, void* rearranged,
                            int element_bytes) {
  const ConvShape moved = space_to_depth_shape(s);
  const std::int64_t stride = s.stride_h;
  const Axis y = rearranged_axis(s.kernel_h, stride, s.pad_top);
  const Axis x = rearranged_axis(s.kernel_w, stride, s.pad_left);
  const auto run = static_cast<std::size_t>(s.in_channels * element_bytes);
  const auto* from = static_cast<const std::byte*>(weights);
  auto* to = static_cast<std::byte*>(rearranged);
  std::memset(to, 0,
              static_cast<std::size_t>(s.out_channels * moved.kernel_h * moved.kernel_w *
                                       moved.in_channels * element_bytes));
  for (std::int64_t n = 0; n < s.out_channels; ++n) {
    for (std::int64_t ky = 0; ky < s.kernel_h; ++ky) {
      for (std::int64_t kx = 0; kx < s.kernel_w; ++kx) {
        const std::int64_t my = (ky + y.shift) / stride, mx = (kx + x.shift) / stride;
        const std::int64_t part = (ky + y.shift) % stride * stride + (kx + x.shift) % stride;
        const std::int64_t target =
            ((n * moved.kernel_h + my) * moved.kernel_w + mx) * stride * stride + part;
        std::memcpy(to + static_cast<std::size_t>(target) * run, from, run);
        from += run;
      }
    }
  }
}

}  // namespace xinfer::kernels::cuda
