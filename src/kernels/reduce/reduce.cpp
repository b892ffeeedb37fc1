// Reductions: x is seen as kept and reduced loops; two inner kernels cover them.
//   reduced dimension innermost: one output at a time, 8 chains over contiguous runs;
//   kept dimension innermost: a strip of outputs at a time, rows of x added to it.
#include "kernels/reduce/reduce.h"

#include <algorithm>

#include "kernels/movement/strided_loop.h"
#include "kernels/reduce/accumulators.h"

namespace xinfer::kernels {
namespace {

constexpr std::int64_t kGrainElements = 1 << 14;
constexpr std::int64_t kStrip = 64;
constexpr int kChains = 8;

constexpr const char* kNames[] = {"ReduceSum",       "ReduceMean",     "ReduceMax", "ReduceMin",
                                  "ReduceProd",      "ReduceL1",       "ReduceL2",  "ReduceLogSum",
                                  "ReduceLogSumExp", "ReduceSumSquare"};

/// x as two boxes with x's strides: the kept dimensions (y in row-major order) and the reduced
/// ones.
struct Split {
  StridedLoop<1> kept, reduced;

  Split(std::span<const std::int64_t> dims, std::span<const bool> flags) {
    std::int64_t strides[kMaxRank] = {};
    const int rank = static_cast<int>(dims.size());
    dense_strides(rank, dims.data(), strides);
    for (int d = 0; d < rank; ++d) {
      const auto i = static_cast<std::size_t>(d);
      StridedLoop<1>& side = flags[i] ? reduced : kept;
      side.dims[side.rank] = dims[i];
      side.strides[0][side.rank++] = strides[d];
    }
    kept.collapse();
    reduced.collapse();
  }
};

std::int64_t offset_of(const StridedLoop<1>& loop, int rank, std::int64_t index) {
  std::int64_t at = 0;
  for (int d = rank - 1; d >= 0; --d) {
    at += index % loop.dims[d] * loop.strides[0][d];
    index /= loop.dims[d];
  }
  return at;
}

template <typename T, typename A, typename Finish>
struct Reducer {
  using W = std::conditional_t<std::is_same_v<A, accumulators::Max> ||
                                   std::is_same_v<A, accumulators::Min>,
                               ComputeType<T>, accumulators::Wide<T>>;
  const Split& split;
  const T* x;
  T* y;
  Finish finish;

  static W load(const T& value) { return static_cast<W>(static_cast<ComputeType<T>>(value)); }

  /// The whole reduction of the output whose elements start at x + base.
  W reduce_one(std::int64_t base) const {
    const StridedLoop<1>& r = split.reduced;
    const std::int64_t n = r.dims[r.rank - 1], step = r.strides[0][r.rank - 1];
    const std::int64_t rows = n == 0 ? 0 : r.size() / n;
    W chains[kChains];
    std::fill_n(chains, kChains, A::template start<W>());
    for (std::int64_t row = 0; row < rows; ++row) {
      const T* from = x + base + offset_of(r, r.rank - 1, row);
      std::int64_t i = 0;
      for (; i + kChains <= n; i += kChains) {
        for (int c = 0; c < kChains; ++c) {
          chains[c] = A::join(chains[c], A::map(load(from[(i + c) * step])));
        }
      }
      for (int c = 0; i < n; ++i, ++c) chains[c] = A::join(chains[c], A::map(load(from[i * step])));
    }
    for (int width = kChains / 2; width > 0; width /= 2) {
      for (int c = 0; c < width; ++c) chains[c] = A::join(chains[c], chains[c + width]);
    }
    return chains[0];
  }

  /// `count` outputs that are neighbours in x.
  void reduce_strip(std::int64_t base, T* to, std::int64_t count) const {
    const StridedLoop<1>& r = split.reduced;
    const std::int64_t rows = r.size();
    W totals[kStrip];
    std::fill_n(totals, kStrip, A::template start<W>());
    for (std::int64_t row = 0; row < rows; ++row) {
      const T* from = x + base + offset_of(r, r.rank, row);
      for (std::int64_t i = 0; i < count; ++i) {
        totals[i] = A::join(totals[i], A::map(load(from[i])));
      }
    }
    for (std::int64_t i = 0; i < count; ++i) to[i] = finish(totals[i], base + i);
  }

  void run(ThreadPool& pool) const {
    const StridedLoop<1>& kept = split.kept;
    const std::int64_t inner = kept.dims[kept.rank - 1];
    const std::int64_t outputs = kept.size();
    if (outputs == 0) return;
    const std::int64_t each = std::max<std::int64_t>(split.reduced.size(), 1);
    if (kept.strides[0][kept.rank - 1] == 1 && inner >= kChains) {
      const std::int64_t strips = (inner + kStrip - 1) / kStrip;
      for_items(outputs / inner * strips, each * kStrip, pool, [&](std::int64_t i) {
        const std::int64_t row = i / strips, at = i % strips * kStrip;
        reduce_strip(offset_of(kept, kept.rank - 1, row) + at, y + row * inner + at,
                     std::min(kStrip, inner - at));
      });
      return;
    }
    for_items(outputs, each, pool, [&](std::int64_t i) {
      const std::int64_t base = offset_of(kept, kept.rank, i);
      y[i] = finish(reduce_one(base), base);
    });
  }

