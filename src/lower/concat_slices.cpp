#include "lower/concat_slices.h"

#include <algorithm>

namespace xinfer::lower {
namespace {

/// Steps whose kernels take a pixel stride for their result.
bool writes_slices(const fb::StepT& step) {
  switch (step.params.type) {
    case fb::Params::Conv:
    case fb::Params::Gemm:
    case fb::Params::Pool:
    case fb::Params::ByteTable:
    case fb::Params::QuantizedBinary:
    case fb::Params::Slice:
      return true;
    default:
      return false;
  }
}

/// Steps whose kernels take a pixel stride for what they read.
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
  explicit ConcatSlices(Lowering& lowering) : lowering_(lowering), plan_(lowering.plan()) {}

  void place(fb::StepT& step) {
    fb::ConcatT& concat = *step.params.AsConcat();
    const TensorId whole = step.outputs[0];
    const std::size_t rank = lowering_.shape_of(whole).size();
    if (concat.axis + 1 != rank || !is_plain_arena_tensor(whole)) return;
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
      const TensorId input = step.inputs[i];
      const ir::Dim& channels = lowering_.shape_of(input).back();
      if (!channels.is_constant()) return;
      if (may_be_slice(input, step)) {
        lowering_.make_view(input, whole, offset);
        concat.in_place[i] = true;
      }
      offset += channels.constant();
    }
  }

 private:
  /// In the arena, with bytes of its own that no other tensor shares.
  bool is_plain_arena_tensor(TensorId tensor) const {
    const auto& made = *plan_.tensors[static_cast<std::size_t>(tensor)];
    if (made.storage != fb::Storage::Arena || lowering_.owner(tensor) != tensor) return false;
    for (std::size_t i = 0; i < plan_.tensors.size(); ++i) {
      const auto other = static_cast<TensorId>(i);
      const bool view = plan_.tensors[i]->view_of >= 0;
      if (other != tensor && !view && lowering_.owner(other) == tensor) return false;
    }
    return true;
  }

  bool may_be_slice(TensorId tensor, const fb::StepT& concat) const {
    if (!is_plain_arena_tensor(tensor)) return false;
    if (std::count(concat.inputs.begin(), concat.inputs.end(), tensor) != 1) return false;
    bool written = false;
    for (const auto& step : plan_.steps) {
      if (mentions(step->outputs, tensor)) {
        if (!writes_slices(*step)) return false;
        written = true;
      }
      if (!mentions(step->inputs, tensor) || step.get() == &concat) continue;
      // Another concatenation copies from the slice.
      const bool copies = step->params.type == fb::Params::Concat &&
                          step->params.AsConcat()->axis + 1 == lowering_.shape_of(tensor).size();
      if (!copies && !reads_slices(*step)) return false;
    }
    return written;
  }

  Lowering& lowering_;
  fb::PlanT& plan_;
};

}  // namespace

void write_concat_slices(Lowering& lowering) {
  ConcatSlices slices(lowering);
  for (auto& step : lowering.plan().steps) {
    if (step->params.type == fb::Params::Concat) slices.place(*step);
  }
}

}  // namespace xinfer::lower
