// float32 depthwise of input lines that are read where they lie, for one output channel a group.
//
// A line of a ring (depthwise_lines.h) is worth its copy where bytes are unpacked; floats are
// multiplied as they are. The taps of eight output pixels share a load of their weights, and
// results that only have a bias and a clamp are stored from registers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/cpu_isa.h"
#include "kernels/conv/accumulator_store.h"
#include "kernels/conv/conv.h"

namespace xinfer::kernels {

/// One output line. Strides are elements.
struct DirectLineCall {
  const float* const* lines = nullptr;  ///< pixel 0 of the input line under each kernel line
  std::int64_t kernel_lines = 0;
  const float* weights = nullptr;  ///< [kernel_lines][kernel_w][period]
  std::int64_t period = 0;         ///< channels rounded up
  std::int64_t kernel_w = 1, stride_w = 1, dilation_w = 1, pad_left = 0;
  std::int64_t in_w = 0, out_w = 0, channels = 0;
  std::int64_t x_pixel = 0, y_pixel = 0;
  float* y = nullptr;
  const float* bias = nullptr;  ///< null: y is the sums alone, not clamped
  float low = 0.0f, high = 0.0f;
};

using DirectLineKernel = void (*)(const DirectLineCall& call);
void direct_line_avx2(const DirectLineCall& call);
void direct_line_avx512(const DirectLineCall& call);

/// A layer made ready for direct kernels, for one thread: computes output lines from input lines
/// wherever they lie.
class DirectLines {
 public:
  DirectLines(const ConvShape& shape, const ConvArguments& arguments, const StorePlan& store,
              CpuIsa isa);

  /// The input line under a kernel line, which may lie outside the image.
  std::int64_t input_line(std::int64_t out_line, std::int64_t ky) const {
    return out_line * shape_.stride_h - shape_.pad_top + ky * shape_.dilation_h;
  }
  /// Takes y and residuals from other addresses.
  void rebind(const ConvArguments& arguments) {
    rebind_store_plan(&store_plan_, arguments.y, arguments.epilogue);
  }
  /// Computes output line `out_line` of an image into line `y_line` of y. `line_of(iy)` gives pixel
  /// 0 of an input line of that image.
  template <typename LineOf>
  void compute(std::int64_t out_line, std::int64_t y_line, const LineOf& line_of) {
    std::int64_t first = 0;
    lines_.clear();
    for (std::int64_t ky = 0; ky < shape_.kernel_h; ++ky) {
      const std::int64_t iy = input_line(out_line, ky);
      if (iy < 0) first = ky + 1;
      if (iy >= 0 && iy < shape_.in_h) lines_.push_back(line_of(iy));
    }
    compute(first, y_line);
  }
  const char* name() const;

 private:
  /// The kernel lines from `first` on meet lines_.
  void compute(std::int64_t first, std::int64_t y_line);
  void store(std::int64_t y_line) const;

  ConvShape shape_;
  const float* weights_;  ///< [kernel_h * kernel_w][period]
  StorePlan store_plan_;
  StoreAccumulators store_;
  DirectLineKernel kernel_;
  DirectLineCall call_;        ///< what all calls share
  bool finishes_;              ///< the kernel stores y itself
  std::vector<float> bias_;    ///< zeros where the layer has none
  std::shared_ptr<void> acc_;  ///< [out_w][period]; unused if finishes_
  std::vector<const float*> lines_;
};

/// Whether there are direct kernels for the layer on this instruction set.
bool has_direct_depthwise(const ConvShape& shape, ConvType type, CpuIsa isa);

/// As make_depthwise.
Result<std::unique_ptr<Convolution>> make_direct_depthwise(const ConvShape& shape,
                                                           const ConvArguments& arguments,
                                                           CpuIsa isa, int threads);

}  // namespace xinfer::kernels
