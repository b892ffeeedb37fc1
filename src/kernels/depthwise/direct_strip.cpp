#include "kernels/depthwise/direct_strip.h"

#include <algorithm>
#include <vector>

#include "core/aligned_buffer.h"
#include "kernels/conv/conv_with.h"
#include "kernels/depthwise/direct_depthwise.h"

namespace xinfer::kernels {
namespace {

class DirectStrip final : public DepthwiseStrip {
 public:
  DirectStrip(const ConvShape& shape, const ConvArguments& arguments, const StorePlan& store,
              CpuIsa isa)
      : shape_(shape),
        lines_(shape, arguments, store, isa),
        planes_{{.first = 0, .step = 1, .pixels = shape.in_w, .offset_bytes = 0}},
        line_floats_(shape.in_w * shape.in_channels),
        contents_(static_cast<std::size_t>((shape.kernel_h - 1) * shape.dilation_h + 1), -1),
        ring_(allocate_buffer(contents_.size() * static_cast<std::size_t>(line_floats_) *
                              sizeof(float))) {}

  int rows_at_once() const override { return 1; }
  std::int64_t lines_at_once() const override { return 1; }
  const std::vector<LinePlane>& planes() const override { return planes_; }
  std::int64_t pixel_stride() const override { return shape_.in_channels; }
  void set_source(LineSource* source) override { source_ = source; }
  void rebind(const ConvArguments& arguments) override { lines_.rebind(arguments); }
  void set_first_line(std::int64_t line) override { first_line_ = line; }
  void start_image() override { std::fill(contents_.begin(), contents_.end(), -1); }
  const char* name() const override { return lines_.name(); }

  void run_lines(std::int64_t line, int rows) override {
    for (std::int64_t i = line; i < line + rows; ++i) {
      lines_.compute(i % shape_.out_h, i - first_line_,
                     [this](std::int64_t iy) { return input_line(iy); });
    }
  }

 private:
  /// The line's place in the ring, where it is computed if it is not there. The lines of an output
  /// line have places of their own.
  const float* input_line(std::int64_t iy) {
    const auto place = static_cast<std::size_t>(iy) % contents_.size();
    float* line =
        static_cast<float*>(ring_.get()) + static_cast<std::int64_t>(place) * line_floats_;
    if (contents_[place] != iy) {
      source_->write_lines(iy, 1, reinterpret_cast<std::byte*>(line));
      contents_[place] = iy;
    }
    return line;
  }

  ConvShape shape_;
  DirectLines lines_;
  std::vector<LinePlane> planes_;
  std::int64_t line_floats_;
  std::vector<std::int64_t> contents_;  ///< input line in each place of the ring, -1: none
  std::shared_ptr<void> ring_;
  LineSource* source_ = nullptr;
  std::int64_t first_line_ = 0;  ///< output line at which y begins
};

}  // namespace

Result<std::unique_ptr<DepthwiseStrip>> make_direct_strip(const ConvShape& shape,
                                                          const ConvArguments& arguments,
                                                          CpuIsa isa) {
  XINFER_ASSIGN_OR_RETURN(const StorePlan store,
                          store_plan_of(shape, ConvType::kF32, arguments, isa));
  return std::unique_ptr<DepthwiseStrip>(
      std::make_unique<DirectStrip>(shape, arguments, store, isa));
}

}  // namespace xinfer::kernels
