// Ops that move elements without computing: all of them are strided copies.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "kernels/cuda/move_kernels.h"
#include "kernels/cuda/pointwise_kernels.h"
#include "kernels/elementwise/half.h"
#include "kernels/movement/kinds.h"
#include "lower/cuda/cuda_fusions.h"

namespace xinfer::lower {
namespace {

using kernels::cuda::MoveAxis;
using kernels::cuda::MoveProblem;
using kernels::cuda::Operand;

/// A move whose axis i of y takes axis i of x, from its start; x is the same for every image if it
/// has batch 1 and y has more.
MoveProblem straight_move(const CudaTensor& x, const CudaTensor& y) {
  MoveProblem problem;
  problem.element_bytes = static_cast<int>(size_of(y.dtype));
  problem.in_image_stride = x.batch == y.batch ? x.image_stride() : 0;
  problem.out_image_stride = y.image_stride();
  for (std::size_t i = 0; i < y.dims.size(); ++i) {
    MoveAxis axis;
    axis.out = y.dims[i];
    axis.in = x.dims[i];
    axis.in_stride = x.stride(i);
    axis.out_stride = y.stride(i);
    problem.axes.push_back(axis);
  }
  return problem;
}

Status emit_move(CudaLowering& cuda, const fb::StepT& step, const CudaTensor& x,
                 const CudaTensor& y, MoveProblem problem, std::int64_t out_offset = 0,
                 const std::string& name = "") {
  if (x.dtype != y.dtype) {
    problem.converts = true;
    problem.from = x.dtype;
    problem.to = y.dtype;
  }
  // Rows end with zeros: kernels that read whole 16-byte granules multiply them by zero weights.
  if (!problem.axes.empty() && y.pitch != y.channels() && problem.axes.back().out_stride == 1) {
    MoveAxis& last = problem.axes.back();
    last.in = std::min(last.in, last.start + (last.out - 1) * last.step + 1);
    last.out = y.pitch;
  }
  problem.output_align =
      static_cast<int>(std::gcd<std::int64_t>(16, out_offset * problem.element_bytes));
  CudaLaunch launch;
  launch.name = name;
  launch.batch = y.batch;
  cuda.read(launch, Operand::kInput, x.id);
  cuda.write(launch, Operand::kOutput, y.id, out_offset * problem.element_bytes);
  XINFER_ASSIGN_OR_RETURN(auto spec, kernels::cuda::move_kernel(problem));
  return cuda.emit(step, std::move(launch), std::move(spec));
}

Status batch_must_stay() {
  return unsupported("the first axis, the batch, is moved; supported: the others");
}

/// The value as the bits of an element.
Result<std::uint64_t> fill_bits(double value, const CudaTensor& y) {
  if (value == 0) return std::uint64_t{0};
  const auto single = static_cast<float>(value);
  if (y.dtype == DType::kFloat16) return std::uint64_t{kernels::Float16(single).bits};
  if (y.dtype != DType::kFloat32) {
    return unsupported("padding {} with {}; supported: 0", to_string(y.dtype), value);
  }
  std::uint32_t bits = 0;
  std::memcpy(&bits, &single, sizeof(bits));
  return std::uint64_t{bits};
}

}  // namespace

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::TransposeT& transpose) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  if (!transpose.perm.empty() && transpose.perm[0] != 0) return batch_must_stay();
  if (x.dtype != y.dtype || cuda.stem_block(y.id) > 1) {
    XINFER_ASSIGN_OR_RETURN(const bool done, emit_convert(cuda, step, transpose.perm, x, y));
    if (done) return {};
  }
  MoveProblem problem = straight_move(y, y);
  problem.in_image_stride = x.image_stride();
  for (std::size_t i = 0; i < y.dims.size(); ++i) {
    problem.axes[i].in_stride = x.stride(transpose.perm[i + 1] - 1);
  }
  return emit_move(cuda, step, x, y, std::move(problem));
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::SliceT& slice) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  if (x.batch != y.batch || slice.step[0] != 1) return batch_must_stay();
  MoveProblem problem = straight_move(x, y);
  for (std::size_t i = 0; i < y.dims.size(); ++i) {
    XINFER_ASSIGN_OR_RETURN(problem.axes[i].start, cuda.constant_dim(slice.start[i + 1]));
    problem.axes[i].step = slice.step[i + 1];
  }
  return emit_move(cuda, step, x, y, std::move(problem));
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::PadT& pad) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  if (static_cast<kernels::PadMode>(pad.mode) != kernels::PadMode::kConstant) {
    return unsupported("padding other than by a constant has no CUDA kernel");
  }
  if (x.batch != y.batch) return batch_must_stay();
  MoveProblem problem = straight_move(x, y);
  for (std::size_t i = 0; i < y.dims.size(); ++i) {
    problem.axes[i].start = -pad.pads_begin[i + 1];
  }
  XINFER_ASSIGN_OR_RETURN(problem.fill, fill_bits(pad.value, y));
  if (problem.fill != 0 && y.pitch != y.channels()) {
    return unsupported("padding with a value into rows that are padded with zeros");
  }
  return emit_move(cuda, step, x, y, std::move(problem));
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ExpandT&) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  if (x.batch != y.batch && x.batch != ir::Dim(1)) return batch_must_stay();
  MoveProblem problem = straight_move(x, y);
  for (std::size_t i = 0; i < y.dims.size(); ++i) {
    if (x.dims[i] == y.dims[i]) continue;
    problem.axes[i].in_stride = 0;
    problem.axes[i].in = y.dims[i];
  }
  return emit_move(cuda, step, x, y, std::move(problem));
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::GatherT& gather) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  const TensorId index_id = step.inputs[1];
  if (!cuda.is_constant(index_id)) {
    return unsupported("an index that is computed at run time has no CUDA kernel");
  }
  const auto bytes = cuda.constant_bytes(index_id);
  // An index of no axes takes the axis away, one of shape [1] leaves it with size 1.
  const bool keeps_axis = y.dims.size() == x.dims.size();
  if (bytes.size() != sizeof(std::int64_t) || (!keeps_axis && y.dims.size() + 1 != x.dims.size())) {
    return unsupported("a gather of several indices has no CUDA kernel");
  }
  if (gather.axis == 0) return batch_must_stay();
  std::int64_t index = 0;
  std::memcpy(&index, bytes.data(), sizeof(index));
  const std::size_t axis = gather.axis - 1;
  // One position of the axis stays, as an axis of size 1.
  CudaTensor kept = y;
  if (!keeps_axis) kept.dims.insert(kept.dims.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  MoveProblem problem = straight_move(x, kept);
  problem.out_image_stride = y.image_stride();
  for (std::size_t i = 0; i < x.dims.size(); ++i) {
    if (i != axis) problem.axes[i].out_stride = y.stride(keeps_axis || i < axis ? i : i - 1);
  }
  problem.axes[axis].out_stride = 0;
  problem.axes[axis].start = index < 0 ? index + x.dims[axis] : index;
  return emit_move(cuda, step, x, y, std::move(problem));
}

