// Validation of a convolution's shape and the making of its driver.
#include "kernels/conv/conv.h"

#include "kernels/conv/conv_with.h"
#include "kernels/conv/implicit_gemm.h"
#include "kernels/conv/line_gemm.h"
#include "kernels/conv/sliding_gemm.h"

namespace xinfer::kernels {

Status check_conv_shape(const ConvShape& s) {
  const std::int64_t positive[] = {
      s.batch,  s.in_h,     s.in_w,     s.in_channels, s.out_h,    s.out_w,      s.out_channels,
      s.groups, s.kernel_h, s.kernel_w, s.stride_h,    s.stride_w, s.dilation_h, s.dilation_w};
  for (std::int64_t value : positive) {
    if (value < 1) {
      return invalid_argument(
          "convolution {}x{}x{}x{} -> {}x{}x{}, kernel {}x{}, stride {}x{}, dilation {}x{}, groups "
          "{}: every size must be at least 1",
          s.batch, s.in_h, s.in_w, s.in_channels, s.out_h, s.out_w, s.out_channels, s.kernel_h,
          s.kernel_w, s.stride_h, s.stride_w, s.dilation_h, s.dilation_w, s.groups);
    }
  }
  if (s.pad_top < 0 || s.pad_left < 0) {
    return invalid_argument("convolution with padding {} and {}; it must not be negative",
                            s.pad_top, s.pad_left);
  }
  if (s.in_channels % s.groups != 0 || s.out_channels % s.groups != 0) {
    return invalid_argument("convolution of {} to {} channels in {} groups; both must be multiples",
                            s.in_channels, s.out_channels, s.groups);
  }
  if (s.x_pixel_stride < s.in_channels || s.y_pixel_stride < s.out_channels) {
    return invalid_argument(
        "convolution with pixel strides {} and {}; needed: at least {} and {} channels",
        s.x_pixel_stride, s.y_pixel_stride, s.in_channels, s.out_channels);
  }
  return Status();
}

Result<StorePlan> store_plan_of(const ConvShape& shape, ConvType type,
                                const ConvArguments& arguments, CpuIsa isa) {
  const AccumulatorTraits traits{
      type == ConvType::kF32, shape.out_channels,
      shape.kernel_h * shape.kernel_w * (shape.in_channels / shape.groups)};
  return make_store_plan(arguments.epilogue, arguments.y, shape.y_pixel_stride, traits, isa);
}

Result<std::unique_ptr<Convolution>> make_convolution_with(const GemmKernel& kernel,
                                                           const ConvShape& shape,
                                                           const ConvArguments& arguments,
                                                           CpuIsa isa, int threads,
                                                           const ConvTactic* tactic) {
  XINFER_RETURN_IF_ERROR(check_conv_shape(shape));
  if (arguments.x == nullptr || arguments.packed_weights == nullptr) {
    return invalid_argument("convolution without {}",
                            arguments.x == nullptr ? "an input" : "weights");
  }
  if (tactic != nullptr) XINFER_RETURN_IF_ERROR(check_tactic(*tactic, shape, kernel, threads));
  const ConvTactic chosen = tactic != nullptr ? *tactic : choose_tactic(shape, kernel, threads);
  XINFER_ASSIGN_OR_RETURN(const StorePlan store, store_plan_of(shape, kernel.type, arguments, isa));
  std::unique_ptr<Convolution> convolution;
  if (chosen.rows == RowAccess::kGathered) {
    convolution = std::make_unique<ImplicitGemm>(shape, arguments, store, kernel, isa, chosen);
  } else if (kernel.run_strip != nullptr) {
    convolution = std::make_unique<SlidingGemm>(shape, arguments, store, kernel, isa, chosen);
  } else {
    convolution = std::make_unique<LineGemm>(shape, arguments, store, kernel, isa, chosen);
  }
  return convolution;
}

Result<std::unique_ptr<Convolution>> make_convolution(const ConvShape& shape, ConvType type,
                                                      const ConvArguments& arguments, CpuIsa isa,
                                                      int threads, const ConvTactic* tactic) {
  return make_convolution_with(select_gemm_kernel(type, isa), shape, arguments, isa, threads,
                               tactic);
}

}  // namespace xinfer::kernels
