// Softmax and layer normalisation.
#include "kernels/normalize/normalize.h"

#include "kernels/softmax/softmax.h"
#include "runtime/steps/families.h"

namespace xinfer::runtime {

StepResult make_step_of(const StepSource& source, const fb::Softmax& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  const TensorView* x = source.input(0);
  const TensorView* y = source.output();
  if (params.axis() >= x->dims.size() || x->dims != y->dims || x->dtype != DType::kFloat32 ||
      !x->is_dense() || !y->is_dense()) {
    return misfit("a softmax's operands");
  }
  std::int64_t outer = 1, inner = 1;
  for (std::uint32_t axis = 0; axis < x->dims.size(); ++axis) {
    if (axis < params.axis()) outer *= x->dims[axis];
    if (axis > params.axis()) inner *= x->dims[axis];
  }
  const kernels::SoftmaxShape shape =
      kernels::dense_softmax_shape(outer, x->dims[params.axis()], inner);
  kernels::SoftmaxParameters parameters;
  parameters.log = params.log();
  parameters.y_dtype = y->dtype;
  parameters.y_scale = y->scale;
  const CpuIsa isa = source.isa;
  return call_step([=](ThreadPool& pool) {
    return kernels::softmax(shape, parameters, static_cast<const float*>(x->data), y->data, isa,
                            pool);
  });
}

StepResult make_step_of(const StepSource& source, const fb::LayerNorm& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  const TensorView* x = source.input(0);
  const TensorView* y = source.output();
  const TensorView* scale = source.input(1);
  const TensorView* bias = source.input(2);
  if (params.axis() >= x->dims.size() || x->dims != y->dims || x->dtype != DType::kFloat32 ||
      !x->is_dense() || !y->is_dense()) {
    return misfit("a layer normalisation's operands");
  }
  kernels::RowNormParameters parameters;
  for (std::uint32_t axis = 0; axis < x->dims.size(); ++axis) {
    (axis < params.axis() ? parameters.rows : parameters.n) *= x->dims[axis];
  }
  for (const TensorView* vector : {scale, bias}) {
    if (vector != nullptr && (vector->size() != parameters.n || vector->dtype != DType::kFloat32)) {
      return misfit("a layer normalisation's scale or bias");
    }
  }
  parameters.x_stride = parameters.y_stride = parameters.n;
  parameters.epsilon = params.epsilon();
  parameters.y_dtype = y->dtype;
  parameters.y_scale = y->scale;
  const CpuIsa isa = source.isa;
  return call_step([=](ThreadPool& pool) {
    kernels::RowNormParameters now = parameters;
    now.scale = scale == nullptr ? nullptr : static_cast<const float*>(scale->data);
    now.bias = bias == nullptr ? nullptr : static_cast<const float*>(bias->data);
    return kernels::layer_norm(now, static_cast<const float*>(x->data), y->data, isa, pool);
  });
}

}  // namespace xinfer::runtime
