#include "engine/validate_lists.h"

namespace xinfer::engine {

bool lists_are_aligned(const fb::Step& step) {
  if (const auto* conv = step.params_as_Conv()) {
    return are_aligned(conv->kernel(), conv->strides(), conv->dilations(), conv->pads_begin());
  }
  if (const auto* pool = step.params_as_Pool()) {
    return are_aligned(pool->kernel(), pool->strides(), pool->dilations(), pool->pads_begin(),
                       pool->pads_end());
  }
  if (const auto* slice = step.params_as_Slice()) return are_aligned(slice->step());
  if (const auto* pad = step.params_as_Pad()) {
    return are_aligned(pad->pads_begin(), pad->pads_end());
  }
  if (const auto* resize = step.params_as_Resize()) {
    return are_aligned(resize->roi(), resize->scales());
  }
  return true;
}

}  // namespace xinfer::engine
