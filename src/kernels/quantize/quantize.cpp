// Conversions of whole tensors: contiguous runs where the layouts agree, tiles where they do not.
#include "kernels/quantize/quantize.h"

#include <algorithm>
#include <cstring>

#include "kernels/movement/transpose_tile.h"
#include "kernels/quantize/quantize_loops.h"

namespace xinfer::kernels {
namespace {

constexpr std::int64_t kGrainElements = 1 << 13;
constexpr std::int64_t kTile = 64;

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

/// One tensor of a conversion in bytes.
struct Side {
  std::int64_t element_bytes;
  bool planar;
  std::int64_t pixel_stride;

  std::int64_t offset(const ConvertShape& s, std::int64_t n, std::int64_t p, std::int64_t c) const {
    const std::int64_t elements =
        planar ? (n * s.channels + c) * s.pixels + p : (n * s.pixels + p) * pixel_stride + c;
    return elements * element_bytes;
  }
};

struct Conversion {
  ConvertShape shape;
  Side x_side, y_side;
  const char* x;
  char* y;
  ConvertLoop loop;
  float factor;
};

/// Same order: rows of pixels (or planes), the whole tensor as one run if it is dense.
void convert_rows(const Conversion& c, ThreadPool& pool) {
  const ConvertShape& s = c.shape;
  const bool dense = c.x_side.planar ||
                     (c.x_side.pixel_stride == s.channels && c.y_side.pixel_stride == s.channels);
  if (dense) {
    const auto total = static_cast<std::size_t>(s.batch * s.pixels * s.channels);
    pool.parallel_ranges(total, kGrainElements, [&](std::size_t begin, std::size_t end) {
      const auto start = static_cast<std::int64_t>(begin);
      c.loop(c.x + start * c.x_side.element_bytes, c.y + start * c.y_side.element_bytes,
             static_cast<std::int64_t>(end) - start, c.factor);
    });
    return;
  }
  const std::int64_t rows = s.batch * s.pixels;
  pool.parallel_ranges(
      static_cast<std::size_t>(rows), static_cast<std::size_t>(kGrainElements / s.channels + 1),
      [&](std::size_t begin, std::size_t end) {
        for (auto p = static_cast<std::int64_t>(begin); p < static_cast<std::int64_t>(end); ++p) {
          c.loop(c.x + p * c.x_side.pixel_stride * c.x_side.element_bytes,
                 c.y + p * c.y_side.pixel_stride * c.y_side.element_bytes, s.channels, c.factor);
        }
      });
}

/// Converts a tile of up to kTile x kTile elements, x's rows first, then transposes it into y.
void convert_tile(const Conversion& c, std::int64_t n, std::int64_t p, std::int64_t ch,
                  std::int64_t pixels, std::int64_t channels) {
  alignas(64) char tile[kTile * kTile * sizeof(float)];
  const std::int64_t size = c.y_side.element_bytes;
  const bool from_planar = c.x_side.planar;
  const std::int64_t rows = from_planar ? channels : pixels;
  const std::int64_t columns = from_planar ? pixels : channels;
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t at = from_planar ? c.x_side.offset(c.shape, n, p, ch + r)
                                        : c.x_side.offset(c.shape, n, p + r, ch);
    c.loop(c.x + at, tile + r * kTile * size, columns, c.factor);
  }
  const std::int64_t y_stride = from_planar ? c.y_side.pixel_stride : c.shape.pixels;
  char* y = c.y + c.y_side.offset(c.shape, n, p, ch);
  transpose_tile(static_cast<int>(size), rows, columns, tile, kTile, y, y_stride);
}

void convert_tiles(const Conversion& c, ThreadPool& pool) {
  const ConvertShape& s = c.shape;
  const std::int64_t blocks = (s.pixels + kTile - 1) / kTile;
  const std::int64_t per_block = std::min(s.pixels, kTile) * s.channels;
  pool.parallel_ranges(static_cast<std::size_t>(s.batch * blocks),
                       static_cast<std::size_t>(kGrainElements / per_block + 1),
                       [&](std::size_t begin, std::size_t end) {
                         for (auto i = static_cast<std::int64_t>(begin);
                              i < static_cast<std::int64_t>(end); ++i) {
                           const std::int64_t n = i / blocks;
                           const std::int64_t p = i % blocks * kTile;
                           const std::int64_t pixels = std::min(kTile, s.pixels - p);
                           for (std::int64_t ch = 0; ch < s.channels; ch += kTile) {
                             convert_tile(c, n, p, ch, pixels, std::min(kTile, s.channels - ch));
                           }
                         }
                       });
}

/// Three dense planes to dense pixels: the usual network input.
void convert_image_planes(const Conversion& c, InterleaveLoop interleave, ThreadPool& pool) {
  const ConvertShape& s = c.shape;
  for (std::int64_t n = 0; n < s.batch; ++n) {
    const char* x = c.x + c.x_side.offset(s, n, 0, 0);
    char* y = c.y + c.y_side.offset(s, n, 0, 0);
    pool.parallel_ranges(static_cast<std::size_t>(s.pixels), kGrainElements / 3,
                         [&](std::size_t begin, std::size_t end) {
                           const auto p = static_cast<std::int64_t>(begin);
                           interleave(x + p * c.x_side.element_bytes, s.pixels,
                                      y + 3 * p * c.y_side.element_bytes,
                                      static_cast<std::int64_t>(end) - p, c.factor);
                         });
  }
}

const ConvertLoops& loops_for(CpuIsa isa) {
  return select_build(isa, portable::kConvertLoops, avx2::kConvertLoops, avx512vnni::kConvertLoops);
}

}  // namespace

ConvertLoop convert_loop(DType x_dtype, DType y_dtype, CpuIsa isa) {
  const int x = type_index(x_dtype);
  const int y = type_index(y_dtype);
  if (x < 0 || y < 0) return nullptr;
  return loops_for(isa).loops[x][y];
}

Status convert(const ConvertShape& shape, DType x_dtype, const void* x, DType y_dtype, void* y,
               float factor, CpuIsa isa, ThreadPool& pool) {
  const ConvertLoop loop = convert_loop(x_dtype, y_dtype, isa);
  if (loop == nullptr) {
    return unsupported("conversion from {} to {}; supported: float32, int8, uint8",
                       to_string(x_dtype), to_string(y_dtype));
  }
  if (shape.batch * shape.pixels * shape.channels == 0) return {};
  const auto side = [](DType dtype, ChannelOrder order, std::int64_t pixel_stride) {
    return Side{static_cast<std::int64_t>(size_of(dtype)), order == ChannelOrder::kPlanar,
                pixel_stride};
  };
  const Conversion conversion{shape,
                              side(x_dtype, shape.x_order, shape.x_pixel_stride),
                              side(y_dtype, shape.y_order, shape.y_pixel_stride),
                              static_cast<const char*>(x),
                              static_cast<char*>(y),
                              loop,
                              factor};
  if (shape.x_order == shape.y_order) {
    convert_rows(conversion, pool);
  } else if (x_dtype == DType::kFloat32 && shape.channels == 3 && conversion.x_side.planar &&
             shape.y_pixel_stride == 3) {
    convert_image_planes(conversion, loops_for(isa).interleave3_f32[type_index(y_dtype)], pool);
  } else {
    convert_tiles(conversion, pool);
  }
  return {};
}

}  // namespace xinfer::kernels
