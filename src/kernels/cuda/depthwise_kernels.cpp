#include "kernels/cuda/depthwise_kernels.h"

#include <algorithm>
#include <cstring>

#include "kernels/cuda/conv_constants.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr int kThreads = 256;

Status check_problem(const ConvProblem& problem) {
  const ConvShape& s = problem.shape;
  if (!is_depthwise(problem)) return unsupported("a depthwise kernel for this layer");
  if (s.x_pixel_stride % 4 != 0 || s.x_pixel_stride < (stored_channels(problem) + 3) / 4 * 4) {
    return internal_error("CUDA depthwise convolution: input pixels of {} elements for {} channels",
                          s.x_pixel_stride, stored_channels(problem));
  }
  return Status();
}

}  // namespace

bool is_depthwise(const ConvProblem& problem) {
  const ConvShape& s = problem.shape;
  return problem.input != DType::kFloat32 && s.groups == s.in_channels &&
         s.groups == s.out_channels && s.groups > 1;
}

std::int64_t depthwise_pitch(const ConvShape& shape) { return (shape.out_channels + 15) / 16 * 16; }

Result<KernelSpec> depthwise_kernel(const ConvProblem& problem, const DepthwiseTactic& tactic) {
  XINFER_RETURN_IF_ERROR(check_problem(problem));
  const ConvShape& s = problem.shape;
  const std::int64_t stored = stored_channels(problem);
  LayerSource layer;
  layer.constant("kInH", s.in_h).constant("kInW", s.in_w);
  layer.constant("kOutH", s.out_h).constant("kOutW", s.out_w);
  layer.constant("kKernelH", s.kernel_h).constant("kKernelW", s.kernel_w);
  layer.constant("kStrideH", s.stride_h).constant("kStrideW", s.stride_w);
  layer.constant("kDilationH", s.dilation_h).constant("kDilationW", s.dilation_w);
  layer.constant("kPadTop", s.pad_top).constant("kPadLeft", s.pad_left);
  const auto size = static_cast<std::int64_t>(size_of(problem.input));
  layer.constant("kInElem", problem.input).constant("kInPitchBytes", s.x_pixel_stride * size);
  layer.constant("kWeightPitch", depthwise_pitch(s));
  layer.constant("kGroupOutChannels", s.out_channels).constant("kStoredChannels", stored);
  layer.constant("kColumns", tactic.columns);
  XINFER_RETURN_IF_ERROR(add_epilogue(problem.epilogue, epilogue_layout(problem), layer));

  KernelSpec spec;
  spec.entry = "depthwise";
  spec.source = "depthwise/cuda_depthwise.cuh";
  spec.layer = layer.text();
  spec.tactic = fmt::format("depthwise_{}x4", tactic.columns);
  const std::int64_t strips = (s.out_w + tactic.columns - 1) / tactic.columns;
  spec.grid.items_per_image = s.out_h * strips * ((stored + 3) / 4);
  spec.grid.items_per_tile = kThreads;
  spec.threads = kThreads;
  spec.arguments = weighted_arguments();
  return spec;
}

DepthwiseTactic choose_depthwise(const ConvProblem& problem, std::int64_t batch,
                                 int multiprocessors) {
  const ConvShape& s = problem.shape;
  // Longer strips reuse more of what they load; too few threads leave the device idle.
  const std::int64_t fours = (s.out_channels + 3) / 4;
  DepthwiseTactic best{1};
  for (const int columns : {2, 4, 7, 8}) {
    const std::int64_t strips = (s.out_w + columns - 1) / columns;
    const std::int64_t threads = batch * s.out_h * strips * fours;
    const bool wasteful = strips * columns * 8 > s.out_w * 9;
    if (!wasteful && threads >= std::int64_t{512} * multiprocessors) best.columns = columns;
  }
  return best;
}

void pack_depthwise_weights(const ConvShape& shape, const void* weights, void* packed,
                            int element_bytes) {
  const std::int64_t taps = shape.kernel_h * shape.kernel_w, pitch = depthwise_pitch(shape);
  const auto size = static_cast<std::size_t>(element_bytes);
  std::memset(packed, 0, static_cast<std::size_t>(taps * pitch) * size);
  for (std::int64_t c = 0; c < shape.out_channels; ++c) {
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      std::memcpy(
          static_cast<std::byte*>(packed) + static_cast<std::size_t>(tap * pitch + c) * size,
          static_cast<const std::byte*>(weights) + static_cast<std::size_t>(c * taps + tap) * size,
          size);
    }
  }
}

}  // namespace xinfer::kernels::cuda
