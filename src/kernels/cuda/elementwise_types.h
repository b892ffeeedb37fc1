// How the elementwise kernels name the types of their elements.
#pragma once

#include "core/status.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels::cuda {

/// Integers that the kernels know; bool is none.
bool is_integer(DType dtype);

/// The type of an element in memory, "xi::Half". Fails for types without a CUDA form.
Result<const char*> stored_type(DType dtype);

/// The type that an element is computed in, "float"; of a type that stored_type knows.
const char* value_type(DType dtype);

}  // namespace xinfer::kernels::cuda
