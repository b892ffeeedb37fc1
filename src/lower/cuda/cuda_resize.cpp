// Resize of images over height and width.
#include "kernels/cuda/resize_kernels.h"
#include "lower/cuda/cuda_lowering.h"
#include "quant/requantize.h"

namespace xinfer::lower {
namespace {

using kernels::ResizeAxis;
using kernels::cuda::Operand;
using kernels::cuda::ResizeProblem;

/// Axis `index` of [N, H, W, C], with the scale that the coordinates use.
ResizeAxis axis_of(const fb::ResizeT& resize, std::size_t index, std::int64_t in,
                   std::int64_t out) {
  ResizeAxis axis;
  axis.in = in;
  axis.out = out;
  axis.scale = !resize.scales.empty() ? resize.scales[index]
                                      : static_cast<double>(out) / static_cast<double>(in);
  return axis;
}

kernels::ResizeParameters parameters_of(const fb::ResizeT& resize, const CudaTensor& x,
                                        const CudaTensor& y) {
  kernels::ResizeParameters p;
  p.mode = static_cast<kernels::ResizeMode>(resize.mode);
  p.coordinates = static_cast<kernels::CoordinateMode>(resize.coordinates);
  p.nearest = static_cast<kernels::NearestMode>(resize.nearest);
  p.cubic_coefficient = resize.cubic_coefficient;
  p.antialias = resize.antialias;
  p.exclude_outside = resize.exclude_outside;
  p.x_dtype = x.dtype;
  p.y_dtype = y.dtype;
  if (x.is_int8()) p.factor = y.is_int8() ? quant::rescale_factor(x.scale, y.scale) : x.scale;
  return p;
}

}  // namespace

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ResizeT& resize) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  if (x.dims.size() != 3) {
    return unsupported("Resize of rank {} has no CUDA kernel; supported: 4", x.dims.size() + 1);
  }
  const bool keeps_batch = x.batch == y.batch && (resize.scales.empty() || resize.scales[0] == 1);
  const ResizeAxis channels = axis_of(resize, 3, x.dims[2], y.dims[2]);
  if (!keeps_batch || channels.in != channels.out || channels.scale != 1) {
    return unsupported("Resize of other axes than height and width has no CUDA kernel");
  }
  ResizeProblem problem;
  problem.height = axis_of(resize, 1, x.dims[0], y.dims[0]);
  problem.width = axis_of(resize, 2, x.dims[1], y.dims[1]);
  problem.parameters = parameters_of(resize, x, y);
  problem.channels = x.channels();
  problem.x_pixel_stride = x.pitch;
  problem.y_pixel_stride = y.pitch;
  problem.stored_channels = y.own_channels();
  XINFER_ASSIGN_OR_RETURN(auto spec, kernels::cuda::resize_kernel(problem));
  const std::vector<std::uint32_t> table = kernels::cuda::resize_table(problem);
  CudaLaunch launch;
  launch.batch = y.batch;
  cuda.read(launch, Operand::kInput, x.id);
  cuda.use(launch, Operand::kWeights, cuda.blobs().add(std::span<const std::uint32_t>(table)));
  cuda.write(launch, Operand::kOutput, y.id);
  return cuda.emit(step, std::move(launch), std::move(spec));
}

}  // namespace xinfer::lower
