// Resizing (ONNX Resize) in memory order.
#include "kernels/resize/resize.h"

#include "quant/requantize.h"
#include "runtime/steps/families.h"

namespace xinfer::runtime {
namespace {

class ResizeStep final : public Step {
 public:
  ResizeStep(std::unique_ptr<kernels::Resize> resize, const TensorView* x, const TensorView* y)
      : resize_(std::move(resize)), x_(x), y_(y) {}
  Status run(ThreadPool& pool) override {
    resize_->run(x_->data, y_->data, pool);
    return {};
  }

 private:
  std::unique_ptr<kernels::Resize> resize_;
  const TensorView* x_;
  const TensorView* y_;
};

Result<std::vector<kernels::ResizeAxis>> resize_axes(const fb::Resize& params, const TensorView& x,
                                                     const TensorView& y) {
  const std::size_t rank = x.dims.size();
  const std::size_t scales = params.scales() == nullptr ? 0 : params.scales()->size();
  const std::size_t roi = params.roi() == nullptr ? 0 : params.roi()->size();
  if (y.dims.size() != rank || (scales != 0 && scales != rank) || (roi != 0 && roi != 2 * rank)) {
    return misfit("a resize's attributes");
  }
  std::vector<kernels::ResizeAxis> axes;
  for (unsigned i = 0; i < rank; ++i) {
    kernels::ResizeAxis axis;
    axis.in = x.dims[i];
    axis.out = y.dims[i];
    axis.scale = scales != 0    ? params.scales()->Get(i)
                 : axis.in == 0 ? 1.0
                                : static_cast<double>(axis.out) / static_cast<double>(axis.in);
    if (roi != 0) {
      axis.roi_start = params.roi()->Get(i);
      axis.roi_end = params.roi()->Get(static_cast<unsigned>(rank) + i);
    }
    axes.push_back(axis);
  }
  return axes;
}

}  // namespace

StepResult make_step_of(const StepSource& source, const fb::Resize& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  const TensorView* x = source.input(0);
  const TensorView* y = source.output();
  if (!x->is_dense() || !y->is_dense()) return misfit("a resize of a slice");
  XINFER_ASSIGN_OR_RETURN(const std::vector<kernels::ResizeAxis> axes, resize_axes(params, *x, *y));
  kernels::ResizeParameters parameters;
  parameters.mode = static_cast<kernels::ResizeMode>(params.mode());
  parameters.coordinates = static_cast<kernels::CoordinateMode>(params.coordinates());
  parameters.nearest = static_cast<kernels::NearestMode>(params.nearest());
  parameters.cubic_coefficient = params.cubic_coefficient();
  parameters.antialias = params.antialias();
  parameters.exclude_outside = params.exclude_outside();
  parameters.extrapolation_value =
      y->scale != 0 ? params.extrapolation_value() / y->scale : params.extrapolation_value();
  parameters.x_dtype = x->dtype;
  parameters.y_dtype = y->dtype;
  if (x->scale != 0) {
    parameters.factor = y->scale != 0 ? quant::rescale_factor(x->scale, y->scale) : x->scale;
  }
  XINFER_ASSIGN_OR_RETURN(std::unique_ptr<kernels::Resize> resize,
                          kernels::make_resize(axes, parameters, source.isa));
  return std::unique_ptr<Step>(std::make_unique<ResizeStep>(std::move(resize), x, y));
}

}  // namespace xinfer::runtime
