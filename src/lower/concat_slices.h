// Concatenation by writing into slices: where all that touches an input of a channel concatenation
// can step over the other channels, the input lies in the result from the start and is not copied.
#pragma once

#include "lower/lowering.h"

namespace xinfer::lower {

/// What a back end's kernels can do with a slice.
struct SliceRules {
  bool (*may_write)(const fb::StepT& step);  ///< result with a pixel stride
  bool (*may_read)(const fb::StepT& step);   ///< operands with a pixel stride
  std::int64_t granule_bytes = 1;            ///< slices begin and end at multiples of this
  bool aliased_results = false;  ///< others may read the result under other dimensions (reshape)
  /// Functions of fewer channels write a dense tensor, which is then copied.
  std::int64_t least_function_channels = 0;
};

/// Of the CPU's kernels.
SliceRules cpu_slice_rules();

/// Works on the finished steps of a plan, before memory is planned. Marks what need not be copied
/// (Concat.in_place).
void write_concat_slices(Lowering& lowering, const SliceRules& rules = cpu_slice_rules());

}  // namespace xinfer::lower
