// Gather, and paddings that repeat elements, which are gathers with constant indices.
#include <cstring>
#include <utility>

#include "kernels/cuda/gather_kernels.h"
#include "kernels/movement/kinds.h"
#include "lower/cuda/cuda_lowering.h"

namespace xinfer::lower {
namespace {

using kernels::PadMode;
using kernels::cuda::GatherProblem;
using kernels::cuda::Operand;

/// The axes of a gather between a dense x and a dense y, and which axis of both is the batch.
struct Gathered {
  GatherProblem problem;
  ir::Dim batch = 1;
};

/// Appends axes of x, from `first` to before `last`.
void add_axes_of_x(const CudaTensor& x, std::size_t first, std::size_t last,
                   GatherProblem& problem) {
  for (std::size_t i = first; i < last; ++i) problem.axes.push_back({x.dims[i], x.stride(i), 0, 0});
}

void add_axes_of_indices(const CudaTensor& indices, std::size_t first, GatherProblem& problem) {
  for (std::size_t i = first; i < indices.dims.size(); ++i) {
    problem.axes.push_back({indices.dims[i], 0, indices.stride(i), 0});
  }
}

/// y's strides, for the axes in order.
void set_strides_of_y(const CudaTensor& y, GatherProblem& problem) {
  for (std::size_t i = 0; i < problem.axes.size(); ++i) problem.axes[i].y_stride = y.stride(i);
}

/// y [x's axes before `axis`, the indices' axes, x's axes behind it].
Result<Gathered> gather_along(const CudaTensor& x, const CudaTensor& indices,
                              std::size_t index_rank, const CudaTensor& y, std::size_t axis) {
  Gathered gathered;
  GatherProblem& problem = gathered.problem;
  XINFER_ASSIGN_OR_RETURN(const CudaTensor all_indices, one_image(indices));
  const std::size_t first_index = index_rank == 0 ? 1 : 0;  // one_image gives a scalar an axis
  if (axis > 0) {
    gathered.batch = y.batch;
    problem.x_image_stride = x.image_stride();
    problem.y_image_stride = y.image_stride();
    add_axes_of_x(x, 0, axis - 1, problem);
    add_axes_of_indices(all_indices, first_index, problem);
    add_axes_of_x(x, axis, x.dims.size(), problem);
    problem.axis_size = x.dims[axis - 1];
    problem.axis_stride = x.stride(axis - 1);
    set_strides_of_y(y, problem);
    return gathered;
  }
  XINFER_ASSIGN_OR_RETURN(const CudaTensor all_x, one_image(x));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor all_y, one_image(y));
  add_axes_of_indices(all_indices, first_index, problem);
  add_axes_of_x(all_x, 1, all_x.dims.size(), problem);
  problem.axis_size = all_x.dims[0];
  problem.axis_stride = all_x.stride(0);
  set_strides_of_y(all_y, problem);
  return gathered;
}

/// Rows of a table that a batch of indices names: y [batch, the indices' other axes, x's others].
Result<Gathered> gather_rows(const CudaTensor& x, const CudaTensor& indices, const CudaTensor& y) {
  Gathered gathered;
  GatherProblem& problem = gathered.problem;
  XINFER_ASSIGN_OR_RETURN(const CudaTensor table, one_image(x));
  gathered.batch = y.batch;
  problem.index_image_stride = indices.image_stride();
  problem.y_image_stride = y.image_stride();
  add_axes_of_indices(indices, 0, problem);
  add_axes_of_x(table, 1, table.dims.size(), problem);
  problem.axis_size = table.dims[0];
  problem.axis_stride = table.stride(0);
  set_strides_of_y(y, problem);
  return gathered;
}

Status emit(CudaLowering& cuda, const fb::StepT& step, CudaLaunch launch, const CudaTensor& y,
            GatherProblem problem) {
  problem.element_bytes = static_cast<int>(size_of(y.dtype));
  cuda.write(launch, Operand::kOutput, y.id);
  XINFER_ASSIGN_OR_RETURN(auto spec, kernels::cuda::gather_kernel(problem));
  return cuda.emit(step, std::move(launch), std::move(spec));
}

/// The index that stands for `at`, which may be outside [0, size).
std::int64_t index_inside(PadMode mode, std::int64_t at, std::int64_t size) {
  if (mode == PadMode::kEdge) return std::min(std::max<std::int64_t>(at, 0), size - 1);
  const std::int64_t period =
      mode == PadMode::kWrap ? size : std::max<std::int64_t>(2 * size - 2, 1);
  const std::int64_t folded = (at % period + period) % period;
  return folded < size ? folded : period - folded;
}

/// The launch that pads one axis of x, which makes y.
Status pad_axis(CudaLowering& cuda, const fb::StepT& step, PadMode mode, const CudaTensor& x,
                const CudaTensor& y, std::size_t axis, std::int64_t begin) {
  GatherProblem problem;
  problem.x_image_stride = x.image_stride();
  problem.y_image_stride = y.image_stride();
  problem.axis_size = x.dims[axis];
  problem.axis_stride = x.stride(axis);
  for (std::size_t i = 0; i < y.dims.size(); ++i) {
    problem.axes.push_back(
        {y.dims[i], i == axis ? 0 : x.stride(i), i == axis ? 1 : 0, y.stride(i)});
  }
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < y.dims[axis]; ++i) {
    indices.push_back(index_inside(mode, i - begin, x.dims[axis]));
  }
  CudaLaunch launch;
  launch.name = fmt::format("{} axis {}", step.name, axis);
  launch.batch = y.batch;
  cuda.read(launch, Operand::kInput, x.id);
  cuda.use(launch, Operand::kInput2, cuda.blobs().add(std::span<const std::int64_t>(indices)));
  return emit(cuda, step, std::move(launch), y, problem);
}

}  // namespace

