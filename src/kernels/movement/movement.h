// Kernels that move elements without looking at them: everything here takes the element size in
// bytes (1, 2, 4 or 8) instead of a type. Dimensions and strides are in elements, outermost first,
// in the physical order of the tensor. x and y must not overlap. Rank up to kMaxRank.
#pragma once

#include <cstdint>
#include <span>

#include "core/status.h"
#include "core/thread_pool.h"
#include "kernels/movement/kinds.h"
#include "kernels/movement/strided_loop.h"

namespace xinfer::kernels {

using DimSpan = std::span<const std::int64_t>;

/// Copies x to y over a box; loop.strides[0] are x's (0 repeats, negative walks backwards), [1]
/// y's. The common core: contiguous runs by memcpy, transposing boxes by tiles, the rest element by
/// element.
void strided_copy(int element_bytes, StridedLoop<2> loop, const void* x, void* y, ThreadPool& pool);

/// y = x with dimensions permuted: y.dims[i] = x_dims[permutation[i]]. ONNX Transpose version 1 and
/// up; DepthToSpace and SpaceToDepth are transposes of reshaped tensors.
void transpose(int element_bytes, DimSpan x_dims, std::span<const int> permutation, const void* x,
               void* y, ThreadPool& pool);

/// y[i, …] = x[starts[0] + i * steps[0], …]; starts inside x, steps non-zero. ONNX Slice version 10
/// and up after clamping; `y_dims` are the lengths that result, `y_pixel_stride` the elements of y
/// from one index of all dimensions but the last to the next (y_dims' last if y is dense).
void slice(int element_bytes, DimSpan x_dims, DimSpan starts, DimSpan steps, DimSpan y_dims,
           std::int64_t y_pixel_stride, const void* x, void* y, ThreadPool& pool);

/// y = x repeated along dimensions of 1 to y_dims (same rank). ONNX Expand version 8 after aligning
/// ranks.
void expand(int element_bytes, DimSpan x_dims, DimSpan y_dims, const void* x, void* y,
            ThreadPool& pool);

/// y = x repeated repeats[i] times along dimension i. ONNX Tile version 6.
void tile(int element_bytes, DimSpan x_dims, DimSpan repeats, const void* x, void* y,
          ThreadPool& pool);

/// `count` blocks of `block_bytes` from x to y, each with a stride of its own in bytes: one input
/// of a Concat, or one output of a Split.
void copy_blocks(std::int64_t count, std::int64_t block_bytes, const void* x,
                 std::int64_t x_stride_bytes, void* y, std::int64_t y_stride_bytes,
                 ThreadPool& pool);

/// ONNX Pad version 19: y.dims[i] = begins[i] + x_dims[i] + ends[i]; negative pads crop. `value` is
/// one element, for kConstant.
void pad(int element_bytes, PadMode mode, DimSpan x_dims, DimSpan begins, DimSpan ends,
         const void* value, const void* x, void* y, ThreadPool& pool);

/// y[o, i, :] = x[o, indices[i], :] for x [outer, axis, inner], y [outer, count, inner]. ONNX
/// Gather version 13: negative indices count from the end. Fails with `invalid_argument` if one is
/// out of range. I: std::int32_t or std::int64_t.
template <typename I>
Status gather(int element_bytes, std::int64_t outer, std::int64_t axis, std::int64_t inner,
              std::int64_t count, const I* indices, const void* x, void* y, ThreadPool& pool);

/// y[…] = x[…] with the coordinate along `axis` replaced by indices[…]; y has the dimensions of
/// indices. ONNX GatherElements version 13; fails as gather does.
template <typename I>
Status gather_elements(int element_bytes, int axis, DimSpan x_dims, DimSpan index_dims,
                       const I* indices, const void* x, void* y);

}  // namespace xinfer::kernels
