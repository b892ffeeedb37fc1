// Pooling, and averages over all pixels, which are pooling with one window.
#include "kernels/cuda/pool_kernels.h"
#include "kernels/pool/kinds.h"
#include "kernels/reduce/kinds.h"
#include "kernels/reduce/reduce.h"
#include "lower/cuda/cuda_lowering.h"

namespace xinfer::lower {
namespace {

using kernels::PoolKind;
using kernels::cuda::Operand;
using kernels::cuda::PoolProblem;

Status emit_pool(CudaLowering& cuda, const fb::StepT& step, const CudaTensor& x,
                 const CudaTensor& y, PoolProblem problem) {
  problem.shape.channels = x.channels();
  problem.shape.x_pixel_stride = x.pitch;
  problem.shape.y_pixel_stride = y.pitch;
  problem.stored_channels = y.own_channels();
  problem.types.x_dtype = x.dtype;
  problem.types.y_dtype = y.dtype;
  problem.types.x_scale = x.scale;
  problem.types.y_scale = y.scale;
  CudaLaunch launch;
  launch.batch = y.batch;
  cuda.read(launch, Operand::kInput, x.id);
  if (problem.kind == PoolKind::kAverage && x.is_int8()) {
    const std::vector<float> factors = kernels::cuda::pool_factors(problem);
    cuda.use(launch, Operand::kMultiplier, cuda.blobs().add(std::span<const float>(factors)));
  }
  cuda.write(launch, Operand::kOutput, y.id);
  XINFER_ASSIGN_OR_RETURN(auto spec, kernels::cuda::pool_kernel(problem));
  return cuda.emit(step, std::move(launch), std::move(spec));
}

}  // namespace

bool reduces_pixels(const fb::ReduceT& reduce, std::size_t rank) {
  if (rank < 3 || reduce.axes.size() != rank - 2) return false;
  for (std::size_t i = 0; i < reduce.axes.size(); ++i) {
    if (reduce.axes[i] != i + 1) return false;
  }
  return true;
}

kernels::PoolShape pool_shape(const fb::PoolT& pool, const CudaTensor& x, const CudaTensor& y) {
  const auto axis = [&](std::size_t i) {
    return kernels::PoolAxis{x.dims[i],       y.dims[i],         pool.kernel[i],
                             pool.strides[i], pool.dilations[i], pool.pads_begin[i],
                             pool.pads_end[i]};
  };
  const std::size_t spatial = pool.kernel.size();
  kernels::PoolShape shape;
  shape.width = axis(spatial - 1);
  if (spatial == 2) shape.height = axis(0);
  return shape;
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::PoolT& pool) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  if (step.outputs.size() > 1 && step.outputs[1] != kNoTensor) {
    return unsupported("the indices of a max pooling have no CUDA kernel");
  }
  const std::size_t spatial = pool.kernel.size();
  if (spatial > 2) return unsupported("pooling over {} axes; supported: 1, 2", spatial);
  PoolProblem problem;
  problem.kind = static_cast<PoolKind>(pool.kind);
  problem.types.count_include_pad = pool.count_include_pad;
  problem.shape = pool_shape(pool, x, y);
  return emit_pool(cuda, step, x, y, problem);
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ReduceT& reduce) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  const auto kind = static_cast<kernels::ReduceKind>(reduce.kind);
  if (kind != kernels::ReduceKind::kMean || !reduces_pixels(reduce, x.dims.size() + 1)) {
    return unsupported(
        "reduction {} over these axes has no CUDA kernel; supported: the mean of "
        "all pixels",
        kernels::to_string(kind));
  }
  PoolProblem problem;
  problem.kind = PoolKind::kAverage;
  problem.shape.width = {x.pixels(), 1, x.pixels(), 1, 1, 0, 0};
  return emit_pool(cuda, step, x, y, problem);
}

}  // namespace xinfer::lower
