// Sizes of gathered rows and the choice of the loop.
#include "kernels/conv/activation_rows.h"

#include "core/aligned_buffer.h"

namespace xinfer::kernels {

void gather_rows_portable(const RowSource& source, std::int64_t group, std::int64_t first_pixel,
                          std::int64_t count, std::byte* rows, std::size_t stride_bytes);
void gather_rows_avx2(const RowSource& source, std::int64_t group, std::int64_t first_pixel,
                      std::int64_t count, std::byte* rows, std::size_t stride_bytes);

std::size_t row_bytes(const ConvShape& shape, RowFormat format) {
  const auto depth =
      static_cast<std::size_t>(shape.kernel_h * shape.kernel_w * shape.in_channels / shape.groups);
  switch (format) {
    case RowFormat::kFloat:
      return depth * 4;
    case RowFormat::kBytes:
      return align_up(depth, kDepthAlignment);
    case RowFormat::kUnsigned:
      return align_up(depth, 4);
    case RowFormat::kWide:
      return align_up(depth, 4) * 2;
  }
  return 0;
}

GatherRows select_gather(CpuIsa isa) {
  return includes(isa, CpuIsa::kAvx2) ? gather_rows_avx2 : gather_rows_portable;
}

}  // namespace xinfer::kernels
