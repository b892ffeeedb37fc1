// Normalisation over whole tensors.
#include "kernels/normalize/normalize.h"

#include <algorithm>
#include <cmath>

#include "kernels/normalize/normalize_loops.h"

namespace xinfer::kernels {
namespace {

constexpr std::int64_t kGrainElements = 1 << 13;

const NormLoops& loops_for(CpuIsa isa) {
  return select_build(isa, portable::kNormLoops, avx2::kNormLoops, avx512vnni::kNormLoops);
}

std::size_t grain_of(std::int64_t elements_per_item) {
  return static_cast<std::size_t>(kGrainElements / std::max<std::int64_t>(elements_per_item, 1) +
                                  1);
}

Status run_rows(const RowNormParameters& p, const RowNormLoop (&loops)[3], const float* x, void* y,
                ThreadPool& pool) {
  int type = 0;
  if (p.y_dtype == DType::kInt8) {
    type = 1;
  } else if (p.y_dtype == DType::kUInt8) {
    type = 2;
  } else if (p.y_dtype != DType::kFloat32) {
    return unsupported("normalisation to {}; supported: float32, int8, uint8",
                       to_string(p.y_dtype));
  }
  const RowNormLoop loop = loops[type];
  const auto y_bytes = static_cast<std::int64_t>(size_of(p.y_dtype));
  char* to = static_cast<char*>(y);
  pool.parallel_ranges(
      static_cast<std::size_t>(p.rows), grain_of(p.n), [&](std::size_t begin, std::size_t end) {
        for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
          loop(p, x + i * p.x_stride, to + i * p.y_stride * y_bytes);
        }
      });
  return {};
}

/// Mean and variance of channels [first, first + count) of one image, in double.
void normalize_group(const GroupNormParameters& p, const float* x, float* y, std::int64_t first,
                     std::int64_t count) {
  const double n = static_cast<double>(p.pixels * count);
  double sum = 0;
  for (std::int64_t i = 0; i < p.pixels; ++i) {
    for (std::int64_t c = first; c < first + count; ++c) sum += x[i * p.channels + c];
  }
  const double mean = sum / n;
  double squares = 0;
  for (std::int64_t i = 0; i < p.pixels; ++i) {
    for (std::int64_t c = first; c < first + count; ++c) {
      const double d = x[i * p.channels + c] - mean;
      squares += d * d;
    }
  }
  const double r = 1.0 / std::sqrt(squares / n + static_cast<double>(p.epsilon));
  for (std::int64_t c = first; c < first + count; ++c) {
    const double scale = r * (p.scale != nullptr ? static_cast<double>(p.scale[c]) : 1.0);
    const double bias = (p.bias != nullptr ? static_cast<double>(p.bias[c]) : 0.0) - mean * scale;
    for (std::int64_t i = 0; i < p.pixels; ++i) {
      const std::int64_t at = i * p.channels + c;
      y[at] = static_cast<float>(x[at] * scale + bias);
    }
  }
}

}  // namespace

Status layer_norm(const RowNormParameters& parameters, const float* x, void* y, CpuIsa isa,
                  ThreadPool& pool) {
  return run_rows(parameters, loops_for(isa).layer, x, y, pool);
}

Status rms_norm(const RowNormParameters& parameters, const float* x, void* y, CpuIsa isa,
                ThreadPool& pool) {
  return run_rows(parameters, loops_for(isa).rms, x, y, pool);
}

void group_norm(const GroupNormParameters& p, const float* x, float* y, ThreadPool& pool) {
  const std::int64_t per_group = p.channels / p.groups;
  const std::int64_t image = p.pixels * p.channels;
  pool.parallel_ranges(
      static_cast<std::size_t>(p.batch * p.groups), grain_of(p.pixels * per_group),
      [&](std::size_t begin, std::size_t end) {
        for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
          const std::int64_t n = i / p.groups;
          normalize_group(p, x + n * image, y + n * image, i % p.groups * per_group, per_group);
        }
      });
}

void channel_affine(std::int64_t pixels, std::int64_t channels, const float* scale,
                    const float* bias, const float* x, float* y, CpuIsa isa, ThreadPool& pool) {
  const AffineLoop loop = loops_for(isa).affine;
  pool.parallel_ranges(static_cast<std::size_t>(pixels), grain_of(channels),
                       [&](std::size_t begin, std::size_t end) {
                         for (auto i = static_cast<std::int64_t>(begin);
                              i < static_cast<std::int64_t>(end); ++i) {
                           loop(scale, bias, x + i * channels, y + i * channels, channels);
                         }
                       });
}

void lrn(const LrnParameters& p, const float* x, float* y, ThreadPool& pool) {
  const std::int64_t before = (p.size - 1) / 2;
  const std::int64_t after = p.size - 1 - before;
  const double factor = static_cast<double>(p.alpha) / static_cast<double>(p.size);
  pool.parallel_ranges(
      static_cast<std::size_t>(p.pixels), grain_of(p.channels * p.size),
      [&](std::size_t begin, std::size_t end) {
        for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
          const float* from = x + i * p.channels;
          for (std::int64_t c = 0; c < p.channels; ++c) {
            double squares = 0;
            const std::int64_t last = std::min(c + after, p.channels - 1);
            for (std::int64_t k = std::max<std::int64_t>(c - before, 0); k <= last; ++k) {
              squares += static_cast<double>(from[k]) * static_cast<double>(from[k]);
            }
            y[i * p.channels + c] =
                static_cast<float>(from[c] / std::pow(p.bias + factor * squares, p.beta));
          }
        }
      });
}

}  // namespace xinfer::kernels
