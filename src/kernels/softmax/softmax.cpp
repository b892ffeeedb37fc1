// Softmax over whole tensors: rows, or strips of columns where the axis is not innermost.
#include "kernels/softmax/softmax.h"

#include <algorithm>

#include "kernels/softmax/softmax_loops.h"

namespace xinfer::kernels {
namespace {

constexpr std::int64_t kGrainElements = 1 << 12;

}  // namespace

Status softmax(const SoftmaxShape& s, const SoftmaxParameters& parameters, const float* x, void* y,
               CpuIsa isa, ThreadPool& pool) {
  int type = 0;
  if (parameters.y_dtype == DType::kInt8) {
    type = 1;
  } else if (parameters.y_dtype == DType::kUInt8) {
    type = 2;
  } else if (parameters.y_dtype != DType::kFloat32) {
    return unsupported("softmax to {}; supported: float32, int8, uint8",
                       to_string(parameters.y_dtype));
  }
  if (s.outer * s.axis * s.inner == 0) return {};
  const SoftmaxLoops& loops =
      select_build(isa, portable::kSoftmaxLoops, avx2::kSoftmaxLoops, avx512vnni::kSoftmaxLoops);
  const bool rows = s.inner == 1 && s.x_axis_stride == 1 && s.y_axis_stride == 1;
  const SoftmaxLoop loop = (rows ? loops.rows : loops.strips)[parameters.log][type];
  const std::int64_t strips = (s.inner + kSoftmaxStrip - 1) / kSoftmaxStrip;
  const std::int64_t work = s.axis * std::min(s.inner, kSoftmaxStrip);
  const auto y_bytes = static_cast<std::int64_t>(size_of(parameters.y_dtype));
  char* to = static_cast<char*>(y);
  pool.parallel_ranges(
      static_cast<std::size_t>(s.outer * strips),
      static_cast<std::size_t>(kGrainElements / work + 1), [&](std::size_t begin, std::size_t end) {
        for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
          const std::int64_t row = i / strips;
          const std::int64_t column = i % strips * kSoftmaxStrip;
          loop(x + row * s.x_outer_stride + column, s.x_axis_stride,
               to + (row * s.y_outer_stride + column) * y_bytes, s.y_axis_stride, s.axis,
               std::min(kSoftmaxStrip, s.inner - column), parameters.y_scale);
        }
      });
  return {};
}

}  // namespace xinfer::kernels
