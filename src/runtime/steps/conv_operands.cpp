#include "runtime/steps/conv_operands.h"

#include "kernels/depthwise/depthwise.h"
#include "runtime/steps/epilogue.h"

namespace xinfer::runtime {

using kernels::ConvArguments;
using kernels::ConvShape;
using kernels::ConvType;

namespace {

bool matches(ConvType type, DType x) {
  switch (type) {
    case ConvType::kF32:
      return x == DType::kFloat32;
    case ConvType::kU8S8:
      return x == DType::kUInt8;
    case ConvType::kS8S8:
      return x == DType::kInt8;
  }
  return false;
}

}  // namespace

Result<ConvArguments> make_arguments(const StepSource& source, const ConvOperands& operands) {
  ConvArguments arguments;
  arguments.x = source.input(0)->data;
  arguments.packed_weights = source.file.blob(*operands.weights);
  arguments.y = source.output()->data;
  XINFER_ASSIGN_OR_RETURN(arguments.epilogue,
                          make_epilogue(source, *operands.epilogue, operands.out_channels,
                                        operands.type != ConvType::kF32));
  return arguments;
}

Status check_weights(const StepSource& source, const ConvShape& shape, const ConvOperands& operands,
                     bool depthwise) {
  const std::size_t needed = depthwise ? kernels::packed_depthwise_size(shape, operands.type)
                                       : kernels::packed_weights_size(shape, operands.type);
  if (operands.weights == nullptr || operands.weights->size() != needed ||
      !matches(operands.type, source.input(0)->dtype)) {
    return misfit("weights that do not fit their step");
  }
  return {};
}

Result<ConvShape> conv_shape(const fb::Conv& params, const TensorView& x, const TensorView& y) {
  using List = const flatbuffers::Vector<std::int64_t>*;
  const List lists[] = {params.kernel(), params.strides(), params.dilations(), params.pads_begin()};
  const std::size_t spatial = x.dims.size() - 2;
  if (x.dims.size() < 3 || spatial > 2 || y.dims.size() != x.dims.size()) {
    return misfit("a convolution of unsupported rank");
  }
  for (const List list : lists) {
    if (list == nullptr || list->size() != spatial) return misfit("a convolution's attributes");
  }
  const auto axis = [&](const auto* list, bool vertical, std::int64_t absent) -> std::int64_t {
    if (!vertical) return list->Get(static_cast<unsigned>(spatial - 1));
    return spatial == 2 ? list->Get(0) : absent;
  };
  ConvShape shape;
  shape.batch = x.dims[0];
  shape.in_h = spatial == 2 ? x.dims[1] : 1;
  shape.in_w = x.dims[spatial];
  shape.out_h = spatial == 2 ? y.dims[1] : 1;
  shape.out_w = y.dims[spatial];
  shape.in_channels = params.in_channels();
  shape.out_channels = params.out_channels();
  shape.groups = params.groups();
  shape.kernel_h = axis(params.kernel(), true, 1);
  shape.kernel_w = axis(params.kernel(), false, 1);
  shape.stride_h = axis(params.strides(), true, 1);
  shape.stride_w = axis(params.strides(), false, 1);
  shape.dilation_h = axis(params.dilations(), true, 1);
  shape.dilation_w = axis(params.dilations(), false, 1);
  shape.pad_top = axis(params.pads_begin(), true, 0);
  shape.pad_left = axis(params.pads_begin(), false, 0);
  shape.x_pixel_stride = x.pixel_stride;
  shape.y_pixel_stride = y.pixel_stride;
  if (x.channels() != shape.in_channels || y.channels() != shape.out_channels || shape.groups < 1 ||
      shape.in_channels % shape.groups != 0 || shape.kernel_h < 1 || shape.kernel_w < 1 ||
      shape.stride_h < 1 || shape.stride_w < 1 || shape.dilation_h < 1 || shape.dilation_w < 1 ||
      y.dims[0] != x.dims[0]) {
    return misfit("a convolution's operands");
  }
  return shape;
}

}  // namespace xinfer::runtime
