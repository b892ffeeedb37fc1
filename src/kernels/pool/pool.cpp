// Pooling over whole tensors: windows clipped to the input, channels by the inner loops.
#include "kernels/pool/pool.h"

#include <algorithm>

#include "kernels/pool/pool_loops.h"
#include "kernels/pool/window.h"

namespace xinfer::kernels {
namespace {

/// Taps worth a thread.
constexpr std::int64_t kGrainTaps = 1 << 17;

int type_index(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return 0;
    case DType::kInt8:
      return 1;
    case DType::kUInt8:
      return 2;
    default:
      return -1;
  }
}

const PoolLoops& loops_for(CpuIsa isa) {
  return select_build(isa, portable::kPoolLoops, avx2::kPoolLoops, avx512vnni::kPoolLoops);
}

/// What a window's sum is multiplied or divided by, from the counts.
struct Average {
  bool include_pad = false;
  double scale_ratio = 1.0;
};

struct Pooling {
  const PoolShape& s;
  std::int64_t x_bytes, y_bytes;
  PoolLoop loop;
  Average average;
  const char* x;
  char* y;

  /// Pixels [begin, end) of output row `row` of all rows (image, depth, height), and of them the
  /// channels [c, c + n).
  void run_row(std::int64_t row, std::int64_t begin, std::int64_t end, std::int64_t c,
               std::int64_t n) const {
    const PoolSpan dh = pool_span(s.height, row % s.height.out);
    const PoolSpan dd = pool_span(s.depth, row / s.height.out % s.depth.out);
    const std::int64_t image = row / (s.height.out * s.depth.out);
    const std::int64_t x_row = s.width.in * s.x_pixel_stride;
    const std::int64_t x_plane = s.height.in * x_row;
    const std::int64_t base = (image * s.depth.in + dd.first) * x_plane + dh.first * x_row + c;
    PoolWindow window{dd.count,
                      dh.count,
                      0,
                      s.depth.dilation * x_plane,
                      s.height.dilation * x_row,
                      s.width.dilation * s.x_pixel_stride};
    const bool padded = average.include_pad;
    const std::int64_t outer_count =
        padded ? dd.padded_count * dh.padded_count : dd.count * dh.count;
    // Most windows of a row are whole: their count and factor are computed once.
    std::int64_t last_count = 0;
    float factor = 0.0f;
    for (std::int64_t w = begin; w < end; ++w) {
      const PoolSpan dw = pool_span(s.width, w);
      window.taps = dw.count;
      const std::int64_t count =
          std::max<std::int64_t>(outer_count * (padded ? dw.padded_count : dw.count), 1);
      if (count != last_count) {
        last_count = count;
        factor = static_cast<float>(average.scale_ratio / static_cast<double>(count));
      }
      loop(x + (base + dw.first * s.x_pixel_stride) * x_bytes,
           y + ((row * s.width.out + w) * s.y_pixel_stride + c) * y_bytes, n, window, factor,
           static_cast<float>(count));
    }
  }
};

/// Shares output rows, and where there are few of them also parts of rows and blocks of channels.
void run(const Pooling& pooling, ThreadPool& pool) {
  const PoolShape& s = pooling.s;
  const std::int64_t rows = s.batch * s.depth.out * s.height.out;
  const std::int64_t width = s.width.out;
  if (rows * width * s.channels == 0) return;
  const std::int64_t wanted = 4 * pool.threads();
  const std::int64_t parts = rows >= wanted ? 1 : std::min(width, (wanted + rows - 1) / rows);
  const bool split_channels = rows * parts < wanted && s.channels > kPoolBlock;
  const std::int64_t step = split_channels ? kPoolBlock : s.channels;
  const std::int64_t blocks = (s.channels + step - 1) / step;
  const std::int64_t window = s.depth.kernel * s.height.kernel * s.width.kernel;
  const std::int64_t work = step * window * ((width + parts - 1) / parts);
  pool.parallel_ranges(
      static_cast<std::size_t>(rows * parts * blocks),
      static_cast<std::size_t>(kGrainTaps / work + 1), [&](std::size_t begin, std::size_t end) {
        for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
          const std::int64_t c = i % blocks * step;
          const std::int64_t part = i / blocks % parts;
          pooling.run_row(i / (blocks * parts), width * part / parts, width * (part + 1) / parts, c,
                          std::min(step, s.channels - c));
        }
      });
}

}  // namespace

Status max_pool(const PoolShape& shape, DType dtype, const void* x, void* y, CpuIsa isa,
                ThreadPool& pool) {
  const int type = type_index(dtype);
  if (type < 0) {
    return unsupported("max pooling of {}; supported: float32, int8, uint8", to_string(dtype));
  }
  const auto bytes = static_cast<std::int64_t>(size_of(dtype));
  run({shape,
       bytes,
       bytes,
       loops_for(isa).max[type],
       {},
       static_cast<const char*>(x),
       static_cast<char*>(y)},
      pool);
  return {};
}

Status average_pool(const PoolShape& shape, const AveragePoolParameters& parameters, const void* x,
                    void* y, CpuIsa isa, ThreadPool& pool) {
  const int from = type_index(parameters.x_dtype);
  const int to = type_index(parameters.y_dtype);
  if (from < 0 || to < 0 || (from == 0 && to != 0)) {
    return unsupported(
        "average pooling from {} to {}; supported: float32 to float32, int8 and uint8 to float32, "
        "int8, uint8",
        to_string(parameters.x_dtype), to_string(parameters.y_dtype));
  }
  const PoolLoops& loops = loops_for(isa);
  const PoolLoop loop = from == 0 ? loops.average_f32 : loops.average_int8[from - 1][to];
  Average average;
  average.include_pad = parameters.count_include_pad;
  average.scale_ratio = static_cast<double>(parameters.x_scale);
  if (to != 0) average.scale_ratio /= static_cast<double>(parameters.y_scale);
  run({shape, static_cast<std::int64_t>(size_of(parameters.x_dtype)),
       static_cast<std::int64_t>(size_of(parameters.y_dtype)), loop, average,
       static_cast<const char*>(x), static_cast<char*>(y)},
      pool);
  return {};
}

Status lp_pool(const PoolShape& shape, int p, const float* x, float* y, CpuIsa isa,
               ThreadPool& pool) {
  if (p != 1 && p != 2) return unsupported("Lp pooling with p = {}; supported: 1, 2", p);
  run({shape,
       4,
       4,
       loops_for(isa).lp[p - 1],
       {},
       reinterpret_cast<const char*>(x),
       reinterpret_cast<char*>(y)},
      pool);
  return {};
}

}  // namespace xinfer::kernels
