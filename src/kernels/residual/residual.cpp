// INT8 addition and multiplication over whole tensors.
#include "kernels/residual/residual.h"

#include <algorithm>

#include "kernels/residual/residual_loops.h"

namespace xinfer::kernels {
namespace {

constexpr std::int64_t kGrainElements = 1 << 14;

int type_index(DType dtype) {
  switch (dtype) {
    case DType::kInt8:
      return 0;
    case DType::kUInt8:
      return 1;
    case DType::kFloat32:
      return 2;
    default:
      return -1;
  }
}

/// Clip bounds and the output type's range as one pair of bounds. Exact: both are clamps of y.
ResidualRow row_of(const ResidualParameters& p) {
  ResidualRow row{p.a_factor, p.b_factor, p.clip_low, p.clip_high};
  if (p.y_dtype == DType::kFloat32) return row;
  const float qmin = p.y_dtype == DType::kInt8 ? -128.0f : 0.0f;
  const float qmax = p.y_dtype == DType::kInt8 ? 127.0f : 255.0f;
  row.low = std::clamp(row.low, qmin, qmax);
  row.high = std::clamp(row.high, qmin, qmax);
  return row;
}

}  // namespace

Status residual(const ResidualShape& s, const ResidualParameters& parameters, const void* a,
                const void* b, void* y, CpuIsa isa, ThreadPool& pool) {
  const int ia = type_index(parameters.a_dtype);
  const int ib = type_index(parameters.b_dtype);
  const int iy = type_index(parameters.y_dtype);
  if (ia < 0 || ia > 1 || ib < 0 || ib > 1 || iy < 0) {
    return unsupported(
        "INT8 {} of {} and {} to {}; supported: int8 and uint8 to int8, uint8, "
        "float32",
        parameters.op == ResidualOp::kAdd ? "addition" : "multiplication",
        to_string(parameters.a_dtype), to_string(parameters.b_dtype),
        to_string(parameters.y_dtype));
  }
  if (s.batch * s.pixels * s.channels == 0) return {};
  const ResidualLoop loop =
      select_build(isa, portable::kResidualLoops, avx2::kResidualLoops, avx512vnni::kResidualLoops)
          .loops[parameters.op == ResidualOp::kMultiply][ia][ib][iy];
  const ResidualRow row = row_of(parameters);
  const char* from_a = static_cast<const char*>(a);
  const char* from_b = static_cast<const char*>(b);
  char* to = static_cast<char*>(y);
  const auto y_bytes = static_cast<std::int64_t>(size_of(parameters.y_dtype));
  const bool dense = s.a_pixel_stride == s.channels && s.b_pixel_stride == s.channels &&
                     s.y_pixel_stride == s.channels &&
                     (s.batch == 1 || s.b_batch_stride == s.pixels * s.channels);
  if (dense) {
    pool.parallel_ranges(static_cast<std::size_t>(s.batch * s.pixels * s.channels), kGrainElements,
                         [&](std::size_t begin, std::size_t end) {
                           loop(from_a + begin, from_b + begin,
                                to + static_cast<std::int64_t>(begin) * y_bytes,
                                static_cast<std::int64_t>(end - begin), row);
                         });
    return {};
  }
  pool.parallel_ranges(static_cast<std::size_t>(s.batch * s.pixels),
                       static_cast<std::size_t>(kGrainElements / s.channels + 1),
                       [&](std::size_t begin, std::size_t end) {
                         for (auto p = static_cast<std::int64_t>(begin);
                              p < static_cast<std::int64_t>(end); ++p) {
                           const std::int64_t b_at =
                               p / s.pixels * s.b_batch_stride + p % s.pixels * s.b_pixel_stride;
                           loop(from_a + p * s.a_pixel_stride, from_b + b_at,
                                to + p * s.y_pixel_stride * y_bytes, s.channels, row);
                         }
                       });
  return {};
}

}  // namespace xinfer::kernels
