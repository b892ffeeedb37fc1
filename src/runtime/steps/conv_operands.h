// What a convolution of a plan is made from, checked against the tensors bound now.
#pragma once

#include "kernels/conv/conv.h"
#include "runtime/steps/families.h"

namespace xinfer::runtime {

/// What a step's arguments are made from, besides the tensors bound now.
struct ConvOperands {
  const fb::Blob* weights;
  const fb::Epilogue* epilogue;
  std::int64_t out_channels;
  kernels::ConvType type;
};

/// Their addresses and epilogue now.
Result<kernels::ConvArguments> make_arguments(const StepSource& source,
                                              const ConvOperands& operands);

/// Whether the weights have the size and the input the type that the step needs.
Status check_weights(const StepSource& source, const kernels::ConvShape& shape,
                     const ConvOperands& operands, bool depthwise);

/// The shape of a convolution with its operands checked; spatial sizes are two axes, a 1-D
/// convolution has height 1.
Result<kernels::ConvShape> conv_shape(const fb::Conv& params, const TensorView& x,
                                      const TensorView& y);

}  // namespace xinfer::runtime
