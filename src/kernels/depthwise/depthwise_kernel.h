// The micro-kernels of depthwise convolutions and the layout of their weights and lines.
//
// Positions: a line holds pixels of `pitch` channels (out_channels rounded up to 16) one behind the
// other; position p = pixel * pitch + channel. Kernels see positions only, in chunks of 64 (INT8)
// or 16 (float32), and weights that repeat with a period of whole pixels and whole chunks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/cpu_isa.h"
#include "kernels/conv/conv.h"

namespace xinfer::kernels {

/// INT8 positions of a chunk. Its weights for four taps of a kernel line are 256 bytes
/// [4 quarters][4 lanes][4 channels][4 taps]: the order in which byte and word unpacking of four
/// taps' 64 channels leaves them, for vectors of 32 and 64 bytes alike.
inline constexpr int kDepthwiseChunk = 64;
inline constexpr int kDepthwiseChunkWeights = 4 * kDepthwiseChunk;

/// Sizes that follow from a shape.
struct DepthwiseLayout {
  std::int64_t channels = 0;     ///< out_channels
  std::int64_t pitch = 0;        ///< positions of a pixel
  std::int64_t period = 0;       ///< positions after which weights repeat
  std::int64_t tap_quads = 0;    ///< INT8: kernel_w / 4, rounded up
  std::size_t weight_bytes = 0;  ///< without the compensation behind them
  std::size_t total_bytes = 0;

  DepthwiseLayout(const ConvShape& shape, ConvType type);
  std::int64_t period_pixels() const { return period / pitch; }
};

/// Byte of tap `tap` (0-3) of position `at` (0-63) in an INT8 chunk's weights.
std::int64_t depthwise_chunk_offset(std::int64_t at, std::int64_t tap);

/// Byte of a tap of a position of a period in packed INT8 weights.
std::int64_t depthwise_weight_offset(const DepthwiseLayout& layout, std::int64_t position,
                                     std::int64_t ky, std::int64_t kx);

/// Requantising straight from registers: no epilogue step, INT8 output that is proved bounded
/// (StorePlan), y as dense as the lines. Constants are in the order of the packed weights' chunks.
struct DepthwiseFinish {
  const float* multiplier = nullptr;    ///< [period]
  const float* bias = nullptr;          ///< [period]
  const std::int32_t* start = nullptr;  ///< [period] start values, null for zero
  bool is_signed = false;               ///< y is s8, else u8
  std::uint8_t low = 0;                 ///< clamp after rounding, as bytes of y
  std::uint8_t high = 0;
  std::byte* y = nullptr;      ///< first position of the first output line
  std::int64_t y_row = 0;      ///< bytes between output lines
  std::int64_t positions = 0;  ///< of a line; nothing behind them is written
};

/// Moves [period] values from position order to the order of the packed weights' chunks.
template <typename T>
void to_chunk_order(const T* from, std::int64_t period, T* to) {
  for (std::int64_t p = 0; p < period; ++p) {
    const std::int64_t at = p % kDepthwiseChunk;
    to[p - at + at % 16 / 4 * 16 + at / 16 * 4 + at % 4] = from[p];
  }
}

/// One call: `rows` neighbouring output lines over the same run of positions.
struct DepthwiseCall {
  /// Tap pointers at the run's first position, [input line][taps of a line]; INT8: taps rounded up
  /// to 4 (the excess may point anywhere readable, its weights are zero).
  const std::byte* const* taps = nullptr;
  std::int64_t line_taps = 0;  ///< pointers of a line
  int kernel_h = 1;
  int kernel_w = 1;
  int stride_h = 1;                ///< input lines between two output lines
  int dilation_h = 1;              ///< input lines between two kernel lines
  int rows = 1;                    ///< output lines; 1, or what `rows_at_once` gave
  std::int64_t chunks = 0;         ///< of 64 positions (INT8) or 16 (float32)
  std::int64_t period_chunks = 1;  ///< chunks after which weights repeat; the run starts a period
  const std::byte* weights = nullptr;
  const std::int32_t* start = nullptr;  ///< [period] INT8 start values, null for zero
  void* acc = nullptr;                  ///< [rows][acc_row] int32 or float32 by position
  std::int64_t acc_row = 0;
  const DepthwiseFinish* finish = nullptr;  ///< instead of acc, for kernels that can
};

/// One line of variants.inc.
struct DepthwiseKernel {
  const char* name;
  CpuIsa isa;
  bool float32;
  bool finishes;  ///< takes DepthwiseCall::finish
  void (*run)(const DepthwiseCall& call);
};

std::span<const DepthwiseKernel> depthwise_kernels();
const DepthwiseKernel& select_depthwise_kernel(bool float32, CpuIsa isa);

/// Output lines that one call computes at most for this shape, sharing their input lines.
int depthwise_rows_at_once(const ConvShape& shape, ConvType type);

/// As make_depthwise, with this micro-kernel; `isa` must include the kernel's.
Result<std::unique_ptr<Convolution>> make_depthwise_with(const DepthwiseKernel& kernel,
                                                         const ConvShape& shape, ConvType type,
                                                         const ConvArguments& arguments, CpuIsa isa,
                                                         int threads);

}  // namespace xinfer::kernels