namespace {

/// Rows of one input into their columns of the output's rows.
Status emit_columns(CudaLowering& cuda, const fb::StepT& step, const std::string& name,
                    const CudaTensor& x, const CudaTensor& y, std::int64_t column, bool is_last) {
  kernels::cuda::ConvertProblem problem;
  problem.shape.pixels = x.pixels();
  problem.shape.channels = x.channels();
  problem.shape.x_pixel_stride = x.pitch;
  problem.shape.y_pixel_stride = y.pitch;
  problem.stored_channels = is_last ? y.pitch - column : x.channels();
  problem.input = x.dtype;
  problem.output = y.dtype;
  const auto bytes = static_cast<std::int64_t>(size_of(y.dtype));
  problem.output_align = static_cast<int>(std::gcd<std::int64_t>(16, column * bytes));
  CudaLaunch launch;
  launch.name = name;
  launch.batch = y.batch;
  cuda.read(launch, Operand::kInput, x.id);
  cuda.write(launch, Operand::kOutput, y.id, column * bytes);
  XINFER_ASSIGN_OR_RETURN(auto spec, kernels::cuda::convert_kernel(problem));
  return cuda.emit(step, std::move(launch), std::move(spec));
}

}  // namespace

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ConcatT& concat) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  if (concat.axis == 0) return batch_must_stay();
  if (can_concatenate_in_one(cuda, step)) return lower_concat_in_one(cuda, step);
  const std::size_t axis = concat.axis - 1;
  std::int64_t position = 0;
  for (std::size_t i = 0; i < step.inputs.size(); ++i) {
    XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[i]));
    if (concat.in_place[i]) {
      position += x.dims[axis];
      continue;
    }
    const std::string name = fmt::format("{} part {}", step.name, i + 1);
    const bool is_last = i + 1 == step.inputs.size();
    const bool rows = axis + 1 == y.dims.size() && x.batch == y.batch && size_of(y.dtype) <= 4 &&
                      (y.is_int8() || y.dtype == DType::kFloat32 || y.dtype == DType::kFloat16);
    if (rows) {
      XINFER_RETURN_IF_ERROR(emit_columns(cuda, step, name, x, y, position, is_last));
    } else {
      if (y.pitch != y.channels() && axis + 1 == y.dims.size()) {
        return unsupported("concatenation into padded rows of {}", to_string(y.dtype));
      }
      MoveProblem problem = straight_move(x, y);
      problem.axes[axis].out = x.dims[axis];
      XINFER_RETURN_IF_ERROR(
          emit_move(cuda, step, x, y, std::move(problem), position * y.stride(axis), name));
    }
    position += x.dims[axis];
  }
  return {};
}

}  // namespace xinfer::lower
