// Pooling over whole tensors: windows clipped to the input, channels by the inner loops.
#include "kernels/pool/pool.h"

#include "kernels/pool/pool_loops.h"
#include "kernels/pool/window.h"

namespace xinfer::kernels {
namespace {

constexpr std::int64_t kGrainElements = 1 << 15;

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

  /// Channels [c, c + n) of one output pixel.
  void pixel(const char* x, char* y, std::int64_t p, std::int64_t c, std::int64_t n) const {
    const std::int64_t w = p % s.width.out;
    const std::int64_t h = p / s.width.out % s.height.out;
    const std::int64_t d = p / (s.width.out * s.height.out) % s.depth.out;
    const std::int64_t image = p / (s.width.out * s.height.out * s.depth.out);
    const PoolSpan dw = pool_span(s.width, w);
    const PoolSpan dh = pool_span(s.height, h);
    const PoolSpan dd = pool_span(s.depth, d);
    const std::int64_t row = s.width.in * s.x_pixel_stride;
    const std::int64_t plane = s.height.in * row;
    PoolWindow window{dd.count,
                      dh.count,
                      dw.count,
                      s.depth.dilation * plane,
                      s.height.dilation * row,
                      s.width.dilation * s.x_pixel_stride};
    std::int64_t count = dd.count * dh.count * dw.count;
    if (average.include_pad) count = dd.padded_count * dh.padded_count * dw.padded_count;
    if (count < 1) count = 1;
    const std::int64_t at = image * s.depth.in * plane + dd.first * plane + dh.first * row +
                            dw.first * s.x_pixel_stride + c;
    loop(x + at * x_bytes, y + (p * s.y_pixel_stride + c) * y_bytes, n, window,
         static_cast<float>(average.scale_ratio / static_cast<double>(count)),
         static_cast<float>(count));
  }
};

/// Shares pixels, and, where there are few of them (global pooling), blocks of channels.
void run(const Pooling& pooling, const void* x, void* y, ThreadPool& pool) {
  const PoolShape& s = pooling.s;
  const std::int64_t pixels = s.batch * s.depth.out * s.height.out * s.width.out;
  if (pixels * s.channels == 0) return;
  const char* from = static_cast<const char*>(x);
  char* to = static_cast<char*>(y);
  const std::int64_t window = s.depth.kernel * s.height.kernel * s.width.kernel;
  const bool split_channels = pixels < 4 * pool.threads() && s.channels > kPoolBlock;
  const std::int64_t step = split_channels ? kPoolBlock : s.channels;
  const std::int64_t blocks = (s.channels + step - 1) / step;
  pool.parallel_ranges(static_cast<std::size_t>(pixels * blocks),
                       static_cast<std::size_t>(kGrainElements / (step * window) + 1),
                       [&](std::size_t begin, std::size_t end) {
                         for (auto i = static_cast<std::int64_t>(begin);
                              i < static_cast<std::int64_t>(end); ++i) {
                           const std::int64_t c = i % blocks * step;
                           pooling.pixel(from, to, i / blocks, c, std::min(step, s.channels - c));
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
  run({shape, bytes, bytes, loops_for(isa).max[type], {}}, x, y, pool);
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
       static_cast<std::int64_t>(size_of(parameters.y_dtype)), loop, average},
      x, y, pool);
  return {};
}

Status lp_pool(const PoolShape& shape, int p, const float* x, float* y, CpuIsa isa,
               ThreadPool& pool) {
  if (p != 1 && p != 2) return unsupported("Lp pooling with p = {}; supported: 1, 2", p);
  run({shape, 4, 4, loops_for(isa).lp[p - 1], {}}, x, y, pool);
  return {};
}

}  // namespace xinfer::kernels
