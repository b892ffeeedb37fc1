// u8 images as the network's input.
#include "kernels/cuda/image_kernels.h"
#include "lower/cuda/cuda_lowering.h"

namespace xinfer::lower {

using kernels::cuda::Operand;

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step,
                       const fb::ConvertImageT& convert) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  kernels::cuda::ImageProblem problem;
  problem.in_h = x.dims[0];
  problem.in_w = x.dims[1];
  problem.channels = x.dims[2];
  problem.output = y.dtype;
  problem.y_pixel_stride = problem.stored_channels = y.pitch;
  TensorId target = y.id;
  if (const std::int64_t block = cuda.stem_block(y.id); block > 1) {
    target = cuda.rearranged(y.id);
    XINFER_ASSIGN_OR_RETURN(const CudaTensor blocks, cuda.tensor(target));
    problem.space_to_depth = block;
    problem.y_pixel_stride = problem.stored_channels = blocks.pitch;
  }
  CudaLaunch launch;
  launch.batch = y.batch;
  cuda.read(launch, Operand::kInput, x.id);
  cuda.use(launch, Operand::kInput2, cuda.blobs().add(cuda.rows_of(convert.tables)));
  cuda.write(launch, Operand::kOutput, target);
  XINFER_ASSIGN_OR_RETURN(auto spec, kernels::cuda::image_kernel(problem));
  return cuda.emit(step, std::move(launch), std::move(spec));
}

}  // namespace xinfer::lower
