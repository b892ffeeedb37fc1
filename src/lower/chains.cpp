// Recognising chains by the steps' parameters and the readers of their results.
#include "lower/chains.h"

#include <algorithm>

namespace xinfer::lower {
namespace {

bool is_depthwise(const fb::StepT& step) {
  const fb::ConvT* conv = step.params.AsConv();
  return conv != nullptr && conv->depthwise && conv->in_channels == conv->out_channels;
}

bool is_pointwise(const fb::StepT& step) {
  const fb::ConvT* conv = step.params.AsConv();
  const auto all = [](const std::vector<std::int64_t>& values, std::int64_t value) {
    return std::all_of(values.begin(), values.end(), [&](auto v) { return v == value; });
  };
  return conv != nullptr && !conv->depthwise && conv->groups == 1 && all(conv->kernel, 1) &&
         all(conv->strides, 1) && all(conv->pads_begin, 0);
}

/// Whether only `next` reads what `step` writes, as the input that it convolves, and `step` adds
/// nothing else to its sums.
bool leads_to(const Lowering& lowering, const fb::StepT& step, const fb::StepT& next) {
  if (step.inputs.size() != 1 || step.outputs.size() != 1) return false;
  const TensorId result = step.outputs[0];
  const fb::PlanT& plan = lowering.plan();
  const fb::TensorT& tensor = *plan.tensors[static_cast<std::size_t>(result)];
  if (next.inputs[0] != result || tensor.storage != fb::Storage::Arena || tensor.view_of >= 0) {
    return false;
  }
  std::int64_t readers = 0;
  for (const auto& other : plan.steps) {
    readers += std::count_if(other->inputs.begin(), other->inputs.end(), [&](TensorId input) {
      return input != kNoTensor && lowering.owner(input) == result;
    });
  }
  return readers == 1;
}

}  // namespace

void mark_chains(Lowering& lowering) {
  auto& steps = lowering.plan().steps;
  std::size_t chained = 0;  // steps before this one have been looked at or belong to a chain
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (!is_depthwise(*steps[i])) continue;
    const bool expands =
        i > chained && is_pointwise(*steps[i - 1]) && leads_to(lowering, *steps[i - 1], *steps[i]);
    if (!expands) continue;
    const bool projects = i + 1 < steps.size() && is_pointwise(*steps[i + 1]) &&
                          leads_to(lowering, *steps[i], *steps[i + 1]);
    steps[i - 1]->chain = projects ? 3 : 2;
    chained = projects ? i + 2 : i + 1;
  }
}

}  // namespace xinfer::lower
