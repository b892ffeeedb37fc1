// Pad and Tile: outer dimensions by an index map per dimension, the innermost by whole runs.
#include <algorithm>
#include <cstring>

#include "kernels/movement/movement.h"

namespace xinfer::kernels {
namespace {

constexpr std::size_t kGrainElements = 1 << 14;

/// Fills n elements of y with one value.
void fill(int element_bytes, const void* value, char* y, std::int64_t n) {
  if (n <= 0) return;
  const auto count = static_cast<std::size_t>(n);
  switch (element_bytes) {
    case 1:
      std::memset(y, *static_cast<const unsigned char*>(value), count);
      return;
    case 4: {
      std::uint32_t word;
      std::memcpy(&word, value, sizeof word);
      std::fill_n(reinterpret_cast<std::uint32_t*>(y), count, word);
      return;
    }
    default:
      for (std::size_t i = 0; i < count; ++i) {
        std::memcpy(y + i * static_cast<std::size_t>(element_bytes), value,
                    static_cast<std::size_t>(element_bytes));
      }
  }
}

/// The index that stands for `at` outside [0, size); -1 for the constant.
std::int64_t outside_index(PadMode mode, std::int64_t at, std::int64_t size) {
  if (size == 0) return -1;
  switch (mode) {
    case PadMode::kConstant:
      return -1;
    case PadMode::kEdge:
      return at < 0 ? 0 : size - 1;
    case PadMode::kWrap:
      return (at % size + size) % size;
    case PadMode::kReflect:
      break;
  }
  if (size == 1) return 0;
  const std::int64_t period = 2 * (size - 1);
  const std::int64_t folded = (at % period + period) % period;
  return folded < size ? folded : period - folded;
}

struct Padding {
  int element_bytes;
  PadMode mode;
  int rank;
  std::int64_t x_dims[kMaxRank], y_dims[kMaxRank], begins[kMaxRank], x_strides[kMaxRank];
  const void* value;
  const char* x;
  char* y;

  std::int64_t source(int d, std::int64_t i) const {
    const std::int64_t at = i - begins[d];
    return at >= 0 && at < x_dims[d] ? at : outside_index(mode, at, x_dims[d]);
  }

  void row(std::int64_t index) const {
    const int last = rank - 1;
    char* to = y + index * y_dims[last] * element_bytes;
    std::int64_t x_at = 0;
    for (int d = last - 1; d >= 0; --d) {
      const std::int64_t from = source(d, index % y_dims[d]);
      index /= y_dims[d];
      if (from < 0) return fill(element_bytes, value, to, y_dims[last]);
      x_at += from * x_strides[d];
    }
    const char* from = x + x_at * element_bytes;
    const std::int64_t first = std::clamp<std::int64_t>(begins[last], 0, y_dims[last]);
    const std::int64_t end =
        std::clamp<std::int64_t>(begins[last] + x_dims[last], first, y_dims[last]);
    if (mode == PadMode::kConstant) {
      fill(element_bytes, value, to, first);
      fill(element_bytes, value, to + end * element_bytes, y_dims[last] - end);
    } else {
      for (std::int64_t i = 0; i < first; ++i) copy_outside(from, to, i);
      for (std::int64_t i = end; i < y_dims[last]; ++i) copy_outside(from, to, i);
    }
    if (end > first) {
      std::memcpy(to + first * element_bytes, from + (first - begins[last]) * element_bytes,
                  static_cast<std::size_t>((end - first) * element_bytes));
    }
  }

  void copy_outside(const char* from, char* to, std::int64_t i) const {
    std::memcpy(to + i * element_bytes, from + source(rank - 1, i) * element_bytes,
                static_cast<std::size_t>(element_bytes));
  }
};

template <typename Row>
void for_rows(std::int64_t rows, std::int64_t length, ThreadPool& pool, const Row& row) {
  pool.parallel_ranges(static_cast<std::size_t>(rows),
                       kGrainElements / static_cast<std::size_t>(length) + 1,
                       [&](std::size_t begin, std::size_t end) {
                         for (; begin < end; ++begin) row(static_cast<std::int64_t>(begin));
                       });
}

}  // namespace

void pad(int element_bytes, PadMode mode, DimSpan x_dims, DimSpan begins, DimSpan ends,
         const void* value, const void* x, void* y, ThreadPool& pool) {
  if (x_dims.empty()) {
    std::memcpy(y, x, static_cast<std::size_t>(element_bytes));
    return;
  }
  Padding p{};
  p.element_bytes = element_bytes;
  p.mode = mode;
  p.rank = static_cast<int>(x_dims.size());
  p.value = value;
  p.x = static_cast<const char*>(x);
  p.y = static_cast<char*>(y);
  std::int64_t total = 1;
  for (int d = 0; d < p.rank; ++d) {
    const auto i = static_cast<std::size_t>(d);
    p.x_dims[d] = x_dims[i];
    p.begins[d] = begins[i];
    p.y_dims[d] = begins[i] + x_dims[i] + ends[i];
    total *= p.y_dims[d];
    // Nothing to read along an empty dimension: all of y is the constant.
    if (x_dims[i] == 0) p.mode = PadMode::kConstant;
  }
  const std::int64_t length = p.y_dims[p.rank - 1];
  if (total == 0 || length == 0) return;
  dense_strides(p.rank, p.x_dims, p.x_strides);
  for_rows(total / length, length, pool, [&](std::int64_t row) { p.row(row); });
}

void tile(int element_bytes, DimSpan x_dims, DimSpan repeats, const void* x, void* y,
          ThreadPool& pool) {
  if (x_dims.empty()) {
    std::memcpy(y, x, static_cast<std::size_t>(element_bytes));
    return;
  }
  const int last = static_cast<int>(x_dims.size()) - 1;
  const std::int64_t length = x_dims[x_dims.size() - 1];
  const std::int64_t copies = repeats[repeats.size() - 1];
  std::int64_t x_strides[kMaxRank] = {};
  dense_strides(last + 1, x_dims.data(), x_strides);
  std::int64_t rows = 1;
  for (int d = 0; d < last; ++d) {
    rows *= x_dims[static_cast<std::size_t>(d)] * repeats[static_cast<std::size_t>(d)];
  }
  if (rows * length * copies == 0) return;
  const auto row_bytes = static_cast<std::size_t>(length * element_bytes);
  for_rows(rows, length * copies, pool, [&](std::int64_t row) {
    char* to = static_cast<char*>(y) + row * copies * length * element_bytes;
    std::int64_t x_at = 0;
    for (int d = last - 1; d >= 0; --d) {
      const auto i = static_cast<std::size_t>(d);
      x_at += row % x_dims[i] * x_strides[d];  // row % (dim * repeat) % dim
      row /= x_dims[i] * repeats[i];
    }
    const char* from = static_cast<const char*>(x) + x_at * element_bytes;
    for (std::int64_t k = 0; k < copies; ++k) {
      std::memcpy(to + static_cast<std::size_t>(k) * row_bytes, from, row_bytes);
    }
  });
}

}  // namespace xinfer::kernels
