// Pooling, and averages over all pixels, which are pooling with one window.
#include "kernels/cuda/pool_kernels.h"
#include "kernels/pool/kinds.h"
#include "kernels/reduce/kinds.h"
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

kernels::PoolAxis pool_axis(const fb::PoolT& pool, std::size_t i, const CudaTensor& x,
                            const CudaTensor& y) {
  return {x.dims[i],         y.dims[i],          pool.kernel[i],  pool.strides[i],
          pool.dilations[i], pool.pads_begin[i], pool.pads_end[i]};
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
  const std::size_t spatial = pool.kernel.size();
  kernels::PoolShape shape;
  shape.width = pool_axis(pool, spatial - 1, x, y);
  if (spatial == 2) shape.height = pool_axis(pool, 0, x, y);
  return shape;
}

namespace {

PoolProblem pool_problem(const fb::PoolT& pool) {
  PoolProblem problem;
  problem.kind = static_cast<PoolKind>(pool.kind);
  problem.types.count_include_pad = pool.count_include_pad;
  return problem;
}

/// Pools [N, D, H, W, C] over H and W, with N and D as the batch, then over D. A window's maximum
/// is that of its slices' maxima; its average that of their averages, since a window's elements
/// that count are those of a slice times the slices that count.
Status pool_volume(CudaLowering& cuda, const fb::StepT& step, const fb::PoolT& pool, CudaTensor x,
                   CudaTensor y) {
  PoolProblem slices = pool_problem(pool), depth = slices;
  const bool averages = slices.kind == PoolKind::kAverage;
  if (pool.kernel.size() > 3 || (averages && (x.is_int8() || y.is_int8()))) {
    return unsupported("this pooling over {} axes; supported: 1, 2, and 3 but averages of INT8",
                       pool.kernel.size());
  }
  slices.shape.height = pool_axis(pool, 1, x, y);
  slices.shape.width = pool_axis(pool, 2, x, y);
  depth.shape.height = pool_axis(pool, 0, x, y);
  XINFER_ASSIGN_OR_RETURN(
      CudaTensor pooled,
      cuda.add_tensor(x.dtype, x.scale, x.batch, {x.dims[0], y.dims[1], y.dims[2], x.dims[3]}));
  CudaTensor planes = pooled;
  x.batch = planes.batch = x.batch * ir::Dim(x.dims[0]);
  x.dims.erase(x.dims.begin());
  planes.dims.erase(planes.dims.begin());
  XINFER_RETURN_IF_ERROR(emit_pool(cuda, step, x, planes, slices));
  const std::int64_t pixels = y.dims[1] * y.dims[2];
  depth.shape.width = {pixels, pixels, 1, 1, 1, 0, 0};
  for (CudaTensor* tensor : {&pooled, &y}) {
    tensor->dims = {tensor->dims[0], pixels, tensor->channels()};
  }
  return emit_pool(cuda, step, pooled, y, depth);
}

}  // namespace

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::PoolT& pool) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  if (step.outputs.size() > 1 && step.outputs[1] != kNoTensor) {
    return unsupported("the indices of a max pooling have no CUDA kernel");
  }
  if (pool.kernel.size() > 2) return pool_volume(cuda, step, pool, x, y);
  PoolProblem problem = pool_problem(pool);
  problem.shape = pool_shape(pool, x, y);
  return emit_pool(cuda, step, x, y, problem);
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ReduceT& reduce) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  const auto kind = static_cast<kernels::ReduceKind>(reduce.kind);
  const bool has_pool_types = x.is_float() || x.is_quantized();
  if (kind != kernels::ReduceKind::kMean || !reduces_pixels(reduce, x.dims.size() + 1) ||
      !has_pool_types) {
    return emit_reduce(cuda, step, reduce);
  }
  PoolProblem problem;
  problem.kind = PoolKind::kAverage;
  problem.shape.width = {x.pixels(), 1, x.pixels(), 1, 1, 0, 0};
  return emit_pool(cuda, step, x, y, problem);
}

}  // namespace xinfer::lower
