// The choice of a strip, and two kinds: column kernels read plain lines, kernels of taps bordered
// ones.
#include "kernels/depthwise/depthwise_strip.h"

#include <algorithm>

#include "core/aligned_buffer.h"
#include "kernels/conv/conv_with.h"
#include "kernels/depthwise/depthwise.h"
#include "kernels/depthwise/depthwise_columns.h"
#include "kernels/depthwise/depthwise_driver.h"
#include "kernels/depthwise/direct_depthwise.h"
#include "kernels/depthwise/direct_strip.h"

namespace xinfer::kernels {
namespace {

/// Input lines dense in a ring, read where they lie.
class ColumnStrip final : public DepthwiseStrip {
 public:
  /// The shape's input pixels are dense.
  ColumnStrip(const ConvShape& shape, ConvType type, const ConvArguments& arguments,
              const StorePlan& store)
      : shape_(shape),
        y_(static_cast<std::byte*>(arguments.y)),
        columns_(shape, type, arguments, store),
        planes_{{.first = 0, .step = 1, .pixels = shape.in_w, .offset_bytes = 0}},
        line_bytes_(static_cast<std::size_t>(shape.in_w * shape.in_channels)),
        ring_(allocate_buffer(line_bytes_ * kRingLines)) {}

  int rows_at_once() const override { return columns_.output_lines(); }
  std::int64_t lines_at_once() const override { return kNewLines; }
  const std::vector<LinePlane>& planes() const override { return planes_; }
  std::int64_t pixel_stride() const override { return shape_.in_channels; }
  void set_source(LineSource* source) override { source_ = source; }
  void rebind(const ConvArguments& arguments) override {
    y_ = static_cast<std::byte*>(arguments.y);
  }
  void set_first_line(std::int64_t line) override { first_line_ = line; }
  void start_image() override { end_ = -1; }
  const char* name() const override { return "depthwise_columns_avx512vbmi"; }

  void run_lines(std::int64_t line, int rows) override {
    const std::int64_t in_image = line % shape_.out_h;
    fetch_lines(columns_.lines_read(in_image, rows));
    columns_.compute(
        in_image, rows, [&](std::int64_t iy) { return place_of(iy); },
        y_ + (line - first_line_) * shape_.out_w * shape_.y_pixel_stride);
  }

 private:
  /// All that a call reads: with stride 1 for two output lines, with stride 2 for one.
  static constexpr std::int64_t kRingLines = 4;
  /// Of those, what the call before has not read.
  static constexpr std::int64_t kNewLines = 2;

  /// New lines of a call lie one behind the other: they begin at an even place.
  std::byte* place_of(std::int64_t iy) const {
    const std::int64_t kept = columns_.input_lines() - kNewLines;
    const std::int64_t place = (iy + shape_.pad_top + kRingLines - kept) % kRingLines;
    return static_cast<std::byte*>(ring_.get()) + line_bytes_ * static_cast<std::size_t>(place);
  }

  /// Makes the ring hold these input lines.
  void fetch_lines(DepthwiseColumnLines::Range lines) {
    std::int64_t iy = std::max(lines.first, end_);
    while (iy < lines.end) {
      const bool pair = iy + 1 < lines.end && place_of(iy) < place_of(iy + 1);
      source_->write_lines(iy, pair ? kNewLines : 1, place_of(iy));
      iy += pair ? kNewLines : 1;
    }
    end_ = std::max(end_, lines.end);
  }

  ConvShape shape_;
  std::byte* y_;
  DepthwiseColumnLines columns_;
  std::vector<LinePlane> planes_;
  std::size_t line_bytes_;
  std::shared_ptr<void> ring_;
  std::int64_t end_ = -1;  ///< of the input lines that the ring holds
  LineSource* source_ = nullptr;
  std::int64_t first_line_ = 0;
};

/// Input lines between borders, a plane for each phase of the stride.
class TapStrip final : public DepthwiseStrip {
 public:
  TapStrip(const ConvShape& shape, ConvType type, const ConvArguments& arguments,
           const StorePlan& store, CpuIsa isa)
      : kernel_(select_depthwise_kernel(type == ConvType::kF32, isa)),
        pixel_stride_(DepthwiseLayout(shape, type).pitch),
        driver_(shape, type, arguments, store, kernel_, isa, /*threads=*/1),
        arguments_(arguments) {}

  int rows_at_once() const override { return driver_.rows_at_once(); }
  std::int64_t lines_at_once() const override { return 1; }
  const std::vector<LinePlane>& planes() const override { return driver_.planes(); }
  std::int64_t pixel_stride() const override { return pixel_stride_; }
  void set_source(LineSource* source) override { driver_.set_source(source); }
  void rebind(const ConvArguments& arguments) override {
    arguments_.y = arguments.y;
    arguments_.epilogue = arguments.epilogue;
    driver_.rebind(arguments_);
  }
  void set_first_line(std::int64_t line) override { driver_.set_first_line(line); }
  void start_image() override { driver_.start_image(); }
  void run_lines(std::int64_t line, int rows) override { driver_.run_lines(line, rows); }
  const char* name() const override { return kernel_.name; }

 private:
  const DepthwiseKernel& kernel_;
  std::int64_t pixel_stride_;
  Depthwise driver_;
  ConvArguments arguments_;
};

}  // namespace

Result<std::unique_ptr<DepthwiseStrip>> make_depthwise_strip(const ConvShape& shape, ConvType type,
                                                             const ConvArguments& arguments,
                                                             CpuIsa isa) {
  ConvShape dense = shape;
  dense.x_pixel_stride = shape.in_channels;
  XINFER_RETURN_IF_ERROR(check_conv_shape(dense));
  if (!is_depthwise(dense) || dense.in_channels != dense.out_channels) {
    return invalid_argument("a strip of a convolution of {} to {} channels in {} groups",
                            dense.in_channels, dense.out_channels, dense.groups);
  }
  if (has_direct_depthwise(dense, type, isa)) return make_direct_strip(dense, arguments, isa);
  XINFER_ASSIGN_OR_RETURN(const StorePlan store, store_plan_of(dense, type, arguments, isa));
  if (has_depthwise_columns(dense, type, store, isa)) {
    return std::unique_ptr<DepthwiseStrip>(
        std::make_unique<ColumnStrip>(dense, type, arguments, store));
  }
  return std::unique_ptr<DepthwiseStrip>(
      std::make_unique<TapStrip>(dense, type, arguments, store, isa));
}

}  // namespace xinfer::kernels
