// Batched products of two operands computed at run time.
#include "kernels/matmul/matmul.h"

#include "runtime/steps/epilogue.h"

namespace xinfer::runtime {
namespace {

using kernels::ConvType;
using kernels::MatmulShape;

class MatmulStep final : public Step {
 public:
  explicit MatmulStep(std::unique_ptr<kernels::Convolution> product)
      : product_(std::move(product)) {}
  Status run(ThreadPool& pool) override {
    product_->run(pool);
    return {};
  }
  const char* kernel() const override { return product_->name(); }
  bool holds_addresses() const override { return true; }

 private:
  std::unique_ptr<kernels::Convolution> product_;
};

/// Offsets of the operand's matrix for every batch index of y, broadcasting size-1 axes.
Result<std::vector<std::int64_t>> batch_offsets(const TensorView& operand, const TensorView& y) {
  const std::size_t batch_axes = y.dims.size() - 2;
  const std::size_t own_axes = operand.dims.size() - 2;
  if (own_axes > batch_axes) return misfit("a product's batch axes");
  std::vector<std::int64_t> strides(batch_axes, 0);
  std::int64_t stride =
      operand.dims[operand.dims.size() - 1] * operand.dims[operand.dims.size() - 2];
  for (std::size_t i = own_axes; i-- > 0;) {
    const std::size_t axis = batch_axes - own_axes + i;
    if (operand.dims[i] != 1 && operand.dims[i] != y.dims[axis]) {
      return misfit("a product's batch axes");
    }
    if (operand.dims[i] != 1) strides[axis] = stride;
    stride *= operand.dims[i];
  }
  std::int64_t batch = 1;
  for (std::size_t axis = 0; axis < batch_axes; ++axis) batch *= y.dims[axis];
  std::vector<std::int64_t> offsets;
  for (std::int64_t i = 0; i < batch; ++i) {
    std::int64_t rest = i, offset = 0;
    for (std::size_t axis = batch_axes; axis-- > 0;) {
      offset += rest % y.dims[axis] * strides[axis];
      rest /= y.dims[axis];
    }
    offsets.push_back(offset);
  }
  return offsets;
}

Result<MatmulShape> matmul_shape(const fb::MatMul& params, const TensorView& a, const TensorView& b,
                                 const TensorView& y) {
  const std::size_t a_rank = a.dims.size(), b_rank = b.dims.size(), y_rank = y.dims.size();
  if (a_rank < 2 || b_rank < 2 || y_rank < 2 || !a.is_dense() || !b.is_dense()) {
    return misfit("a product's operands");
  }
  MatmulShape shape;
  shape.transpose_a = params.transpose_a();
  shape.transpose_b = params.transpose_b();
  shape.m = y.dims[y_rank - 2];
  shape.n = y.dims[y_rank - 1];
  shape.k = a.dims[shape.transpose_a ? a_rank - 2 : a_rank - 1];
  const bool a_fits = a.dims[shape.transpose_a ? a_rank - 1 : a_rank - 2] == shape.m;
  const bool b_fits = b.dims[shape.transpose_b ? b_rank - 2 : b_rank - 1] == shape.n &&
                      b.dims[shape.transpose_b ? b_rank - 1 : b_rank - 2] == shape.k;
  if (!a_fits || !b_fits) return misfit("a product's operands");
  shape.a_row_stride = a.channels();
  shape.b_row_stride = b.channels();
  shape.y_row_stride = y.pixel_stride;
  XINFER_ASSIGN_OR_RETURN(shape.a_offsets, batch_offsets(a, y));
  XINFER_ASSIGN_OR_RETURN(shape.b_offsets, batch_offsets(b, y));
  return shape;
}

Status check_types(ConvType type, DType a, DType b) {
  const bool fits = type == ConvType::kF32    ? a == DType::kFloat32 && b == DType::kFloat32
                    : type == ConvType::kU8S8 ? a == DType::kUInt8 && b == DType::kInt8
                                              : a == DType::kInt8 && b == DType::kInt8;
  return fits ? Status() : misfit("a product's types");
}

}  // namespace

StepResult make_step_of(const StepSource& source, const fb::MatMul& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 2));
  const TensorView& a = *source.input(0);
  const TensorView& b = *source.input(1);
  const TensorView& y = *source.output();
  const auto type = static_cast<ConvType>(params.type());
  XINFER_RETURN_IF_ERROR(check_types(type, a.dtype, b.dtype));
  XINFER_ASSIGN_OR_RETURN(const MatmulShape shape, matmul_shape(params, a, b, y));
  if (y.size() == 0) {
    return call_step([](ThreadPool&) { return Status(); });
  }
  if (kernels::matmul_workspace_size(shape, type) > source.workspace.size()) {
    return misfit("a product without enough workspace");
  }
  kernels::MatmulArguments arguments;
  arguments.a = a.data;
  arguments.b = b.data;
  arguments.y = y.data;
  arguments.workspace = source.workspace.data();
  XINFER_ASSIGN_OR_RETURN(arguments.epilogue, make_epilogue(source, *params.epilogue(), shape.n,
                                                            type != ConvType::kF32));
  XINFER_ASSIGN_OR_RETURN(std::unique_ptr<kernels::Convolution> product,
                          kernels::make_matmul(shape, type, arguments, source.isa, source.threads));
  return std::unique_ptr<Step>(std::make_unique<MatmulStep>(std::move(product)));
}

}  // namespace xinfer::runtime
