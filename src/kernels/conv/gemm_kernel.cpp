// The list of micro-kernels and the choice among them.
#include "kernels/conv/gemm_kernel.h"

#include "core/aligned_buffer.h"

namespace xinfer::kernels {

#define XINFER_GEMM_KERNEL(function, isa, type, format, max_rows, max_panels) \
  void function(const GemmTile& tile, int rows, int panels);
#define XINFER_GEMM_TAP_KERNEL(function, isa, type, format, max_rows, max_panels) \
  void function(const GemmTile& tile, int rows, int panels);                      \
  void function##_three_taps(const GemmTile& tile, int rows);
#define XINFER_GEMM_STRIP_KERNEL(function, isa, type, format, max_rows, max_panels) \
  void function(const GemmStrip& strip);                                            \
  void function##_enter();                                                          \
  void function##_leave();
#include "kernels/conv/variants.inc"
#undef XINFER_GEMM_KERNEL
#undef XINFER_GEMM_TAP_KERNEL
#undef XINFER_GEMM_STRIP_KERNEL

namespace {

constexpr GemmKernel kKernels[] = {
#define XINFER_GEMM_KERNEL(function, isa, type, format, rows, panels)         \
  {#function, CpuIsa::isa, ConvType::type, RowFormat::format, rows,   panels, \
   function,  nullptr,     nullptr,        nullptr,           nullptr},
#define XINFER_GEMM_TAP_KERNEL(function, isa, type, format, rows, panels)                \
  {#function, CpuIsa::isa, ConvType::type, RowFormat::format,    rows, panels, function, \
   nullptr,   nullptr,     nullptr,        function##_three_taps},
#define XINFER_GEMM_STRIP_KERNEL(function, isa, type, format, rows, panels)     \
  {#function, CpuIsa::isa, ConvType::type,   RowFormat::format, rows,   panels, \
   nullptr,   function,    function##_enter, function##_leave,  nullptr},
#include "kernels/conv/variants.inc"
#undef XINFER_GEMM_KERNEL
#undef XINFER_GEMM_TAP_KERNEL
#undef XINFER_GEMM_STRIP_KERNEL
};

}  // namespace

std::span<const GemmKernel> gemm_kernels() { return kKernels; }

const GemmKernel& select_gemm_kernel(ConvType type, CpuIsa isa) {
  const GemmKernel* best = nullptr;
  for (const GemmKernel& kernel : kKernels) {
    if (kernel.type == type && includes(isa, kernel.isa)) best = &kernel;
  }
  return *best;
}

double estimated_steps_per_ns(const GemmKernel& kernel) {
  switch (kernel.isa) {
    case CpuIsa::kPortable:
      return 0.5;
    case CpuIsa::kAvx2:
      return kernel.type == ConvType::kF32 ? 40.0 : 12.0;
    case CpuIsa::kAvxVnni:
      return 40.0;
    case CpuIsa::kAvx512Vnni:
      return 45.0;
    case CpuIsa::kAmx:
      return 400.0;
  }
  return 1.0;
}

double estimated_store_ns(const GemmKernel& kernel) {
  if (includes(kernel.isa, CpuIsa::kAvx512Vnni)) return 1.3;
  return includes(kernel.isa, CpuIsa::kAvx2) ? 4.0 : 30.0;
}

std::size_t panel_bytes(std::int64_t depth, ConvType type) {
  const auto channels = static_cast<std::size_t>(depth);
  if (type == ConvType::kF32) return channels * kStepBytes;
  return align_up(channels, kDepthAlignment) * kPanelChannels;
}

}  // namespace xinfer::kernels
