// Reductions over any set of axes, ArgMax / ArgMin, TopK and cumulative sums.
//
// ONNX Reduce* (versions 1 to 20), ArgMax and ArgMin (13), TopK (11), CumSum (14). float32 and the
// 16-bit floats accumulate in double (Min and Max in the type itself), integers in 64 bits. The
// order is fixed: the reduced elements in row-major order, in 8 interleaved chains where they are
// contiguous; it does not depend on threads or instruction sets. Mean of integers truncates.
#pragma once

#include <cstdint>
#include <span>

#include "core/status.h"
#include "core/thread_pool.h"
#include "kernels/reduce/kinds.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels {

/// "ReduceSum", …: the ONNX name, for reports and messages.
const char* to_string(ReduceKind op);

/// y = op over the axes with reduced[i] of a dense x; y is dense in the remaining dimensions. Over
/// no elements: Sum, L1, L2, SumSquare and Mean's numerator 0, Prod 1, Max and Min the type's
/// limits (infinities). kMax and kMin of bool are Or and And. Fails with `unsupported` for other
/// bool ops and for ranks above kMaxRank.
Status reduce(ReduceKind op, DType dtype, std::span<const std::int64_t> x_dims,
              std::span<const bool> reduced, const void* x, void* y, ThreadPool& pool);

/// y[o, i] = the index along the axis of x [outer, axis, inner] with the largest (or smallest)
/// element; of equals the first, or the last with `select_last`. Fails with `unsupported` for bool.
Status arg_extreme(bool largest, DType dtype, std::int64_t outer, std::int64_t axis,
                   std::int64_t inner, bool select_last, const void* x, std::int64_t* y,
                   ThreadPool& pool);

/// The k largest (or smallest) elements along the axis of x [outer, axis, inner], best first; of
/// equals the lower index first. values and indices: [outer, k, inner]. `scratch` has `axis`
/// elements a thread: threads * axis. Always sorted, which `sorted = 0` permits.
Status top_k(bool largest, DType dtype, std::int64_t outer, std::int64_t axis, std::int64_t inner,
             std::int64_t k, const void* x, void* values, std::int64_t* indices,
             std::span<std::int64_t> scratch, ThreadPool& pool);

/// Cumulative sums along the axis of x [outer, axis, inner]. Fails with `unsupported` for bool.
Status cumulative_sum(DType dtype, std::int64_t outer, std::int64_t axis, std::int64_t inner,
                      bool exclusive, bool reverse, const void* x, void* y, ThreadPool& pool);

}  // namespace xinfer::kernels
