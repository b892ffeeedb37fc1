// Other forms of tensors: aligned or dense rows, the batch as one image.
#include "lower/cuda/cuda_lowering.h"

namespace xinfer::lower {

Result<CudaTensor> one_image(const CudaTensor& x) {
  if (!x.batch.is_constant()) {
    return unsupported("the first axis, the batch, {}, is moved; supported where it is constant",
                       x.batch.to_string());
  }
  CudaTensor result = x;
  if (x.dims.empty()) result.pitch = x.batch.constant();
  result.dims.insert(result.dims.begin(), x.batch.constant());
  result.batch = ir::Dim(1);
  return result;
}

Result<std::int64_t> image_stride(const CudaTensor& x, const CudaTensor& y) {
  if (x.batch == y.batch) return x.image_stride();
  if (x.batch == ir::Dim(1)) return std::int64_t{0};
  return unsupported("operands with different batches");
}

Result<CudaTensor> CudaLowering::aligned_tensor(TensorId id, DType dtype, const fb::StepT& step) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, tensor(id));
  const std::int64_t pitch = aligned_pitch(x.channels(), dtype);
  if (x.dtype == dtype && x.pitch % aligned_pitch(1, dtype) == 0) return x;
  const TensorId copy = source_.add_tensor(dtype, x.scale, source_.shape_of(id));
  made(copy).pixel_stride = static_cast<std::uint64_t>(pitch);
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, tensor(copy));
  const char* change = x.dtype == dtype ? " input aligned" : " input converted";
  XINFER_RETURN_IF_ERROR(emit_copy(*this, step, step.name + change, x, y));
  return y;
}

Result<CudaTensor> CudaLowering::add_tensor(DType dtype, float scale, const ir::Dim& batch,
                                            const std::vector<std::int64_t>& dims) {
  ir::SymbolicShape shape = {batch};
  shape.insert(shape.end(), dims.begin(), dims.end());
  return tensor(source_.add_tensor(dtype, scale, shape));
}

Result<CudaTensor> CudaLowering::unpadded(const CudaTensor& y) {
  if (y.dims.empty() || y.pitch == y.channels()) return y;
  return add_tensor(y.dtype, y.scale, y.batch, y.dims);
}

Result<CudaTensor> CudaLowering::unpadded_of_type(const CudaTensor& x, const CudaTensor& y) {
  const bool converts = x.dtype != y.dtype && x.is_float() && y.is_float();
  return converts ? add_tensor(x.dtype, x.scale, y.batch, y.dims) : unpadded(y);
}

Status CudaLowering::pad_rows(const fb::StepT& step, const CudaTensor& written,
                              const CudaTensor& y) {
  if (written.id == y.id) return Status();
  return emit_copy(*this, step, step.name + " rows padded", written, y);
}

Result<CudaTensor> CudaLowering::dense_tensor(const CudaTensor& x, const fb::StepT& step) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor dense, unpadded(x));
  if (dense.id == x.id) return x;
  XINFER_RETURN_IF_ERROR(emit_copy(*this, step, step.name + " input dense", x, dense));
  return dense;
}

}  // namespace xinfer::lower
