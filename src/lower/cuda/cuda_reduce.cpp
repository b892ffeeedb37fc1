// Reductions of any axes to one element each, and the indices of extremes.
#include <algorithm>

#include "kernels/cuda/reduce_kernels.h"
#include "lower/cuda/cuda_lowering.h"

namespace xinfer::lower {
namespace {

using kernels::cuda::KernelSpec;
using kernels::cuda::Operand;
using kernels::cuda::ReduceProblem;

/// A reduction between dense tensors, whose batch is one image where its axis is reduced.
struct Reduced {
  ReduceProblem problem;
  ir::Dim batch;
};

/// `axes` are those of the whole tensor, rising; y has them with size 1, or not at all.
Result<Reduced> reduce_axes(const CudaLowering& cuda, CudaTensor x, CudaTensor y,
                            const std::vector<std::uint32_t>& axes) {
  const bool keeps_axes = cuda.rank(x.id) == cuda.rank(y.id);
  const bool with_batch = !axes.empty() && axes[0] == 0;
  Reduced reduced;
  reduced.problem.dtype = x.dtype;
  reduced.problem.y_dtype = y.dtype;
  if (with_batch) {
    XINFER_ASSIGN_OR_RETURN(x, one_image(x));
    XINFER_ASSIGN_OR_RETURN(y, one_image(y));
  } else {
    reduced.problem.x_image_stride = x.image_stride();
    reduced.problem.y_image_stride = y.image_stride();
  }
  reduced.batch = x.batch;
  const std::size_t first = with_batch ? 0 : 1;
  std::size_t y_axis = 0;
  for (std::size_t i = 0; i < x.dims.size(); ++i) {
    const bool is_reduced =
        std::find(axes.begin(), axes.end(), static_cast<std::uint32_t>(i + first)) != axes.end();
    if (is_reduced) {
      reduced.problem.reduced.push_back({x.dims[i], x.stride(i), 0});
    } else {
      reduced.problem.kept.push_back({x.dims[i], x.stride(i), y.stride(y_axis)});
    }
    if (!is_reduced || keeps_axes) ++y_axis;
  }
  return reduced;
}

Status emit(CudaLowering& cuda, const fb::StepT& step, const CudaTensor& x, const CudaTensor& y,
            const ir::Dim& batch, KernelSpec spec) {
  CudaLaunch launch;
  launch.batch = batch;
  cuda.read(launch, Operand::kInput, x.id);
  cuda.write(launch, Operand::kOutput, y.id);
  return cuda.emit(step, std::move(launch), std::move(spec));
}

}  // namespace

Status emit_reduce(CudaLowering& cuda, const fb::StepT& step, const fb::ReduceT& reduce) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  if (x.is_quantized() || y.is_quantized()) {
    return unsupported("a reduction of INT8 has no CUDA kernel; supported: the mean of all pixels");
  }
  XINFER_ASSIGN_OR_RETURN(const CudaTensor dense, cuda.unpadded(y));
  XINFER_ASSIGN_OR_RETURN(Reduced reduced, reduce_axes(cuda, x, dense, reduce.axes));
  XINFER_ASSIGN_OR_RETURN(
      KernelSpec spec,
      kernels::cuda::reduce_kernel(reduced.problem, static_cast<kernels::ReduceKind>(reduce.kind)));
  XINFER_RETURN_IF_ERROR(emit(cuda, step, x, dense, reduced.batch, std::move(spec)));
  return cuda.pad_rows(step, dense, y);
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ArgReduceT& reduce) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  XINFER_ASSIGN_OR_RETURN(Reduced reduced, reduce_axes(cuda, x, y, {reduce.axis}));
  XINFER_ASSIGN_OR_RETURN(
      KernelSpec spec,
      kernels::cuda::arg_extreme_kernel(reduced.problem, reduce.max, reduce.select_last_index));
  return emit(cuda, step, x, y, reduced.batch, std::move(spec));
}

}  // namespace xinfer::lower
