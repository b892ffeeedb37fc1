#include "lower/concat_slices.h"

#include <algorithm>

namespace xinfer::lower {
namespace {

/// Steps whose CPU kernels take a pixel stride for their result.
bool writes_slices(const fb::StepT& step) {
  switch (step.params.type) {
    case fb::Params::Conv:
    case fb::Params::Gemm:
    case fb::Params::Pool:
    case fb::Params::ByteTable:
    case fb::Params::QuantizedBinary:
    case fb::Params::Slice:
    case fb::Params::Unary:
      return true;
    default:
      return false;
  }
}

/// Steps whose CPU kernels take a pixel stride for what they read.
bool reads_slices(const fb::StepT& step) {
  switch (step.params.type) {
    case fb::Params::Conv:
    case fb::Params::Gemm:
    case fb::Params::Pool:
    case fb::Params::ByteTable:
    case fb::Params::QuantizedBinary:
      return true;
    default:
      return false;
  }
}

bool mentions(const std::vector<TensorId>& operands, TensorId tensor) {
  return std::find(operands.begin(), operands.end(), tensor) != operands.end();
}

/// The concatenations of a plan and the tensors that may become their slices.
class ConcatSlices {
 public:
  ConcatSlices(Lowering& lowering, const SliceRules& rules)
      : lowering_(lowering), rules_(rules), plan_(lowering.plan()) {}

  void place(fb::StepT& step) {
    fb::ConcatT& concat = *step.params.AsConcat();
    const TensorId whole = step.outputs[0];
    const std::size_t rank = lowering_.shape_of(whole).size();
    if (concat.axis + 1 != rank || !is_arena_tensor(whole)) return;
    if (!rules_.aliased_results && is_shared(whole)) return;
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
      const TensorId input = step.inputs[i];
      const ir::Dim& channels = lowering_.shape_of(input).back();
      if (!channels.is_constant()) return;
      if (is_aligned(whole, offset, channels.constant()) && may_be_slice(input, step)) {
        lowering_.make_view(input, whole, offset);
        concat.in_place[i] = true;
      }
      offset += channels.constant();
    }
  }

 private:
  /// Whether `channels` from `offset` on, and the pixels of `whole`, are whole granules.
  bool is_aligned(TensorId whole, std::int64_t offset, std::int64_t channels) const {
    const ir::Dim& all = lowering_.shape_of(whole).back();
    const auto dtype = static_cast<DType>(plan_.tensors[static_cast<std::size_t>(whole)]->dtype);
    const auto size = static_cast<std::int64_t>(size_of(dtype));
    return all.is_constant() && offset * size % rules_.granule_bytes == 0 &&
           channels * size % rules_.granule_bytes == 0 &&
           all.constant() * size % rules_.granule_bytes == 0;
  }

  /// In the arena, with bytes of its own.
  bool is_arena_tensor(TensorId tensor) const {
    const auto& made = *plan_.tensors[static_cast<std::size_t>(tensor)];
    return made.storage == fb::Storage::Arena && lowering_.owner(tensor) == tensor;
  }

  /// Another tensor, no slice, lies in its bytes.
  bool is_shared(TensorId tensor) const {
    for (std::size_t i = 0; i < plan_.tensors.size(); ++i) {
      const auto other = static_cast<TensorId>(i);
      const bool view = plan_.tensors[i]->view_of >= 0;
      if (other != tensor && !view && lowering_.owner(other) == tensor) return true;
    }
    return false;
  }

  bool may_be_slice(TensorId tensor, const fb::StepT& concat) const {
    if (!is_arena_tensor(tensor) || is_shared(tensor)) return false;
    const auto& from = *plan_.tensors[static_cast<std::size_t>(tensor)];
    const auto& to = *plan_.tensors[static_cast<std::size_t>(concat.outputs[0])];
    if (from.dtype != to.dtype || from.scale != to.scale) return false;
    if (std::count(concat.inputs.begin(), concat.inputs.end(), tensor) != 1) return false;
    bool written = false;
    for (const auto& step : plan_.steps) {
      if (mentions(step->outputs, tensor)) {
        if (!rules_.may_write(*step)) return false;
        const bool is_function = step->params.type == fb::Params::Unary;
        const std::int64_t channels = lowering_.shape_of(tensor).back().constant();
        if (is_function && channels < rules_.least_function_channels) return false;
        written = true;
      }
      if (!mentions(step->inputs, tensor) || step.get() == &concat) continue;
      // Another concatenation copies from the slice.
      const bool copies = step->params.type == fb::Params::Concat &&
                          step->params.AsConcat()->axis + 1 == lowering_.shape_of(tensor).size();
      if (!copies && !rules_.may_read(*step)) return false;
    }
    return written;
  }

  Lowering& lowering_;
  const SliceRules& rules_;
  fb::PlanT& plan_;
};

}  // namespace

SliceRules cpu_slice_rules() {
  // Functions of fewer channels are faster on a dense tensor, its copy included.
  constexpr std::int64_t kLeastFunctionChannels = 16;
  return {.may_write = writes_slices,
          .may_read = reads_slices,
          .aliased_results = true,
          .least_function_channels = kLeastFunctionChannels};
}

void write_concat_slices(Lowering& lowering, const SliceRules& rules) {
  ConcatSlices slices(lowering, rules);
  for (auto& step : lowering.plan().steps) {
    if (step->params.type == fb::Params::Concat) slices.place(*step);
  }
}

}  // namespace xinfer::lower
