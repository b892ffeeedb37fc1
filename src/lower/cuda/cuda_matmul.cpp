// Products of two operands that are computed at run time.
#include "kernels/cuda/matmul_kernels.h"
#include "lower/cuda/cuda_weights.h"

namespace xinfer::lower {
namespace {

using kernels::cuda::MatmulAxis;
using kernels::cuda::MatmulProblem;
using kernels::cuda::Operand;

/// An operand of fewer axes than y, or a matrix whose first axis is no batch: as one image with
/// axes of size 1 before its own until they are `axes`.
Result<CudaTensor> as_matrices(const CudaTensor& x, std::size_t axes) {
  XINFER_ASSIGN_OR_RETURN(CudaTensor result, one_image(x));
  while (result.dims.size() < axes) result.dims.insert(result.dims.begin(), 1);
  return result;
}

/// Gives the operands of a product the axes of y, two at least behind the batch.
Status align_axes(const CudaLowering& cuda, CudaTensor& a, CudaTensor& b, CudaTensor& y) {
  const std::size_t rank = cuda.rank(y.id);
  const bool rows_of_batch = rank == 2 && !y.batch.is_constant();
  if (rank == 2 && !rows_of_batch) {
    XINFER_ASSIGN_OR_RETURN(y, one_image(y));
  } else if (rows_of_batch) {  // every row is an image
    y.dims.insert(y.dims.begin(), 1);
    a.dims.insert(a.dims.begin(), 1);
  }
  const bool keeps_a = rows_of_batch || (rank > 2 && cuda.rank(a.id) == rank);
  if (!keeps_a) {
    XINFER_ASSIGN_OR_RETURN(a, as_matrices(a, y.dims.size()));
  }
  if (rank == 2 || cuda.rank(b.id) < rank) {
    XINFER_ASSIGN_OR_RETURN(b, as_matrices(b, y.dims.size()));
  }
  return {};
}

/// Batch axes within an image, each operand broadcast where it has size 1.
std::vector<MatmulAxis> outer_axes(const CudaTensor& a, const CudaTensor& b, const CudaTensor& y) {
  std::vector<MatmulAxis> axes;
  for (std::size_t i = 0; i + 2 < y.dims.size(); ++i) {
    axes.push_back({y.dims[i], a.dims[i] == 1 ? 0 : a.stride(i), b.dims[i] == 1 ? 0 : b.stride(i)});
  }
  return axes;
}

/// The values and zeros behind them.
fb::Blob add_table(CudaLowering& cuda, std::span<const float> values, std::int64_t n) {
  std::vector<float> table(static_cast<std::size_t>(kernels::cuda::matmul_table_length(n)), 0.0f);
  std::copy(values.begin(), values.end(), table.begin());
  return cuda.blobs().add(std::span<const float>(table));
}

}  // namespace

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::MatMulT& matmul) {
  XINFER_ASSIGN_OR_RETURN(CudaTensor a, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(CudaTensor b, cuda.tensor(step.inputs[1]));
  XINFER_ASSIGN_OR_RETURN(CudaTensor y, cuda.tensor(step.outputs[0]));
  XINFER_RETURN_IF_ERROR(align_axes(cuda, a, b, y));
  MatmulProblem problem;
  problem.outer = outer_axes(a, b, y);
  XINFER_ASSIGN_OR_RETURN(problem.a_image_stride, image_stride(a, y));
  XINFER_ASSIGN_OR_RETURN(problem.b_image_stride, image_stride(b, y));
  const std::size_t rows = y.dims.size() - 2, columns = rows + 1;
  problem.m = y.dims[rows];
  problem.n = y.dims[columns];
  problem.k = a.dims[matmul.transpose_a ? rows : columns];
  problem.a_dtype = a.dtype;
  problem.b_dtype = b.dtype;
  problem.a_row_stride = a.stride(matmul.transpose_a ? columns : rows);
  problem.a_column_stride = a.stride(matmul.transpose_a ? rows : columns);
  problem.b_row_stride = b.stride(matmul.transpose_b ? columns : rows);
  problem.b_column_stride = b.stride(matmul.transpose_b ? rows : columns);
  problem.y_pitch = y.pitch;
  problem.epilogue.output_dtype = y.dtype;
  problem.epilogue.multiplier = a.is_int8() ? &kPresent : nullptr;
  const fb::EpilogueT& epilogue = *matmul.epilogue;
  CudaLaunch launch;
  launch.batch = y.batch;
  cuda.read(launch, Operand::kInput, a.id);
  cuda.read(launch, Operand::kInput2, b.id);
  if (a.is_int8()) {
    cuda.use(launch, Operand::kMultiplier,
             add_table(cuda, cuda.values_of<float>(epilogue.multiplier), problem.n));
  }
  cuda.use(launch, Operand::kBias,
           add_table(cuda, cuda.values_of<float>(epilogue.bias), problem.n));
  for (const auto& part : epilogue.steps) {
    XINFER_RETURN_IF_ERROR(add_epilogue_step(cuda, step, *part, launch, problem.epilogue));
  }
  cuda.write(launch, Operand::kOutput, y.id);
  XINFER_ASSIGN_OR_RETURN(auto spec, kernels::cuda::matmul_kernel(problem));
  return cuda.emit(step, std::move(launch), std::move(spec));
}

}  // namespace xinfer::lower
