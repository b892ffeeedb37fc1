// The strided copy and the movements that are one: transpose, slice, expand.
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "kernels/movement/movement.h"
#include "kernels/movement/transpose_tile.h"

namespace xinfer::kernels {
namespace {

constexpr std::size_t kGrainElements = 1 << 14;
constexpr std::int64_t kTile = 64;

template <typename T>
void copy_elements(const StridedLoop<2>& loop, const void* x, void* y, ThreadPool& pool) {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(y);
  const std::int64_t x_step = loop.strides[0][loop.rank - 1];
  const std::int64_t y_step = loop.strides[1][loop.rank - 1];
  for_each_run(loop, kGrainElements, pool, [&](const std::int64_t* at, std::int64_t n) {
    const T* source = from + at[0];
    T* target = to + at[1];
    if (x_step == 1 && y_step == 1) {
      std::memcpy(target, source, static_cast<std::size_t>(n) * sizeof(T));
    } else if (x_step == 0 && y_step == 1) {
      std::fill_n(target, n, *source);
    } else {
      for (std::int64_t i = 0; i < n; ++i) target[i * y_step] = source[i * x_step];
    }
  });
}

/// The dimension that x walks contiguously while y walks the last one: together they are a
/// two-dimensional transpose. -1 if there is none worth tiles.
int transposed_dimension(const StridedLoop<2>& loop) {
  const int last = loop.rank - 1;
  if (loop.strides[1][last] != 1 || loop.strides[0][last] == 1 || loop.strides[0][last] == 0) {
    return -1;
  }
  for (int d = 0; d < last; ++d) {
    if (loop.strides[0][d] == 1) return d;
  }
  return -1;
}

/// Tiles over (dimension d, last dimension), the other dimensions around them.
void copy_tiles(int element_bytes, const StridedLoop<2>& loop, int d, const void* x, void* y,
                ThreadPool& pool) {
  const int last = loop.rank - 1;
  const std::int64_t columns = loop.dims[d], rows = loop.dims[last];
  const std::int64_t x_stride = loop.strides[0][last], y_stride = loop.strides[1][d];
  const std::int64_t column_tiles = (columns + kTile - 1) / kTile;
  const std::int64_t row_tiles = (rows + kTile - 1) / kTile;
  StridedLoop<2> outer = loop;
  outer.rank = 0;
  for (int i = 0; i < last; ++i) {
    if (i == d) continue;
    outer.dims[outer.rank] = loop.dims[i];
    for (int k = 0; k < 2; ++k) outer.strides[k][outer.rank] = loop.strides[k][i];
    ++outer.rank;
  }
  const std::int64_t per_box = column_tiles * row_tiles;
  const std::int64_t elements = std::min(columns, kTile) * std::min(rows, kTile);
  const char* from = static_cast<const char*>(x);
  char* to = static_cast<char*>(y);
  pool.parallel_ranges(static_cast<std::size_t>(outer.size() * per_box),
                       kGrainElements / static_cast<std::size_t>(elements) + 1,
                       [&](std::size_t begin, std::size_t end) {
                         for (auto i = static_cast<std::int64_t>(begin);
                              i < static_cast<std::int64_t>(end); ++i) {
                           std::int64_t box = i / per_box, x_at = 0, y_at = 0;
                           for (int k = outer.rank - 1; k >= 0; --k) {
                             x_at += box % outer.dims[k] * outer.strides[0][k];
                             y_at += box % outer.dims[k] * outer.strides[1][k];
                             box /= outer.dims[k];
                           }
                           const std::int64_t r = i % per_box / column_tiles * kTile;
                           const std::int64_t c = i % column_tiles * kTile;
                           x_at += r * x_stride + c;
                           y_at += c * y_stride + r;
                           transpose_tile(element_bytes, std::min(kTile, rows - r),
                                          std::min(kTile, columns - c), from + x_at * element_bytes,
                                          x_stride, to + y_at * element_bytes, y_stride);
                         }
                       });
}

/// Runs of `kBytes` bytes: a copy of constant size costs a move or two, memcpy a call.
template <int kBytes>
void copy_short_runs(const StridedLoop<2>& loop, const void* x, void* y, ThreadPool& pool) {
  const char* from = static_cast<const char*>(x);
  char* to = static_cast<char*>(y);
  const std::int64_t x_step = loop.strides[0][loop.rank - 1];
  const std::int64_t y_step = loop.strides[1][loop.rank - 1];
  for_each_run(loop, kGrainElements / kBytes + 1, pool,
               [&](const std::int64_t* at, std::int64_t n) {
                 const char* source = from + at[0];
                 char* target = to + at[1];
                 for (std::int64_t i = 0; i < n; ++i, source += x_step, target += y_step) {
                   std::memcpy(target, source, kBytes);
                 }
               });
}

constexpr std::int64_t kShortRunBytes = 64;

template <std::size_t... kIndex>
constexpr auto short_run_copies(std::index_sequence<kIndex...>) {
  return std::array{copy_short_runs<static_cast<int>(kIndex) + 1>...};
}

/// Pixels of few channels: the last dimension is copied by the loops above, the one around it
/// becomes the inner loop. Returns whether the box is of that kind.
bool copy_as_short_runs(int element_bytes, const StridedLoop<2>& loop, const void* x, void* y,
                        ThreadPool& pool) {
  constexpr auto kCopies = short_run_copies(std::make_index_sequence<kShortRunBytes>{});
  const int last = loop.rank - 1;
  const std::int64_t bytes = loop.dims[last] * element_bytes;
  if (last == 0 || bytes > kShortRunBytes) return false;
  if (loop.strides[0][last] != 1 || loop.strides[1][last] != 1) return false;
  StridedLoop<2> runs = loop;
  runs.rank = last;
  for (auto& strides : runs.strides) {
    for (int d = 0; d < last; ++d) strides[d] *= element_bytes;
  }
  kCopies[static_cast<std::size_t>(bytes - 1)](runs, x, y, pool);
  return true;
}

}  // namespace

void strided_copy(int element_bytes, StridedLoop<2> loop, const void* x, void* y,
                  ThreadPool& pool) {
  if (loop.size() == 0) return;
  loop.collapse();
  const int d = transposed_dimension(loop);
  if (d >= 0) {
    copy_tiles(element_bytes, loop, d, x, y, pool);
    return;
  }
  if (copy_as_short_runs(element_bytes, loop, x, y, pool)) return;
  switch (element_bytes) {
    case 1:
      return copy_elements<std::uint8_t>(loop, x, y, pool);
    case 2:
      return copy_elements<std::uint16_t>(loop, x, y, pool);
    case 4:
      return copy_elements<std::uint32_t>(loop, x, y, pool);
    default:
      return copy_elements<std::uint64_t>(loop, x, y, pool);
  }
}

void transpose(int element_bytes, DimSpan x_dims, std::span<const int> permutation, const void* x,
               void* y, ThreadPool& pool) {
  StridedLoop<2> loop;
  loop.rank = static_cast<int>(x_dims.size());
  std::int64_t x_strides[kMaxRank];
  dense_strides(loop.rank, x_dims.data(), x_strides);
  for (int i = 0; i < loop.rank; ++i) {
    const auto from = static_cast<std::size_t>(permutation[static_cast<std::size_t>(i)]);
    loop.dims[i] = x_dims[from];
    loop.strides[0][i] = x_strides[from];
  }
  dense_strides(loop.rank, loop.dims, loop.strides[1]);
  strided_copy(element_bytes, loop, x, y, pool);
}

void slice(int element_bytes, DimSpan x_dims, DimSpan starts, DimSpan steps, DimSpan y_dims,
           std::int64_t y_pixel_stride, const void* x, void* y, ThreadPool& pool) {
  StridedLoop<2> loop;
  loop.rank = static_cast<int>(x_dims.size());
  std::int64_t x_strides[kMaxRank];
  dense_strides(loop.rank, x_dims.data(), x_strides);
  std::int64_t start = 0;
  for (int i = 0; i < loop.rank; ++i) {
    const auto d = static_cast<std::size_t>(i);
    loop.dims[i] = y_dims[d];
    loop.strides[0][i] = x_strides[i] * steps[d];
    start += x_strides[i] * starts[d];
  }
  if (loop.size() == 0) return;
  dense_strides(loop.rank, loop.dims, loop.strides[1]);
  for (int i = 0; i + 1 < loop.rank; ++i) {
    loop.strides[1][i] = loop.strides[1][i] / loop.dims[loop.rank - 1] * y_pixel_stride;
  }
  strided_copy(element_bytes, loop, static_cast<const char*>(x) + start * element_bytes, y, pool);
}

void expand(int element_bytes, DimSpan x_dims, DimSpan y_dims, const void* x, void* y,
            ThreadPool& pool) {
  StridedLoop<2> loop;
  loop.rank = static_cast<int>(x_dims.size());
  dense_strides(loop.rank, x_dims.data(), loop.strides[0]);
  for (int i = 0; i < loop.rank; ++i) {
    const auto d = static_cast<std::size_t>(i);
    loop.dims[i] = y_dims[d];
    if (x_dims[d] == 1) loop.strides[0][i] = 0;
  }
  dense_strides(loop.rank, loop.dims, loop.strides[1]);
  strided_copy(element_bytes, loop, x, y, pool);
}

void copy_blocks(std::int64_t count, std::int64_t block_bytes, const void* x,
                 std::int64_t x_stride_bytes, void* y, std::int64_t y_stride_bytes,
                 ThreadPool& pool) {
  StridedLoop<2> loop;
  loop.rank = 2;
  loop.dims[0] = count;
  loop.dims[1] = block_bytes;
  loop.strides[0][0] = x_stride_bytes;
  loop.strides[1][0] = y_stride_bytes;
  loop.strides[0][1] = loop.strides[1][1] = 1;
  strided_copy(1, loop, x, y, pool);
}

}  // namespace xinfer::kernels