Status emit_gather(CudaLowering& cuda, const fb::StepT& step, const fb::GatherT& gather) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor indices, cuda.tensor(step.inputs[1]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor dense, cuda.unpadded_of_type(x, y));
  const bool rows = gather.axis == 0 && !indices.batch.is_constant();
  XINFER_ASSIGN_OR_RETURN(Gathered gathered, rows ? gather_rows(x, indices, dense)
                                                  : gather_along(x, indices, cuda.rank(indices.id),
                                                                 dense, gather.axis));
  gathered.problem.index_dtype = indices.dtype;
  CudaLaunch launch;
  launch.batch = gathered.batch;
  cuda.read(launch, Operand::kInput, x.id);
  cuda.read(launch, Operand::kInput2, indices.id);
  XINFER_RETURN_IF_ERROR(emit(cuda, step, std::move(launch), dense, gathered.problem));
  return cuda.pad_rows(step, dense, y);
}

Status emit_repeating_pad(CudaLowering& cuda, const fb::StepT& step, const fb::PadT& pad) {
  XINFER_ASSIGN_OR_RETURN(CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor dense, cuda.unpadded_of_type(x, y));
  CudaTensor target = dense;
  const bool with_batch = x.batch != y.batch || pad.pads_begin[0] != 0 || x.dims.empty();
  if (with_batch) {
    XINFER_ASSIGN_OR_RETURN(x, one_image(x));
    XINFER_ASSIGN_OR_RETURN(target, one_image(dense));
  }
  std::vector<std::size_t> axes;
  for (std::size_t i = 0; i < x.dims.size(); ++i) {
    if (x.dims[i] != target.dims[i] || pad.pads_begin[i + (with_batch ? 0 : 1)] != 0) {
      axes.push_back(i);
    }
  }
  if (axes.empty()) axes.push_back(0);
  for (const std::size_t axis : axes) {
    CudaTensor next = target;
    if (axis != axes.back()) {
      std::vector<std::int64_t> dims = x.dims;
      dims[axis] = target.dims[axis];
      XINFER_ASSIGN_OR_RETURN(next, cuda.add_tensor(x.dtype, x.scale, x.batch, dims));
    }
    XINFER_RETURN_IF_ERROR(pad_axis(cuda, step, static_cast<PadMode>(pad.mode), x, next, axis,
                                    pad.pads_begin[axis + (with_batch ? 0 : 1)]));
    x = next;
  }
  return cuda.pad_rows(step, dense, y);
}

}  // namespace xinfer::lower
