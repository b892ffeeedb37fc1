// Validation of depthwise convolutions and the choice of their driver.
#include "kernels/depthwise/depthwise.h"

#include "kernels/conv/conv_with.h"
#include "kernels/depthwise/depthwise_columns.h"
#include "kernels/depthwise/depthwise_driver.h"
#include "kernels/depthwise/depthwise_kernel.h"
#include "kernels/depthwise/direct_depthwise.h"

namespace xinfer::kernels {
namespace {

Status check_arguments(const ConvShape& shape, const ConvArguments& arguments) {
  XINFER_RETURN_IF_ERROR(check_conv_shape(shape));
  if (!is_depthwise(shape)) {
    return invalid_argument(
        "depthwise convolution of {} channels in {} groups; needed: one channel "
        "a group",
        shape.in_channels, shape.groups);
  }
  if (arguments.x == nullptr || arguments.packed_weights == nullptr) {
    return invalid_argument("depthwise convolution without {}",
                            arguments.x == nullptr ? "an input" : "weights");
  }
  return Status();
}

}  // namespace

bool is_depthwise(const ConvShape& shape) {
  return shape.groups == shape.in_channels && shape.out_channels % shape.in_channels == 0;
}

Result<std::unique_ptr<Convolution>> make_depthwise_with(const DepthwiseKernel& kernel,
                                                         const ConvShape& shape, ConvType type,
                                                         const ConvArguments& arguments, CpuIsa isa,
                                                         int threads) {
  XINFER_RETURN_IF_ERROR(check_arguments(shape, arguments));
  XINFER_ASSIGN_OR_RETURN(const StorePlan store, store_plan_of(shape, type, arguments, isa));
  return std::unique_ptr<Convolution>(
      std::make_unique<Depthwise>(shape, type, arguments, store, kernel, isa, threads));
}

Result<std::unique_ptr<Convolution>> make_depthwise(const ConvShape& shape, ConvType type,
                                                    const ConvArguments& arguments, CpuIsa isa,
                                                    int threads) {
  XINFER_RETURN_IF_ERROR(check_arguments(shape, arguments));
  if (has_direct_depthwise(shape, type, isa)) {
    return make_direct_depthwise(shape, arguments, isa, threads);
  }
  XINFER_ASSIGN_OR_RETURN(const StorePlan store, store_plan_of(shape, type, arguments, isa));
  if (has_depthwise_columns(shape, type, store, isa)) {
    return make_depthwise_columns(shape, type, arguments, store, threads);
  }
  const DepthwiseKernel& kernel = select_depthwise_kernel(type == ConvType::kF32, isa);
  return std::unique_ptr<Convolution>(
      std::make_unique<Depthwise>(shape, type, arguments, store, kernel, isa, threads));
}

}  // namespace xinfer::kernels
