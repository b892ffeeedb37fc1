// Ops that move elements without computing: all of them are strided copies.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <span>

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

/// The bits of an element, of which the low bytes are stored.
template <typename T>
std::uint64_t bits_of(T value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(value));
  return bits;
}

/// The value as the bits of an element; integers are exact up to 2^53.
std::uint64_t fill_bits(double value, DType dtype) {
  if (dtype == DType::kFloat64) return bits_of(value);
  if (dtype == DType::kFloat32) return bits_of(static_cast<float>(value));
  if (dtype == DType::kFloat16) return kernels::Float16(static_cast<float>(value)).bits;
  return bits_of(static_cast<std::int64_t>(value)) & ~std::uint64_t{0} >> (64 - 8 * size_of(dtype));
}

/// Puts the batch among the axes of both where the move changes it.
Status join_batch(CudaTensor& x, CudaTensor& y) {
  XINFER_ASSIGN_OR_RETURN(x, one_image(x));
  XINFER_ASSIGN_OR_RETURN(y, one_image(y));
  return {};
}

}  // namespace

Status emit_transpose(CudaLowering& cuda, const fb::StepT& step, const std::string& name,
                      const CudaTensor& x, const CudaTensor& y,
                      const std::vector<std::size_t>& perm) {
  MoveProblem problem = straight_move(y, y);
  problem.in_image_stride = x.image_stride();
  for (std::size_t i = 0; i < perm.size(); ++i) problem.axes[i].in_stride = x.stride(perm[i]);
  return emit_move(cuda, step, x, y, std::move(problem), 0, name);
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::TransposeT& transpose) {
  XINFER_ASSIGN_OR_RETURN(CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(CudaTensor y, cuda.tensor(step.outputs[0]));
  std::vector<std::size_t> perm(transpose.perm.begin(), transpose.perm.end());
  if (!perm.empty() && perm[0] != 0) {
    XINFER_RETURN_IF_ERROR(join_batch(x, y));
    return emit_transpose(cuda, step, step.name, x, y, perm);
  }
  if (x.dtype != y.dtype || cuda.stem_block(y.id) > 1) {
    XINFER_ASSIGN_OR_RETURN(const bool done, emit_convert(cuda, step, transpose.perm, x, y));
    if (done) return {};
  }
  if (!perm.empty()) perm.erase(perm.begin());
  for (std::size_t& axis : perm) --axis;
  return emit_transpose(cuda, step, step.name, x, y, perm);
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::SliceT& slice) {
  XINFER_ASSIGN_OR_RETURN(CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  CudaTensor target = y;
  // Rows that are read backwards have no end at which the move's zeros could lie.
  if (slice.step.back() < 0) {
    XINFER_ASSIGN_OR_RETURN(target, cuda.unpadded(y));
  }
  const CudaTensor written = target;
  const bool with_batch = x.batch != y.batch || slice.step[0] != 1;
  if (with_batch) XINFER_RETURN_IF_ERROR(join_batch(x, target));
  MoveProblem problem = straight_move(x, target);
  for (std::size_t i = 0; i < target.dims.size(); ++i) {
    const std::size_t axis = i + (with_batch ? 0 : 1);
    XINFER_ASSIGN_OR_RETURN(problem.axes[i].start, cuda.constant_dim(slice.start[axis]));
    problem.axes[i].step = slice.step[axis];
  }
  XINFER_RETURN_IF_ERROR(emit_move(cuda, step, x, target, std::move(problem)));
  return cuda.pad_rows(step, written, y);
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::PadT& pad) {
  if (static_cast<kernels::PadMode>(pad.mode) != kernels::PadMode::kConstant) {
    return emit_repeating_pad(cuda, step, pad);
  }
  XINFER_ASSIGN_OR_RETURN(CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  CudaTensor target = y;
  // Rows are padded with zeros, not with the value, which has x's type.
  if (pad.value != 0) {
    XINFER_ASSIGN_OR_RETURN(target, cuda.unpadded_of_type(x, y));
  }
  const CudaTensor written = target;
  const bool with_batch = x.batch != y.batch || pad.pads_begin[0] != 0;
  if (with_batch) XINFER_RETURN_IF_ERROR(join_batch(x, target));
  MoveProblem problem = straight_move(x, target);
  for (std::size_t i = 0; i < target.dims.size(); ++i) {
    problem.axes[i].start = -pad.pads_begin[i + (with_batch ? 0 : 1)];
  }
  problem.fill = fill_bits(pad.value, target.dtype);
  XINFER_RETURN_IF_ERROR(emit_move(cuda, step, x, target, std::move(problem)));
  return cuda.pad_rows(step, written, y);
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ExpandT&) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  MoveProblem problem = straight_move(x, y);
  for (std::size_t i = 0; i < y.dims.size(); ++i) {
    if (x.dims[i] == y.dims[i]) continue;
    problem.axes[i].in_stride = 0;
    problem.axes[i].in = y.dims[i];
  }
  return emit_move(cuda, step, x, y, std::move(problem));
}

namespace {

template <typename T>
std::optional<std::int64_t> single_value(std::span<const std::byte> bytes) {
  T value;
  if (bytes.size() != sizeof(value)) return std::nullopt;
  std::memcpy(&value, bytes.data(), sizeof(value));
  return value;
}

/// The index that a constant of one element holds.
Result<std::optional<std::int64_t>> constant_index(const CudaLowering& cuda, TensorId id) {
  if (!cuda.is_constant(id)) return std::optional<std::int64_t>();
  XINFER_ASSIGN_OR_RETURN(const CudaTensor indices, cuda.tensor(id));
  const std::span<const std::byte> bytes = cuda.constant_bytes(id);
  return indices.dtype == DType::kInt32 ? single_value<std::int32_t>(bytes)
                                        : single_value<std::int64_t>(bytes);
}

}  // namespace

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::GatherT& gather) {
  XINFER_ASSIGN_OR_RETURN(const auto index, constant_index(cuda, step.inputs[1]));
  // A constant index is part of the move.
  if (gather.axis == 0 || !index) return emit_gather(cuda, step, gather);
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor result, cuda.tensor(step.outputs[0]));
  // An index of no axes takes the axis away, one of shape [1] leaves it with size 1.
  const bool keeps_axis = result.dims.size() == x.dims.size();
  if (!keeps_axis && result.dims.size() + 1 != x.dims.size()) {
    return emit_gather(cuda, step, gather);
  }
  const std::size_t axis = gather.axis - 1;
  CudaTensor y = result;
  // Without x's rows the move knows no rows of y.
  if (axis + 1 == x.dims.size()) {
    XINFER_ASSIGN_OR_RETURN(y, cuda.unpadded(result));
  }
  // One position of the axis stays, as an axis of size 1.
  CudaTensor kept = y;
  if (!keeps_axis) kept.dims.insert(kept.dims.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  MoveProblem problem = straight_move(x, kept);
  problem.out_image_stride = y.image_stride();
  for (std::size_t i = 0; i < x.dims.size(); ++i) {
    if (i != axis) problem.axes[i].out_stride = y.stride(keeps_axis || i < axis ? i : i - 1);
  }
  problem.axes[axis].out_stride = 0;
  problem.axes[axis].start = *index < 0 ? *index + x.dims[axis] : *index;
  XINFER_RETURN_IF_ERROR(emit_move(cuda, step, x, y, std::move(problem)));
  return cuda.pad_rows(step, y, result);
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
  if (can_concatenate_in_one(cuda, step)) return lower_concat_in_one(cuda, step);
  XINFER_ASSIGN_OR_RETURN(CudaTensor y, cuda.tensor(step.outputs[0]));
  const bool with_batch = concat.axis == 0;
  if (with_batch) {
    XINFER_ASSIGN_OR_RETURN(y, one_image(y));
  }
  const std::size_t axis = with_batch ? 0 : concat.axis - 1;
  std::int64_t position = 0;
  for (std::size_t i = 0; i < step.inputs.size(); ++i) {
    XINFER_ASSIGN_OR_RETURN(CudaTensor x, cuda.tensor(step.inputs[i]));
    if (with_batch) {
      XINFER_ASSIGN_OR_RETURN(x, one_image(x));
    }
    if (x.dims[axis] == 0) continue;
    if (concat.in_place[i]) {
      position += x.dims[axis];
      continue;
    }
    const std::string name = fmt::format("{} part {}", step.name, i + 1);
    const bool is_last = position + x.dims[axis] == y.dims[axis];  // parts behind it are empty
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
