#include "kernels/cuda/conv_constants.h"

#include <numeric>

namespace xinfer::kernels::cuda {

EpilogueLayout epilogue_layout(const ConvProblem& problem, std::int64_t group_channels) {
  EpilogueLayout result;
  result.out_pitch = problem.shape.y_pixel_stride;
  result.out_align = run_alignment(problem.output_align, std::gcd(result.out_pitch, group_channels),
                                   problem.epilogue.output_dtype);
  result.has_padding = stored_channels(problem) > problem.shape.out_channels;
  for (int i = 0; i < problem.epilogue.step_count; ++i) {
    const EpilogueStep& step = problem.epilogue.steps[i];
    if (step.kind != EpilogueStep::Kind::kResidual) continue;
    const std::int64_t pitch = std::gcd(step.residual_pixel_stride, group_channels);
    result.residual_align = std::min(
        result.residual_align, run_alignment(problem.residual_align, pitch, step.residual_dtype));
  }
  return result;
}

std::int64_t stored_channels(const ConvProblem& problem) {
  return problem.stored_channels == 0 ? problem.shape.out_channels : problem.stored_channels;
}

bool is_pointwise(const ConvShape& s) {
  return s.kernel_h == 1 && s.kernel_w == 1 && s.stride_h == 1 && s.stride_w == 1 &&
         s.pad_top == 0 && s.pad_left == 0 && s.in_h == s.out_h && s.in_w == s.out_w;
}

Status check_conv_problem(const ConvProblem& problem) {
  const ConvShape& s = problem.shape;
  const ConvLayout layout = conv_layout(s, problem.input);
  if (!is_device_elem(problem.input) || !is_device_elem(problem.epilogue.output_dtype)) {
    return internal_error("CUDA convolution from {} to {}", to_string(problem.input),
                          to_string(problem.epilogue.output_dtype));
  }
  const std::int64_t pitch_bytes = s.x_pixel_stride * layout.element_bytes;
  if (pitch_bytes % 16 != 0 || s.x_pixel_stride < layout.groups * layout.group_in_channels) {
    return internal_error(
        "CUDA convolution: input pixels of {} elements for {} channels; needed: "
        "a multiple of 16 bytes that holds {} channels",
        s.x_pixel_stride, s.in_channels, layout.groups * layout.group_in_channels);
  }
  if (stored_channels(problem) < s.out_channels || stored_channels(problem) > s.y_pixel_stride) {
    return internal_error("CUDA convolution: stores {} channels of {} into pixels of {}",
                          stored_channels(problem), s.out_channels, s.y_pixel_stride);
  }
  const std::int64_t reach = (layout.groups - 1) * layout.group_out_channels + layout.group_rows;
  if (stored_channels(problem) > reach) {
    return internal_error("CUDA convolution: {} stored channels exceed {} weight rows",
                          stored_channels(problem), reach);
  }
  return Status();
}

Status add_conv_constants(const ConvProblem& problem, const ConvLayout& layout,
                          LayerSource& layer) {
  const ConvShape& s = problem.shape;
  layer.constant("kInH", s.in_h).constant("kInW", s.in_w);
  layer.constant("kOutH", s.out_h).constant("kOutW", s.out_w);
  layer.constant("kKernelH", s.kernel_h).constant("kKernelW", s.kernel_w);
  layer.constant("kStrideH", s.stride_h).constant("kStrideW", s.stride_w);
  layer.constant("kDilationH", s.dilation_h).constant("kDilationW", s.dilation_w);
  layer.constant("kPadTop", s.pad_top).constant("kPadLeft", s.pad_left);
  layer.constant("kInElem", problem.input);
  layer.constant("kInPitchBytes", s.x_pixel_stride * layout.element_bytes);
  layer.constant("kGroups", layout.groups);
  layer.constant("kGroupGranules", layout.group_in_channels * layout.element_bytes / 16);
  layer.constant("kGroupRows", layout.group_rows);
  layer.constant("kGroupOutChannels", layout.group_out_channels);
  layer.constant("kPermutation", layout.permutation);
  layer.constant("kStoredChannels", stored_channels(problem));
  const std::int64_t group_channels = layout.groups == 1 ? 0 : layout.group_out_channels;
  return add_epilogue(problem.epilogue, epilogue_layout(problem, group_channels), layer);
}

}  // namespace xinfer::kernels::cuda
