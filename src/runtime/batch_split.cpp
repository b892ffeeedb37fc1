// Which plans keep samples apart: dimensions are evaluated for several batches, and the few steps
// that could mix samples without its showing in their dimensions are looked at one by one.
#include "runtime/batch_split.h"

#include <algorithm>
#include <vector>

#include "engine/dim_program.h"

namespace xinfer::runtime {
namespace {

namespace fb = engine::fb;

/// The symbol that is the first dimension of every input and output; -1 without one.
std::int64_t batch_symbol(const fb::Plan& plan) {
  std::int64_t symbol = -1;
  for (const fb::Tensor* tensor : *plan.tensors()) {
    if (tensor->storage() != fb::Storage::Input && tensor->storage() != fb::Storage::Output) {
      continue;
    }
    if (tensor->dims()->size() == 0) return -1;
    const fb::DimNode* first = plan.dims()->Get(tensor->dims()->Get(0));
    if (first->op() != fb::DimOp::Symbol || (symbol >= 0 && first->value() != symbol)) return -1;
    symbol = first->value();
  }
  return symbol;
}

/// Whether the first axis of every tensor that is computed is the batch, and nothing else of it.
bool dims_follow_batch(const fb::Plan& plan, std::int64_t symbol) {
  constexpr std::int64_t kBatches[] = {2, 3, 7};
  // Other symbols take a value that no batch has.
  std::vector<std::int64_t> symbols(plan.symbols()->size(), 64);
  std::vector<std::vector<std::int64_t>> values;
  for (std::int64_t batch : kBatches) {
    symbols[static_cast<std::size_t>(symbol)] = batch;
    Result<std::vector<std::int64_t>> dims = engine::evaluate_dims(*plan.dims(), symbols);
    if (!dims.ok()) return false;
    values.push_back(*std::move(dims));
  }
  for (const fb::Tensor* tensor : *plan.tensors()) {
    if (tensor->storage() == fb::Storage::Constant) continue;
    for (unsigned axis = 0; axis < tensor->dims()->size(); ++axis) {
      const std::uint32_t dim = tensor->dims()->Get(axis);
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::int64_t expected = axis == 0 ? kBatches[i] : values[0][dim];
        if (values[i][dim] != expected) return false;
      }
    }
    if (tensor->dims()->size() == 0) return false;
  }
  return true;
}

template <typename Params>
const Params& params_of(const fb::Step& step) {
  return *static_cast<const Params*>(step.params());
}

/// An engine's bytes may be anything: attributes are checked when steps are made, which is later.
template <typename T>
bool has_entry(const flatbuffers::Vector<T>* values) {
  return values != nullptr && values->size() > 0;
}

bool keeps_first_axis(const flatbuffers::Vector<std::uint32_t>* perm) {
  return perm == nullptr || perm->size() == 0 || perm->Get(0) == 0;
}

bool is_constant(const fb::Plan& plan, const fb::Step& step, unsigned input) {
  if (input >= step.inputs()->size() || step.inputs()->Get(input) < 0) return false;
  const auto index = static_cast<unsigned>(step.inputs()->Get(input));
  return plan.tensors()->Get(index)->storage() == fb::Storage::Constant;
}

/// Whether broadcasting aligns the operands' first axes: operands of the output's rank, and
/// constants that are the same for every sample.
bool operands_align(const fb::Plan& plan, const fb::Step& step) {
  const auto tensor = [&](std::int32_t index) {
    return plan.tensors()->Get(static_cast<unsigned>(index));
  };
  if (!has_entry(step.outputs()) || step.outputs()->Get(0) < 0) return false;
  const unsigned rank = tensor(step.outputs()->Get(0))->dims()->size();
  for (std::int32_t input : *step.inputs()) {
    if (input < 0) continue;
    const auto& dims = *tensor(input)->dims();
    if (tensor(input)->storage() != fb::Storage::Constant) {
      if (dims.size() != rank) return false;
      continue;
    }
    if (dims.size() < rank) continue;
    const fb::DimNode* first = plan.dims()->Get(dims.Get(0));
    if (first->op() != fb::DimOp::Constant || first->value() != 1) return false;
  }
  return true;
}

/// Whether a step whose dimensions follow the batch keeps samples apart.
bool keeps_samples_apart(const fb::Plan& plan, const fb::Step& step) {
  switch (step.params_type()) {
    case fb::Params::Conv:
    case fb::Params::Gemm:
    case fb::Params::Pool:
    case fb::Params::Unary:
    case fb::Params::ByteTable:
    case fb::Params::Clip:
    case fb::Params::Cast:
    case fb::Params::Resize:
    case fb::Params::ConvertImage:
      return true;
    case fb::Params::MatMul:
    case fb::Params::Binary:
    case fb::Params::QuantizedBinary:
    case fb::Params::Select:
    case fb::Params::Expand:
      return operands_align(plan, step);
    case fb::Params::Reduce: {
      const auto* axes = params_of<fb::Reduce>(step).axes();
      return axes != nullptr && axes->size() > 0 &&
             std::find(axes->begin(), axes->end(), 0u) == axes->end();
    }
    case fb::Params::ArgReduce:
      return params_of<fb::ArgReduce>(step).axis() != 0;
    case fb::Params::Softmax:
      return params_of<fb::Softmax>(step).axis() != 0;
    case fb::Params::LayerNorm:
      return params_of<fb::LayerNorm>(step).axis() != 0;
    case fb::Params::Concat:
      return params_of<fb::Concat>(step).axis() != 0 && operands_align(plan, step);
    case fb::Params::Transpose:
      return keeps_first_axis(params_of<fb::Transpose>(step).perm());
    case fb::Params::Quantize:
      return keeps_first_axis(params_of<fb::Quantize>(step).perm());
    case fb::Params::Slice: {
      const auto& slice = params_of<fb::Slice>(step);
      if (!has_entry(slice.step()) || !has_entry(slice.start())) return false;
      if (slice.start()->Get(0) >= plan.dims()->size()) return false;
      const fb::DimNode* start = plan.dims()->Get(slice.start()->Get(0));
      return slice.step()->Get(0) == 1 && start->op() == fb::DimOp::Constant && start->value() == 0;
    }
    case fb::Params::Pad: {
      const auto& pad = params_of<fb::Pad>(step);
      return has_entry(pad.pads_begin()) && has_entry(pad.pads_end()) &&
             pad.pads_begin()->Get(0) == 0 && pad.pads_end()->Get(0) == 0;
    }
    case fb::Params::Gather:
      // Either every sample picks from the same table, or from its own data by fixed indices.
      return is_constant(plan, step, params_of<fb::Gather>(step).axis() == 0 ? 0 : 1);
    default:
      return false;
  }
}

}  // namespace