  template <typename Item>
  static void for_items(std::int64_t count, std::int64_t work, ThreadPool& pool, const Item& item) {
    pool.parallel_ranges(static_cast<std::size_t>(count),
                         static_cast<std::size_t>(kGrainElements / work + 1),
                         [&](std::size_t begin, std::size_t end) {
                           for (; begin < end; ++begin) item(static_cast<std::int64_t>(begin));
                         });
  }
};

template <typename A, typename T, typename Finish>
Status reduce_with(const Split& split, const void* x, void* y, ThreadPool& pool,
                   const Finish& finish) {
  Reducer<T, A, Finish>{split, static_cast<const T*>(x), static_cast<T*>(y), finish}.run(pool);
  return {};
}

/// The accumulated value as T: floats are rounded once, integers keep their low bits.
template <typename T, typename W>
T narrow(W value) {
  if constexpr (is_half<T>) {
    return T(static_cast<double>(value));
  } else {
    return static_cast<T>(value);
  }
}

/// A double result as T; what an integer type cannot hold is 0.
template <typename T>
T from_double(double value) {
  if constexpr (is_real<T>) {
    return T(value);
  } else {
    if (!(std::fabs(value) < 9.2e18)) return T{0};
    return static_cast<T>(static_cast<std::int64_t>(value));
  }
}

template <typename T>
Status reduce_typed(ReduceKind op, const Split& split, const void* x, void* y, ThreadPool& pool) {
  namespace acc = accumulators;
  const auto plain = [](auto total, std::int64_t) { return narrow<T>(total); };
  const std::int64_t count = split.reduced.size();
  switch (op) {
    case ReduceKind::kSum:
      return reduce_with<acc::Sum, T>(split, x, y, pool, plain);
    case ReduceKind::kMean:
      return reduce_with<acc::Sum, T>(split, x, y, pool, [count](auto total, std::int64_t) {
        if constexpr (!is_real<T>) {
          if (count == 0) return T{0};
        }
        return narrow<T>(total / static_cast<decltype(total)>(count));
      });
    case ReduceKind::kMax:
      return reduce_with<acc::Max, T>(split, x, y, pool, plain);
    case ReduceKind::kMin:
      return reduce_with<acc::Min, T>(split, x, y, pool, plain);
    case ReduceKind::kProd:
      return reduce_with<acc::Prod, T>(split, x, y, pool, plain);
    case ReduceKind::kL1:
      return reduce_with<acc::SumAbsolute, T>(split, x, y, pool, plain);
    case ReduceKind::kSumSquare:
      return reduce_with<acc::SumSquare, T>(split, x, y, pool, plain);
    case ReduceKind::kL2:
      return reduce_with<acc::SumSquare, T>(split, x, y, pool, [](auto total, std::int64_t) {
        return from_double<T>(std::sqrt(static_cast<double>(total)));
      });
    case ReduceKind::kLogSum:
      return reduce_with<acc::Sum, T>(split, x, y, pool, [](auto total, std::int64_t) {
        return from_double<T>(std::log(static_cast<double>(total)));
      });
    case ReduceKind::kLogSumExp: {
      // The maximum first, so that exp cannot overflow; then a second walk from the same base.
      const T* from = static_cast<const T*>(x);
      return reduce_with<acc::Max, T>(split, x, y, pool, [&](auto best, std::int64_t base) {
        const double m = static_cast<double>(best);
        if (std::isinf(m)) return from_double<T>(m);
        double sum = 0;
        for (std::int64_t i = 0; i < split.reduced.size(); ++i) {
          const std::int64_t at = base + offset_of(split.reduced, split.reduced.rank, i);
          sum += std::exp(static_cast<double>(static_cast<ComputeType<T>>(from[at])) - m);
        }
        return from_double<T>(m + std::log(sum));
      });
    }
  }
  return {};
}

}  // namespace

const char* to_string(ReduceKind op) { return kNames[static_cast<int>(op)]; }

Status reduce(ReduceKind op, DType dtype, std::span<const std::int64_t> x_dims,
              std::span<const bool> reduced, const void* x, void* y, ThreadPool& pool) {
  if (x_dims.size() > kMaxRank) {
    return unsupported("{} of rank {}; supported: up to {}", to_string(op), x_dims.size(),
                       kMaxRank);
  }
  const Split split(x_dims, reduced);
  return visit_dtype(dtype, [&]<typename T>() -> Status {
    if constexpr (std::is_same_v<T, bool>) {
      // Bytes 0 and 1: the larger is Or, the smaller And.
      if (op != ReduceKind::kMax && op != ReduceKind::kMin) {
        return unsupported("{} of bool is not defined", to_string(op));
      }
      return reduce_typed<std::uint8_t>(op, split, x, y, pool);
    } else {
      return reduce_typed<T>(op, split, x, y, pool);
    }
  });
}

}  // namespace xinfer::kernels
