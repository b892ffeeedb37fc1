// Conversions between float32 and INT8, byte tables, and additions of INT8 tensors.
#include <utility>

#include "kernels/cuda/pointwise_kernels.h"
#include "lower/cuda/cuda_lowering.h"
#include "quant/requantize.h"

namespace xinfer::lower {
namespace {

using kernels::ChannelOrder;
using kernels::cuda::Operand;

/// The permutations that the convert kernel covers.
enum class Move { kNone, kToChannelsLast, kToPlanar, kOther };

Move classify(const std::vector<std::uint32_t>& perm) {
  const std::size_t rank = perm.size();
  bool none = true, last = rank >= 3, planar = rank >= 3;
  for (std::size_t i = 0; i < rank; ++i) {
    none = none && perm[i] == i;
    last = last && perm[i] == (i == 0 ? 0 : i + 1 < rank ? i + 1 : 1);
    planar = planar && perm[i] == (i == 0 ? 0 : i == 1 ? rank - 1 : i - 1);
  }
  return none     ? Move::kNone
         : last   ? Move::kToChannelsLast
         : planar ? Move::kToPlanar
                  : Move::kOther;
}

float convert_factor(const CudaTensor& x, const CudaTensor& y) {
  if (x.is_int8() && y.is_int8()) return quant::rescale_factor(x.scale, y.scale);
  return x.is_int8() ? x.scale : y.scale;
}

}  // namespace

Status emit_copy(CudaLowering& cuda, const fb::StepT& step, const std::string& name,
                 const CudaTensor& x, const CudaTensor& y) {
  kernels::cuda::ConvertProblem problem;
  problem.shape.pixels = x.pixels();
  problem.shape.channels = x.channels();
  problem.shape.x_pixel_stride = x.pitch;
  problem.shape.y_pixel_stride = problem.stored_channels = y.pitch;
  problem.input = x.dtype;
  problem.output = y.dtype;
  CudaLaunch launch;
  launch.name = name;
  launch.family = "Copy";
  launch.batch = x.batch;
  cuda.read(launch, Operand::kInput, x.id);
  cuda.write(launch, Operand::kOutput, y.id);
  XINFER_ASSIGN_OR_RETURN(auto spec, kernels::cuda::convert_kernel(problem));
  return cuda.emit(step, std::move(launch), std::move(spec));
}

Result<bool> emit_convert(CudaLowering& cuda, const fb::StepT& step,
                          const std::vector<std::uint32_t>& perm, const CudaTensor& x,
                          const CudaTensor& y) {
  const Move move = classify(perm);
  if (move == Move::kOther) return false;
  const CudaTensor& last = move == Move::kToChannelsLast ? y : x;  // [N, spatial…, C]
  kernels::cuda::ConvertProblem problem;
  problem.shape.pixels = last.pixels();
  problem.shape.channels = last.channels();
  if (move == Move::kToChannelsLast) problem.shape.x_order = ChannelOrder::kPlanar;
  if (move == Move::kToPlanar) problem.shape.y_order = ChannelOrder::kPlanar;
  problem.shape.x_pixel_stride = x.pitch;
  problem.shape.y_pixel_stride = y.pitch;
  problem.stored_channels = move == Move::kToPlanar ? 0 : y.pitch;
  problem.input = x.dtype;
  problem.output = y.dtype;
  problem.factor = convert_factor(x, y);
  TensorId target = y.id;
  if (const std::int64_t block = cuda.stem_block(y.id); block > 1) {
    target = cuda.rearranged(y.id);
    XINFER_ASSIGN_OR_RETURN(const CudaTensor blocks, cuda.tensor(target));
    problem.space_to_depth = block;
    problem.in_h = y.dims[0];
    problem.in_w = y.dims[1];
    problem.shape.y_pixel_stride = problem.stored_channels = blocks.pitch;
  }
  CudaLaunch launch;
  launch.batch = y.batch;
  cuda.read(launch, Operand::kInput, x.id);
  cuda.write(launch, Operand::kOutput, target);
  XINFER_ASSIGN_OR_RETURN(auto spec, kernels::cuda::convert_kernel(problem));
  XINFER_RETURN_IF_ERROR(cuda.emit(step, std::move(launch), std::move(spec)));
  return true;
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::QuantizeT& convert) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  XINFER_ASSIGN_OR_RETURN(const bool done, emit_convert(cuda, step, convert.perm, x, y));
  return done ? Status() : unsupported("a conversion with this permutation of axes");
}

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ByteTableT& table) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  kernels::cuda::TableProblem problem;
  problem.pixels = x.pixels();
  problem.channels = x.channels();
  problem.x_pixel_stride = x.pitch;
  problem.y_pixel_stride = problem.stored_channels = y.pitch;
  problem.input = x.dtype;
  problem.output = y.dtype;
  CudaLaunch launch;
  launch.batch = y.batch;
  cuda.read(launch, Operand::kInput, x.id);
  cuda.use(launch, Operand::kInput2, cuda.blobs().add(cuda.rows_of(table.table)));
  cuda.write(launch, Operand::kOutput, y.id);
  XINFER_ASSIGN_OR_RETURN(auto spec, kernels::cuda::table_kernel(problem));
  return cuda.emit(step, std::move(launch), std::move(spec));
}

