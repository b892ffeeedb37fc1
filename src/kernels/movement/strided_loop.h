// Walking several tensors at once, each with its own strides: the core of broadcasting, slicing,
// transposing and every other copy that is not contiguous.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/thread_pool.h"

namespace xinfer::kernels {

/// The largest number of dimensions that kernels handle.
inline constexpr int kMaxRank = 8;

/// A box of dimensions, outermost first, and for each of `kOperands` tensors the elements from one
/// index to the next along each dimension (0 repeats, negative walks backwards).
template <int kOperands>
struct StridedLoop {
  int rank = 0;
  std::int64_t dims[kMaxRank] = {};
  std::int64_t strides[kOperands][kMaxRank] = {};

  std::int64_t size() const {
    std::int64_t product = 1;
    for (int d = 0; d < rank; ++d) product *= dims[d];
    return product;
  }

  /// Drops dimensions of 1 and merges neighbours that every operand walks as one. Leaves at least
  /// one dimension.
  void collapse() {
    int kept = 0;
    for (int d = 0; d < rank; ++d) {
      if (dims[d] == 1) continue;
      if (kept > 0 && can_merge(kept - 1, d)) {
        dims[kept - 1] *= dims[d];
        for (auto& stride : strides) stride[kept - 1] = stride[d];
      } else {
        dims[kept] = dims[d];
        for (auto& stride : strides) stride[kept] = stride[d];
        ++kept;
      }
    }
    if (kept == 0) {
      dims[0] = 1;
      for (auto& stride : strides) stride[0] = 1;
      kept = 1;
    }
    rank = kept;
  }

 private:
  bool can_merge(int outer, int inner) const {
    for (const auto& stride : strides) {
      if (stride[outer] != stride[inner] * dims[inner]) return false;
    }
    return true;
  }
};

/// Row-major strides of a dense tensor.
inline void dense_strides(int rank, const std::int64_t* dims, std::int64_t* strides) {
  std::int64_t stride = 1;
  for (int d = rank - 1; d >= 0; --d) {
    strides[d] = stride;
    stride *= dims[d];
  }
}

/// Splits the loop into runs along its last dimension and calls body(offsets, count) for each on
/// all threads; offsets[k] is where operand k's run starts, in elements. A run is a whole row
/// unless there are too few rows to share; `grain` is the least number of elements worth a thread.
template <int kOperands, typename Body>
void for_each_run(const StridedLoop<kOperands>& loop, std::size_t grain, ThreadPool& pool,
                  const Body& body) {
  const int inner = loop.rank - 1;
  const std::int64_t length = loop.dims[inner];
  const std::int64_t total = loop.size();
  if (total == 0) return;
  const std::int64_t rows = total / length;
  const auto threads = static_cast<std::int64_t>(pool.threads());
  std::int64_t pieces = 1;
  if (rows<4 * threads&& static_cast<std::size_t>(total)> grain) {
    pieces = (4 * threads + rows - 1) / rows;
    if (pieces > length) pieces = length;
  }
  const std::int64_t piece_length = (length + pieces - 1) / pieces;
  pieces = (length + piece_length - 1) / piece_length;
  const std::size_t item_grain = grain / static_cast<std::size_t>(piece_length) + 1;
  pool.parallel_ranges(
      static_cast<std::size_t>(rows * pieces), item_grain, [&](std::size_t begin, std::size_t end) {
        std::int64_t row = static_cast<std::int64_t>(begin) / pieces;
        std::int64_t piece = static_cast<std::int64_t>(begin) % pieces;
        std::int64_t index[kMaxRank] = {};
        std::int64_t base[kOperands] = {};
        std::int64_t rest = row;
        for (int d = inner - 1; d >= 0; --d) {
          index[d] = rest % loop.dims[d];
          rest /= loop.dims[d];
          for (int k = 0; k < kOperands; ++k) base[k] += index[d] * loop.strides[k][d];
        }
        for (std::size_t item = begin; item < end; ++item) {
          const std::int64_t start = piece * piece_length;
          const std::int64_t count = length - start < piece_length ? length - start : piece_length;
          std::int64_t offsets[kOperands];
          for (int k = 0; k < kOperands; ++k) offsets[k] = base[k] + start * loop.strides[k][inner];
          body(offsets, count);
          if (++piece < pieces) continue;
          piece = 0;
          for (int d = inner - 1; d >= 0; --d) {
            for (int k = 0; k < kOperands; ++k) base[k] += loop.strides[k][d];
            if (++index[d] < loop.dims[d]) break;
            for (int k = 0; k < kOperands; ++k) base[k] -= loop.dims[d] * loop.strides[k][d];
            index[d] = 0;
          }
        }
      });
}

}  // namespace xinfer::kernels
