// Depthwise convolution a few output lines at a time, of input lines that somebody computes when
// they are needed: the middle of a chain of layers (kernels/chain).
#pragma once

#include <memory>
#include <vector>

#include "kernels/depthwise/depthwise_lines.h"

namespace xinfer::kernels {

/// For one thread. Keeps the input lines that the next output lines need in a ring.
class DepthwiseStrip {
 public:
  virtual ~DepthwiseStrip() = default;

  /// Output lines that share their input lines.
  virtual int rows_at_once() const = 0;
  /// Input lines that are asked for at a time, at most.
  virtual std::int64_t lines_at_once() const = 0;
  /// What a line source writes of an input line, and elements from one pixel of it to the next.
  virtual const std::vector<LinePlane>& planes() const = 0;
  virtual std::int64_t pixel_stride() const = 0;
  /// Where input lines come from; outlives the strip.
  virtual void set_source(LineSource* source) = 0;
  /// Takes y and residuals from other addresses; all else is what the strip was made with.
  virtual void rebind(const ConvArguments& arguments) = 0;
  /// y now begins with output line `line`, counted over all images.
  virtual void set_first_line(std::int64_t line) = 0;
  /// Begins an image: its input lines are computed anew.
  virtual void start_image() = 0;
  /// Computes `rows` lines, at most rows_at_once, from output line `line` of the image begun last,
  /// counted over all images. In an image lines follow one another.
  virtual void run_lines(std::int64_t line, int rows) = 0;
  /// The micro-kernel in use.
  virtual const char* name() const = 0;
};

/// As make_depthwise; nothing is read from arguments.x. One output channel for every input channel.
Result<std::unique_ptr<DepthwiseStrip>> make_depthwise_strip(const ConvShape& shape, ConvType type,
                                                             const ConvArguments& arguments,
                                                             CpuIsa isa);

}  // namespace xinfer::kernels
