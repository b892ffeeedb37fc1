// Which operands lie as the result does, element by element.
#include "lower/in_place.h"

#include <algorithm>

namespace xinfer::lower {
namespace {

/// Kernels read residuals 16 channels at a time: with whole groups they read no pixel that another
/// thread may have written.
constexpr std::int64_t kChannelsAtOnce = 16;

const fb::TensorT& tensor_of(const Lowering& lowering, TensorId id) {
  return *lowering.plan().tensors[static_cast<std::size_t>(id)];
}

/// A dense tensor of its own in the arena.
bool is_plain_block(const Lowering& lowering, TensorId id) {
  const fb::TensorT& tensor = tensor_of(lowering, id);
  return tensor.storage == fb::Storage::Arena && lowering.owner(id) == id &&
         tensor.pixel_stride == 0;
}

bool lie_alike(const Lowering& lowering, TensorId operand, TensorId result) {
  const auto bytes = [&](TensorId id) {
    return size_of(static_cast<DType>(tensor_of(lowering, id).dtype));
  };
  return is_plain_block(lowering, operand) && is_plain_block(lowering, result) &&
         bytes(operand) == bytes(result) && lowering.shape_of(operand) == lowering.shape_of(result);
}

/// The index of the only residual among the step's inputs; -1 without one.
std::int32_t residual_input(const fb::EpilogueT& epilogue) {
  std::int32_t found = -1;
  for (const auto& step : epilogue.steps) {
    if (step->kind != fb::EpilogueKind::Residual) continue;
    if (found >= 0) return -1;
    found = step->input;
  }
  return found;
}

std::int32_t candidate(const fb::StepT& step) {
  switch (step.params.type) {
    case fb::Params::Conv:
      return residual_input(*step.params.AsConv()->epilogue);
    case fb::Params::Gemm:
      return residual_input(*step.params.AsGemm()->epilogue);
    case fb::Params::Softmax:
    case fb::Params::Unary:
      return 0;
    default:
      return -1;
  }
}

}  // namespace

TensorId overwritable_operand(const Lowering& lowering, const fb::StepT& step) {
  const std::int32_t index = candidate(step);
  if (index < 0 || step.outputs.size() != 1) return kNoTensor;
  const TensorId operand = step.inputs[static_cast<std::size_t>(index)];
  if (!lie_alike(lowering, operand, step.outputs[0])) return kNoTensor;
  const auto reads = [&](TensorId input) {
    return input != kNoTensor && lowering.owner(input) == operand;
  };
  if (std::count_if(step.inputs.begin(), step.inputs.end(), reads) != 1) return kNoTensor;
  const bool by_element =
      step.params.type == fb::Params::Softmax || step.params.type == fb::Params::Unary;
  if (by_element) return operand;
  const ir::SymbolicShape& shape = lowering.shape_of(operand);
  const bool whole_groups = !shape.empty() && shape.back().is_constant() &&
                            shape.back().constant() % kChannelsAtOnce == 0;
  return whole_groups ? operand : kNoTensor;
}

}  // namespace xinfer::lower
