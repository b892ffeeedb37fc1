#include "lower/cuda/cuda_fusions.h"

#include <algorithm>

namespace xinfer::lower {
namespace {

/// Whether the permutation moves nothing.
bool is_identity(const std::vector<std::uint32_t>& perm) {
  for (std::size_t i = 0; i < perm.size(); ++i) {
    if (perm[i] != i) return false;
  }
  return true;
}

/// [N, spatial…, C] to [N, C, spatial…].
bool is_to_channels_first(const std::vector<std::uint32_t>& perm) {
  if (perm.size() < 3 || perm[0] != 0 || perm[1] + 1 != perm.size()) return false;
  for (std::size_t i = 2; i < perm.size(); ++i) {
    if (perm[i] + 1 != i) return false;
  }
  return true;
}

bool is_inside(const fb::TensorT& tensor) { return tensor.storage == fb::Storage::Arena; }

}  // namespace

StepUses::StepUses(const Lowering& lowering) : lowering_(lowering) {
  for (const auto& step : lowering.plan().steps) {
    for (const TensorId output : step->outputs) {
      if (output != kNoTensor) producers_[output] = step.get();
    }
    for (const TensorId input : step->inputs) {
      if (input != kNoTensor) readers_[lowering.owner(input)].push_back(step.get());
    }
  }
}

const fb::StepT* StepUses::producer(TensorId id) const {
  const auto it = producers_.find(id);
  return it == producers_.end() ? nullptr : it->second;
}

const fb::StepT* StepUses::only_reader_of_bytes(TensorId id) const {
  const auto it = readers_.find(lowering_.owner(id));
  const auto& tensor = *lowering_.plan().tensors[static_cast<std::size_t>(id)];
  if (it == readers_.end() || it->second.size() != 1 || !is_inside(tensor)) return nullptr;
  return it->second.front();
}

const fb::StepT* StepUses::only_reader(TensorId id) const {
  const fb::StepT* reader = only_reader_of_bytes(id);
  if (reader == nullptr || std::count(reader->inputs.begin(), reader->inputs.end(), id) != 1) {
    return nullptr;
  }
  return reader;
}

DroppedSteps cancel_transposes(Lowering& lowering) {
  const StepUses uses(lowering);
  fb::PlanT& plan = lowering.plan();
  DroppedSteps dropped;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const fb::StepT& first = *plan.steps[i];
    const auto* there = first.params.AsTranspose();
    if (there == nullptr || !is_to_channels_first(there->perm)) continue;
    const TensorId x = first.inputs[0], planar = first.outputs[0];
    const fb::StepT* second = uses.only_reader_of_bytes(planar);
    const auto* back = second == nullptr ? nullptr : second->params.AsTranspose();
    if (back == nullptr || back->perm != std::vector<std::uint32_t>{0, 2, 1}) continue;
    const TensorId y = second->outputs[0];
    const auto tensor = [&](TensorId id) -> fb::TensorT& {
      return *plan.tensors[static_cast<std::size_t>(id)];
    };
    const ir::SymbolicShape shape = lowering.shape_of(y);  // a copy: tensors are added below
    const bool alone = [&] {
      for (std::size_t t = 0; t < plan.tensors.size(); ++t) {
        const auto id = static_cast<TensorId>(t);
        if (id != y && lowering.owner(id) == y) return false;
      }
      return true;
    }();
    if (!alone || !is_inside(tensor(y)) || !is_inside(tensor(x)) || tensor(x).pixel_stride != 0 ||
        tensor(x).dtype != tensor(y).dtype || shape.back() != lowering.shape_of(x).back() ||
        shape.size() != 3) {
      continue;
    }
    const TensorId same = lowering.add_alias(x, shape);
    for (const auto& step : plan.steps)
      std::replace(step->inputs.begin(), step->inputs.end(), y, same);
    dropped.insert({&first, second});
  }
  return dropped;
}

DroppedSteps absorb_expansions(Lowering& lowering) {
  const StepUses uses(lowering);
  DroppedSteps dropped;
  for (const auto& step : lowering.plan().steps) {
    if (step->params.type != fb::Params::Expand) continue;
    const TensorId x = step->inputs[0], y = step->outputs[0];
    const fb::StepT* reader = uses.only_reader(y);
    const auto* concat = reader == nullptr ? nullptr : reader->params.AsConcat();
    const ir::SymbolicShape &from = lowering.shape_of(x), &to = lowering.shape_of(y);
    if (concat == nullptr || concat->axis == 0 || from.size() != to.size() ||
        !std::equal(from.begin() + 1, from.end(), to.begin() + 1)) {
      continue;
    }
    for (const auto& other : lowering.plan().steps) {
      if (other.get() == reader) std::replace(other->inputs.begin(), other->inputs.end(), y, x);
    }
    dropped.insert(step.get());
  }
  return dropped;
}

DroppedSteps absorb_quantisers(Lowering& lowering) {
  const StepUses uses(lowering);
  DroppedSteps dropped;
  for (const auto& step : lowering.plan().steps) {
    if (step->params.type != fb::Params::LayerNorm && step->params.type != fb::Params::Softmax) {
      continue;
    }
    const fb::StepT* reader = uses.only_reader(step->outputs[0]);
    const auto* quantise = reader == nullptr ? nullptr : reader->params.AsQuantize();
    if (quantise == nullptr || !is_identity(quantise->perm)) continue;
    step->outputs[0] = reader->outputs[0];
    dropped.insert(reader);
  }
  return dropped;
}

}  // namespace xinfer::lower
