// Which float tensors are stored in FP16: those that only FP16 and INT8 layers touch.
#include "lower/cuda/cuda_lowering.h"

namespace xinfer::lower {
namespace {

/// What a float tensor's steps say about it.
struct Votes {
  bool half = false;    ///< a layer that computes in FP16 touches it
  bool single = false;  ///< something needs it in float32
};

/// Whether input `index` of the step is read as float32 whatever the layer's precision.
bool reads_single(const fb::StepT& step, std::size_t index) {
  return step.params.type == fb::Params::LayerNorm && index > 0;  // scale and bias
}

/// Changes of layout that belong to no node take the type of the tensor on their other side.
template <typename VotesOf>
void spread(const fb::PlanT& plan, const VotesOf& votes_of) {
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& step : plan.steps) {
      if (!step->origins.empty() || step->params.type != fb::Params::Transpose) continue;
      Votes& from = votes_of(step->inputs[0]);
      Votes& to = votes_of(step->outputs[0]);
      changed = changed || from.half != to.half;
      from.half = to.half = from.half || to.half;
    }
  }
}

}  // namespace

ir::Precision step_precision(const fb::StepT& step, const NodePrecisions& precisions) {
  ir::Precision precision = ir::Precision::kInt8;
  for (const std::string& origin : step.origins) {
    const auto it = precisions.find(origin);
    if (it == precisions.end()) continue;
    if (it->second == ir::Precision::kFp32) return ir::Precision::kFp32;
    if (it->second == ir::Precision::kFp16) precision = ir::Precision::kFp16;
  }
  return precision;
}

void choose_halves(Lowering& lowering, const NodePrecisions& precisions) {
  if (precisions.empty()) return;
  fb::PlanT& plan = lowering.plan();
  std::vector<Votes> votes(plan.tensors.size());
  const auto votes_of = [&](TensorId id) -> Votes& {
    return votes[static_cast<std::size_t>(lowering.owner(id))];
  };
  for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
    const fb::TensorT& tensor = *plan.tensors[i];
    const bool inside = tensor.storage == fb::Storage::Arena;
    const bool is_float = static_cast<DType>(tensor.dtype) == DType::kFloat32;
    if (!inside || !is_float) votes_of(static_cast<TensorId>(i)).single = true;
  }
  for (const auto& step : plan.steps) {
    const ir::Precision precision = step_precision(*step, precisions);
    const auto vote = [&](TensorId id, bool single) {
      if (id == kNoTensor) return;
      Votes& tensor = votes_of(id);
      tensor.half = tensor.half || precision == ir::Precision::kFp16;
      tensor.single = tensor.single || single || precision == ir::Precision::kFp32;
    };
    for (std::size_t i = 0; i < step->inputs.size(); ++i) {
      vote(step->inputs[i], reads_single(*step, i));
    }
    for (const TensorId output : step->outputs) vote(output, false);
  }
  spread(plan, votes_of);
  for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
    const Votes& vote = votes_of(static_cast<TensorId>(i));
    if (vote.half && !vote.single) {
      plan.tensors[i]->dtype = static_cast<std::uint8_t>(DType::kFloat16);
    }
  }
}

}  // namespace xinfer::lower
