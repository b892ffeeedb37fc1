// Which launches can write and read parts of a concatenation where they lie.
#include "lower/cuda/cuda_lowering.h"

namespace xinfer::lower {
namespace {

/// Steps whose CUDA kernels take pitches, for what they read and for their result.
bool has_pitches(const fb::StepT& step) {
  switch (step.params.type) {
    case fb::Params::Conv:
    case fb::Params::Gemm:
    case fb::Params::Pool:
    case fb::Params::Resize:
      return true;
    default:
      return false;
  }
}

}  // namespace

SliceRules cuda_slice_rules() {
  // The copy engine and vector accesses need the alignment.
  return {has_pitches, has_pitches, 16};
}

}  // namespace xinfer::lower
