// First layers: strided convolutions of few channels, whose input is stored in blocks so that its
// pixels fill whole granules.
#include "kernels/cuda/space_to_depth.h"
#include "lower/cuda/cuda_lowering.h"

namespace xinfer::lower {
namespace {

/// Steps that read each tensor's bytes, by owner.
std::map<TensorId, int> count_readers(const Lowering& lowering, const fb::PlanT& plan) {
  std::map<TensorId, int> readers;
  for (const auto& step : plan.steps) {
    for (const TensorId input : step->inputs) {
      if (input != kNoTensor) ++readers[lowering.owner(input)];
    }
  }
  return readers;
}

/// [N, spatial…, C] from [N, C, spatial…], float32 to INT8 or FP16: what can store blocks.
bool makes_channels_last(const fb::StepT& step, const CudaTensor& x, const CudaTensor& y) {
  if (x.dtype != DType::kFloat32 || y.dtype == DType::kFloat32) return false;
  const auto* convert = step.params.AsQuantize();
  const auto* transpose = step.params.AsTranspose();
  if (convert == nullptr && transpose == nullptr) return false;
  return (convert != nullptr ? convert->perm : transpose->perm) ==
         std::vector<std::uint32_t>{0, 2, 3, 1};
}

}  // namespace

std::map<TensorId, std::int64_t> find_stems(const Lowering& lowering, const CudaLowering& cuda) {
  const fb::PlanT& plan = lowering.plan();
  const std::map<TensorId, int> readers = count_readers(lowering, plan);
  std::map<TensorId, bool> convertible;
  std::map<TensorId, std::int64_t> stems;
  for (const auto& step : plan.steps) {
    if (step->inputs.empty() || step->outputs.empty()) continue;
    const Result<CudaTensor> x = cuda.tensor(step->inputs[0]);
    const Result<CudaTensor> y = cuda.tensor(step->outputs[0]);
    if (!x.ok() || !y.ok()) continue;
    if (makes_channels_last(*step, *x, *y)) convertible[y->id] = true;
    const auto* conv = step->params.AsConv();
    if (conv == nullptr || conv->kernel.size() != 2 || !convertible.contains(x->id) ||
        readers.at(x->id) != 1) {
      continue;
    }
    const kernels::ConvShape shape = conv_shape(*conv, *x, *y);
    if (kernels::cuda::can_use_space_to_depth(shape)) stems[x->id] = shape.stride_h;
  }
  return stems;
}

}  // namespace xinfer::lower
