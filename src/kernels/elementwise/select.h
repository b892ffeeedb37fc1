// Where: y = condition ? a : b with broadcasting. ONNX Where version 16.
#pragma once

#include "core/thread_pool.h"
#include "kernels/elementwise/broadcast.h"

namespace xinfer::kernels {

/// Over a loop made by broadcast({condition_dims, a_dims, b_dims}); elements of a, b and y have
/// `element_bytes` (1, 2, 4 or 8). y may be a or b if that input is not broadcast.
void select(int element_bytes, const StridedLoop<4>& loop, const bool* condition, const void* a,
            const void* b, void* y, ThreadPool& pool);

}  // namespace xinfer::kernels
