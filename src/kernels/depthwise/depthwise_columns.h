// Depthwise 3x3 by columns: INT8, stride 1 or 2, for AVX-512 with VNNI and VBMI.
//
// Four input lines at one pixel are unpacked into dwords of one channel each. With stride 1 they
// are the kernel column of two output lines at once, and of three output pixels: a kernel walks
// along the lines and unpacks every pixel once, where kernels of taps (depthwise_kernel.h) unpack
// it for every kernel line. Lines are read where they lie, and y is stored from registers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/cpu_isa.h"
#include "kernels/conv/accumulator_store.h"
#include "kernels/conv/conv.h"

namespace xinfer::kernels {

/// Kernel size that column kernels know.
inline constexpr int kColumnTaps = 3;
/// Bytes of the weights of one kernel column for one output line: [4 quarters][4 lanes]
/// [4 channels][4 input lines], the order in which unpacking leaves 64 channels of four lines.
inline constexpr std::int64_t kColumnWeights = 256;

/// What one block of channels needs beside its lines; in the order of the weights where it says so.
struct DepthwiseColumnBlock {
  /// Pixels that a vector of 64 bytes holds: `lanes` runs of neighbouring output pixels are
  /// computed side by side, 64 / lanes channels of each.
  int lanes = 1;
  std::int64_t first_channel = 0;
  std::int64_t channels = 0;             ///< at most 64 / lanes; what is stored of a pixel
  const std::int8_t* weights = nullptr;  ///< [3 kernel columns][output lines together] of 256 bytes
  const float* multiplier = nullptr;     ///< [64], in order of the weights
  const float* bias = nullptr;           ///< [64], in order of the weights
  const std::int32_t* start = nullptr;   ///< [64], in order of the weights
};

/// One call: all pixels of `2 / stride` neighbouring output lines, one block of channels.
struct DepthwiseColumnCall {
  const DepthwiseColumnBlock* block = nullptr;
  /// Input lines at the block's first channel, 2 + stride * (2 / stride) of them; lines outside
  /// the image lie in zeros.
  const std::byte* lines[4] = {};
  std::byte* y[2] = {};  ///< output lines at the block's first channel; the second may be null
  const std::byte* zeros = nullptr;  ///< 64 bytes: pixels outside the image
  std::int64_t in_w = 0, out_w = 0, pad_left = 0;
  std::int64_t x_pixel = 0, y_pixel = 0;  ///< bytes from one pixel to the next
  bool y_signed = false;                  ///< bytes after rounding are s8, else u8
  bool clamps = false;                    ///< to less than the type's range
  std::int8_t low = 0, high = 0;
  const std::uint8_t* table = nullptr;  ///< looked up behind the clamp; null for none
};

/// Computes a call of stride `stride`, x in u8 or s8 as `x_signed` says.
using DepthwiseColumnKernel = void (*)(const DepthwiseColumnCall& call);
DepthwiseColumnKernel depthwise_column_kernel_avx512vbmi(int stride, bool x_signed, int lanes);

/// A layer made ready for column kernels: computes neighbouring output lines from input lines
/// wherever they lie.
class DepthwiseColumnLines {
 public:
  /// y, the store's, is the caller's business; a pixel's strides are the shape's.
  DepthwiseColumnLines(const ConvShape& shape, ConvType type, const ConvArguments& arguments,
                       const StorePlan& store);

  /// Lines [first, end) of an image.
  struct Range {
    std::int64_t first = 0, end = 0;
  };

  int output_lines() const { return lines_; }     ///< that one call computes at most
  int input_lines() const { return 2 + lines_; }  ///< that it takes
  /// The input lines that `rows` output lines from `line` on depend on.
  Range lines_read(std::int64_t line, int rows) const;
  /// Computes these output lines to y. `line_at` tells where an input line lies; it is asked for
  /// those of lines_read.
  template <typename LineAt>
  void compute(std::int64_t line, int rows, LineAt&& line_at, std::byte* y) const {
    const Range read = lines_read(line, rows);
    const std::byte* lines[4];
    for (int i = 0; i < input_lines(); ++i) {
      const std::int64_t iy = first_input_line(line) + i;
      lines[i] = iy >= read.first && iy < read.end ? line_at(iy) : call_.zeros;
    }
    compute_lines(lines, y, rows > 1 ? y + call_.out_w * call_.y_pixel : nullptr);
  }

 private:
  std::int64_t first_input_line(std::int64_t line) const { return line * stride_ - pad_top_; }
  /// `lines` are input_lines(), y1 may be null.
  void compute_lines(const std::byte* const* lines, std::byte* y0, std::byte* y1) const;
  std::int64_t block_bytes() const;
  void fill_block(const ConvShape& shape, const ConvArguments& arguments,
                  DepthwiseColumnBlock* block, std::byte* memory) const;

  bool x_signed_;
  int stride_;
  int lines_;
  std::int64_t in_h_, pad_top_;
  DepthwiseColumnCall call_;  ///< what all calls share
  std::shared_ptr<const std::array<std::uint8_t, 256>> table_;
  std::vector<DepthwiseColumnBlock> blocks_;
  std::shared_ptr<void> constants_;
  std::shared_ptr<void> zeros_;
};

/// True where make_depthwise_columns applies: shape, store, instruction set and this processor.
bool has_depthwise_columns(const ConvShape& shape, ConvType type, const StorePlan& store,
                           CpuIsa isa);

/// For layers of which has_depthwise_columns is true; `store` is that of the arguments.
std::unique_ptr<Convolution> make_depthwise_columns(const ConvShape& shape, ConvType type,
                                                    const ConvArguments& arguments,
                                                    const StorePlan& store, int threads);

}  // namespace xinfer::kernels