namespace {

/// How b's dims broadcast to y's: all equal, one row of channels an image, or one row for all.
Result<kernels::ResidualShape> combine_shape(const CudaTensor& a, const CudaTensor& b,
                                             const CudaTensor& y) {
  if (a.dims != y.dims || a.batch != y.batch) {
    return unsupported("both operands are broadcast; supported: one of them");
  }
  kernels::ResidualShape shape;
  shape.pixels = y.pixels();
  shape.channels = y.channels();
  shape.a_pixel_stride = a.pitch;
  shape.y_pixel_stride = y.pitch;
  const bool same_batch = b.batch == y.batch;
  if (b.dims == y.dims && same_batch) {
    shape.b_pixel_stride = b.pitch;
    shape.b_batch_stride = b.pitch * shape.pixels;
    return shape;
  }
  if (b.channels() != y.channels() || b.pixels() != 1 || (!same_batch && b.batch != ir::Dim(1))) {
    return unsupported(
        "this broadcasting; supported: equal shapes, a row of channels an image, a "
        "row for all");
  }
  shape.b_pixel_stride = 0;
  shape.b_batch_stride = same_batch ? b.pitch : 0;
  return shape;
}

}  // namespace

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::QuantizedBinaryT& op) {
  XINFER_ASSIGN_OR_RETURN(CudaTensor a, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(CudaTensor b, cuda.tensor(step.inputs[1]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  if (a.dims != y.dims || a.batch != y.batch) std::swap(a, b);  // both ops commute
  kernels::cuda::CombineProblem problem;
  XINFER_ASSIGN_OR_RETURN(problem.shape, combine_shape(a, b, y));
  problem.stored_channels = y.pitch;
  kernels::ResidualParameters& parameters = problem.parameters;
  parameters.op = op.multiply ? kernels::ResidualOp::kMultiply : kernels::ResidualOp::kAdd;
  parameters.a_dtype = a.dtype;
  parameters.b_dtype = b.dtype;
  parameters.y_dtype = y.dtype;
  const float y_scale = y.is_int8() ? y.scale : 1.0f;
  if (op.multiply) {
    parameters.a_factor = quant::rescale_factor(double{a.scale} * double{b.scale}, y_scale);
  } else {
    parameters.a_factor = quant::rescale_factor(a.scale, y_scale);
    parameters.b_factor = quant::rescale_factor(b.scale, y_scale);
  }
  if (op.clip) {
    parameters.clip_low = op.low;
    parameters.clip_high = op.high;
  }
  CudaLaunch launch;
  launch.batch = y.batch;
  cuda.read(launch, Operand::kInput, a.id);
  cuda.read(launch, Operand::kInput2, b.id);
  cuda.write(launch, Operand::kOutput, y.id);
  XINFER_ASSIGN_OR_RETURN(auto spec, kernels::cuda::combine_kernel(problem));
  return cuda.emit(step, std::move(launch), std::move(spec));
}

}  // namespace xinfer::lower
