// Concatenation by writing into slices: where all that touches an input of a channel concatenation
// can step over the other channels, the input lies in the result from the start and is not copied.
#pragma once

#include "lower/lowering.h"

namespace xinfer::lower {

/// Works on the finished steps of a plan, before memory is planned.
void write_concat_slices(Lowering& lowering);

}  // namespace xinfer::lower