bool samples_are_independent(const fb::Engine& engine, const fb::Plan& plan) {
  if (engine.inputs()->size() == 0 || engine.outputs()->size() == 0) return false;
  const std::int64_t symbol = batch_symbol(plan);
  if (symbol < 0 || !dims_follow_batch(plan, symbol)) return false;
  return std::all_of(plan.steps()->begin(), plan.steps()->end(),
                     [&](const fb::Step* step) { return keeps_samples_apart(plan, *step); });
}

std::int64_t choose_chunk(const BatchSplitProblem& p) {
  // Fewer samples than threads: their layers are shared by all threads instead.
  if (p.batch < 2 || p.batch < p.threads) return 0;
  // Weights come from the outer caches once a chunk, activations beyond L2 once a sample and layer:
  // a chunk of as many samples as the weights weigh keeps both small.
  constexpr std::int64_t kMost = 8;
  const auto by_weights =
      static_cast<std::int64_t>(p.weight_bytes / std::max<std::size_t>(p.activation_bytes, 1));
  std::int64_t chunk =
      std::clamp<std::int64_t>(by_weights, 1, std::min(kMost, p.batch / p.threads));
  while (p.batch % chunk != 0) --chunk;
  return chunk == p.batch || chunk < p.smallest_batch ? 0 : chunk;
}

}  // namespace xinfer::runtime
