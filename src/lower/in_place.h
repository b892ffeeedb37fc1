// Results that may be written over an operand: memory that a step has just read is in the nearest
// cache, fresh memory is fetched to be overwritten.
#pragma once

#include "lower/lowering.h"

namespace xinfer::lower {

/// The operand of the step over whose bytes the CPU's kernels may write its result, if nobody reads
/// that operand again: a residual, the scores of a softmax, or what a function is applied to.
/// kNoTensor if there is none. Every element is read before it is written, by the thread that
/// writes it.
TensorId overwritable_operand(const Lowering& lowering, const fb::StepT& step);

}  // namespace xinfer::lower
