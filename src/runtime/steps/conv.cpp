// Convolutions, depthwise convolutions and products with packed weights.
#include "kernels/conv/conv.h"

#include <optional>

#include "kernels/conv/tactic.h"
#include "kernels/depthwise/depthwise.h"
#include "runtime/steps/conv_operands.h"
#include "runtime/tunable_step.h"

namespace xinfer::runtime {
namespace {

using kernels::ConvArguments;
using kernels::ConvShape;
using kernels::ConvTactic;
using kernels::ConvType;
using kernels::RowAccess;

/// Holds a ready convolution; its addresses are baked in.
class ConvStep final : public Step {
 public:
  ConvStep(std::unique_ptr<kernels::Convolution> convolution, const ConvOperands& operands)
      : convolution_(std::move(convolution)), operands_(operands) {}
  Status run(ThreadPool& pool) override {
    convolution_->run(pool);
    return {};
  }
  const char* kernel() const override { return convolution_->name(); }
  bool holds_addresses() const override { return true; }
  Result<bool> rebind(const StepSource& source) override {
    XINFER_ASSIGN_OR_RETURN(const ConvArguments arguments, make_arguments(source, operands_));
    // Making the step again says what is wrong with null.
    if (arguments.x == nullptr || arguments.y == nullptr) return false;
    return convolution_->rebind(arguments);
  }

 private:
  std::unique_ptr<kernels::Convolution> convolution_;
  ConvOperands operands_;
};

StepResult make_conv(const StepSource& source, const ConvShape& shape, ConvType type,
                     bool depthwise, const fb::Blob* weights, const fb::Epilogue& epilogue,
                     const ConvTactic* tactic) {
  const ConvOperands operands{
      .weights = weights, .epilogue = &epilogue, .out_channels = shape.out_channels, .type = type};
  XINFER_RETURN_IF_ERROR(check_weights(source, shape, operands, depthwise));
  XINFER_ASSIGN_OR_RETURN(const ConvArguments arguments, make_arguments(source, operands));
  XINFER_ASSIGN_OR_RETURN(
      std::unique_ptr<kernels::Convolution> convolution,
      depthwise
          ? kernels::make_depthwise(shape, type, arguments, source.isa, source.threads)
          : kernels::make_convolution(shape, type, arguments, source.isa, source.threads, tactic));
  return std::unique_ptr<Step>(std::make_unique<ConvStep>(std::move(convolution), operands));
}

Result<ConvShape> gemm_shape(const StepSource& source, const fb::Gemm& params) {
  const TensorView& x = *source.input(0);
  const TensorView& y = *source.output();
  if (x.channels() != params.k() || y.channels() != params.n() || x.pixels() != y.pixels()) {
    return misfit("a matrix product's operands");
  }
  ConvShape shape;
  shape.in_w = shape.out_w = x.pixels();
  shape.in_channels = params.k();
  shape.out_channels = params.n();
  shape.x_pixel_stride = x.pixel_stride;
  shape.y_pixel_stride = y.pixel_stride;
  return shape;
}

/// The tactic that is stored for these sizes, if there is one.
Result<std::optional<ConvTactic>> stored_tactic(const StepSource& source, const ConvShape& shape,
                                                ConvType type) {
  if (!source.tactics_hold || source.step.tactics() == nullptr) return std::optional<ConvTactic>();
  for (const fb::Tactic* stored : *source.step.tactics()) {
    if (stored->batch() != shape.batch || stored->height() != shape.out_h ||
        stored->width() != shape.out_w || static_cast<int>(stored->threads()) != source.threads ||
        stored->isa()->string_view() != to_string(source.isa)) {
      continue;
    }
    ConvTactic tactic;
    tactic.rows = stored->reads_lines() ? RowAccess::kLines : RowAccess::kGathered;
    tactic.tile_rows = static_cast<int>(stored->tile_rows());
    tactic.tile_panels = static_cast<int>(stored->tile_panels());
    tactic.block_rows = stored->block_rows();
    tactic.row_parts = static_cast<int>(stored->row_parts());
    tactic.column_parts = static_cast<int>(stored->column_parts());
    const kernels::GemmKernel& kernel = kernels::select_gemm_kernel(type, source.isa);
    if (!kernels::check_tactic(tactic, shape, kernel, source.threads).ok()) {
      return misfit("a tactic that does not fit its step");
    }
    return std::optional<ConvTactic>(tactic);
  }
  return std::optional<ConvTactic>();
}

StepResult make_conv_or_gemm(const StepSource& source, const fb::Conv& params,
                             const ConvShape& shape, const ConvTactic* tactic) {
  return make_conv(source, shape, static_cast<ConvType>(params.type()), params.depthwise(),
                   params.weights(), *params.epilogue(), tactic);
}

StepResult make_conv_or_gemm(const StepSource& source, const fb::Gemm& params,
                             const ConvShape& shape, const ConvTactic* tactic) {
  return make_conv(source, shape, static_cast<ConvType>(params.type()), /*depthwise=*/false,
                   params.weights(), *params.epilogue(), tactic);
}

template <typename Params>
StepResult make_with_stored_tactic(const StepSource& source, const Params& params,
                                   const ConvShape& shape) {
  XINFER_ASSIGN_OR_RETURN(const std::optional<ConvTactic> tactic,
                          stored_tactic(source, shape, static_cast<ConvType>(params.type())));
  return make_conv_or_gemm(source, params, shape, tactic ? &*tactic : nullptr);
}

}  // namespace

StepResult make_step_of(const StepSource& source, const fb::Conv& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  XINFER_ASSIGN_OR_RETURN(const ConvShape shape,
                          conv_shape(params, *source.input(0), *source.output()));
  return make_with_stored_tactic(source, params, shape);
}

StepResult make_step_of(const StepSource& source, const fb::Gemm& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  XINFER_ASSIGN_OR_RETURN(const ConvShape shape, gemm_shape(source, params));
  return make_with_stored_tactic(source, params, shape);
}

Result<std::optional<TunableStep>> tunable_step(const StepSource& source) {
  const fb::Conv* conv = source.step.params_as_Conv();
  const fb::Gemm* gemm = source.step.params_as_Gemm();
  if ((conv == nullptr && gemm == nullptr) || (conv != nullptr && conv->depthwise())) {
    return std::optional<TunableStep>();
  }
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  TunableStep step;
  if (conv != nullptr) {
    XINFER_ASSIGN_OR_RETURN(step.shape, conv_shape(*conv, *source.input(0), *source.output()));
    step.type = static_cast<ConvType>(conv->type());
    step.make = [source, conv, shape = step.shape](const ConvTactic& tactic) {
      return make_conv_or_gemm(source, *conv, shape, &tactic);
    };
  } else {
    XINFER_ASSIGN_OR_RETURN(step.shape, gemm_shape(source, *gemm));
    step.type = static_cast<ConvType>(gemm->type());
    step.make = [source, gemm, shape = step.shape](const ConvTactic& tactic) {
      return make_conv_or_gemm(source, *gemm, shape, &tactic);
    };
  }
  return std::optional<TunableStep>(std::move(step));
}

}  // namespace xinfer::runtime
