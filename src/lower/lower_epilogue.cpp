// Epilogues: graph units (real numbers) become the kernels' units (multiples of the current grid).
#include <algorithm>

#include "kernels/elementwise/unary.h"
#include "lower/handlers.h"
#include "quant/quantize.h"
#include "quant/requantize.h"
#include "quant/table.h"

namespace xinfer::lower {
namespace {

bool is_table(const ir::EpilogueOp& op) {
  return op.kind == ir::EpilogueOp::Kind::kUnary && op.table_input_scale != 0;
}

/// Scale of y behind step `index - 1`: that of the next table's input, else the output's.
float space_at(const std::vector<ir::EpilogueOp>& ops, std::size_t index, const ir::Value& output) {
  for (std::size_t i = index; i < ops.size(); ++i) {
    if (is_table(ops[i])) return ops[i].table_input_scale;
  }
  return output.is_quantized() ? output.scale : 1.0f;
}

fb::EpilogueStepT clip_step(const ir::EpilogueOp& op, float space) {
  fb::EpilogueStepT step;
  step.kind = fb::EpilogueKind::Clip;
  step.low = quant::rescale_factor(op.low, space);
  step.high = quant::rescale_factor(op.high, space);
  return step;
}

fb::EpilogueStepT table_step(Lowering& lowering, const ir::EpilogueOp& op, float next_space) {
  const auto function = [&](double x) {
    return kernels::unary_reference(op.function, x + op.input_offset, op.alpha, op.beta) +
           op.offset;
  };
  const quant::Table table =
      quant::build_table(function, {op.table_input_dtype, op.table_input_scale},
                         {op.table_output_dtype, op.table_output_scale});
  const quant::GridLimits limits = quant::limits_of(op.table_input_dtype);
  fb::EpilogueStepT step;
  step.kind = fb::EpilogueKind::Table;
  step.table = lowering.blobs().add(std::span<const std::uint8_t>(table));
  step.table_min = static_cast<float>(limits.min);
  step.table_max = static_cast<float>(limits.max);
  step.table_output_signed = op.table_output_dtype == DType::kInt8;
  step.table_scale = quant::rescale_factor(op.table_output_scale, next_space);
  return step;
}

fb::EpilogueStepT function_step(const ir::EpilogueOp& op) {
  fb::EpilogueStepT step;
  if (op.function == kernels::Unary::kLeakyRelu) {
    step.kind = fb::EpilogueKind::Leaky;
    step.slope = static_cast<float>(op.alpha);
    return step;
  }
  step.kind = fb::EpilogueKind::Activation;
  step.function = static_cast<std::uint8_t>(op.function);
  step.alpha = static_cast<float>(op.alpha);
  step.beta = static_cast<float>(op.beta);
  return step;
}

}  // namespace

float accumulator_space(const std::vector<ir::EpilogueOp>& ops, const ir::Value& output) {
  return space_at(ops, 0, output);
}

Status lower_epilogue(Lowering& lowering, const ir::Node& node,
                      const std::vector<ir::EpilogueOp>& ops, Layout layout,
                      std::vector<TensorId>& step_inputs, fb::EpilogueT& epilogue) {
  const ir::Value& output = lowering.graph().value(node.outputs[0]);
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const ir::EpilogueOp& op = ops[i];
    const float space = space_at(ops, i, output);
    fb::EpilogueStepT step;
    switch (op.kind) {
      case ir::EpilogueOp::Kind::kResidual: {
        const ir::ValueId residual = node.inputs[static_cast<std::size_t>(op.residual_input)];
        const ir::Value& value = lowering.graph().value(residual);
        step.kind = fb::EpilogueKind::Residual;
        step.input = static_cast<std::int32_t>(step_inputs.size());
        step.scale = quant::rescale_factor(value.is_quantized() ? value.scale : 1.0f, space);
        step_inputs.push_back(lowering.kernel_operand(residual, layout));
        break;
      }
      case ir::EpilogueOp::Kind::kClip:
        step = clip_step(op, space);
        break;
      case ir::EpilogueOp::Kind::kUnary:
        if (!is_table(op) && output.is_quantized() && op.function != kernels::Unary::kLeakyRelu) {
          return internal_error("node \"{}\": an INT8 region holds a function without a table",
                                node.name);
        }
        step = is_table(op) ? table_step(lowering, op, space_at(ops, i + 1, output))
                            : function_step(op);
        break;
    }
    epilogue.steps.push_back(std::make_unique<fb::EpilogueStepT>(std::move(step)));
  }
  return {};
}

}  // namespace xinfer::lower
