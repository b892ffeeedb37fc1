// Resizing of images and of float planes on top of the resampling passes.
#include "data/resize.h"

#include <algorithm>
#include <cstring>

#include "data/resample_passes.h"
#include "data/resample_weights.h"

namespace xinfer {
namespace {

/// Input rows or columns [first, last).
struct Range {
  int first;
  int last;
};

/// What the output pixels of `weights` read.
Range range_read(const ResampleWeights<std::int32_t>& weights) {
  return {weights.firsts.front(), weights.firsts.back() + weights.counts.back()};
}

/// The rows `rows` of `image`, whose columns are the input's from `first_column` on.
Image horizontal_pass(const Image& image, Range rows, int first_column,
                      const ResampleWeights<std::int32_t>& weights, const ResamplePasses& passes) {
  Image result(static_cast<int>(weights.firsts.size()), rows.last - rows.first, image.channels);
  std::vector<int> firsts = weights.firsts;
  for (int& first : firsts) first -= first_column;
  const PassWeights view = {weights.weights.data(), firsts.data(), weights.counts.data(),
                            weights.taps, result.width};
  const auto pass = image.channels == 3 ? passes.horizontal_rgb : passes.horizontal_gray;
  std::vector<std::uint8_t> row(image.row_bytes() + kRowMargin);
  for (int y = 0; y < result.height; ++y) {
    std::memcpy(row.data(), image.row(rows.first + y), image.row_bytes());
    pass(row.data(), view, result.row(y));
  }
  return result;
}

/// The columns `columns` of `image`, whose rows are the input's from `first_row` on.
Image vertical_pass(const Image& image, Range columns, int first_row,
                    const ResampleWeights<std::int32_t>& weights, const ResamplePasses& passes) {
  Image result(columns.last - columns.first, static_cast<int>(weights.firsts.size()),
               image.channels);
  const int left = columns.first * image.channels;
  for (int y = 0; y < result.height; ++y) {
    const auto i = static_cast<std::size_t>(y);
    const ColumnsOfRows in = {image.row(weights.firsts[i] - first_row) + left, image.row_bytes(),
                              result.row_bytes()};
    passes.vertical(in, &weights.weights[i * static_cast<std::size_t>(weights.taps)],
                    weights.counts[i], result.row(y));
  }
  return result;
}

/// Pillow 13 begins with the vertical pass where the height loses more than twice as many pixels as
/// the width does.
bool vertical_pass_is_first(const Image& image, Size2d size) {
  return size.height < image.height && image.height - size.height > 2 * (image.width - size.width);
}

void add_scaled(float* out, const float* in, std::int64_t count, float weight) {
  for (std::int64_t i = 0; i < count; ++i) out[i] += weight * in[i];
}

}  // namespace

std::string_view to_string(ResizeFilter filter) {
  return filter == ResizeFilter::kBilinear ? "bilinear" : "bicubic";
}

Image resize_window(const Image& image, Size2d size, ResizeFilter filter, const Window& window,
                    CpuIsa isa) {
  const ResamplePasses& passes = resample_passes(isa);
  const auto across =
      fixed_point(resample_weights(image.width, size.width, filter, window.left, window.width));
  const auto down =
      fixed_point(resample_weights(image.height, size.height, filter, window.top, window.height));
  const Range columns = range_read(across);
  const Range rows = range_read(down);
  if (vertical_pass_is_first(image, size)) {
    const Image low = vertical_pass(image, columns, 0, down, passes);
    return horizontal_pass(low, {0, low.height}, columns.first, across, passes);
  }
  const Image narrow = horizontal_pass(image, rows, 0, across, passes);
  return vertical_pass(narrow, {0, narrow.width}, rows.first, down, passes);
}

Image resize(const Image& image, Size2d size, ResizeFilter filter, CpuIsa isa) {
  if (image.width == size.width && image.height == size.height) return image;
  return resize_window(image, size, filter, {0, 0, size.width, size.height}, isa);
}

Tensor resize(const Tensor& planes, Size2d size, ResizeFilter filter) {
  const std::int64_t channels = planes.shape()[0];
  const std::int64_t in_height = planes.shape()[1];
  const std::int64_t in_width = planes.shape()[2];
  const auto across =
      resample_weights(static_cast<int>(in_width), size.width, filter, 0, size.width);
  const auto down =
      resample_weights(static_cast<int>(in_height), size.height, filter, 0, size.height);
  std::vector<float> narrow(static_cast<std::size_t>(in_height * size.width));
  Tensor result(DType::kFloat32, {channels, size.height, size.width});
  float* out = result.values<float>().data();
  std::fill_n(out, result.size(), 0.0F);
  for (std::int64_t c = 0; c < channels; ++c) {
    const float* in = planes.values<float>().data() + c * in_height * in_width;
    for (std::int64_t y = 0; y < in_height; ++y, in += in_width) {
      for (int x = 0; x < size.width; ++x) {
        const auto i = static_cast<std::size_t>(x);
        const double* weights = &across.weights[i * static_cast<std::size_t>(across.taps)];
        double sum = 0;
        for (int k = 0; k < across.counts[i]; ++k) sum += weights[k] * in[across.firsts[i] + k];
        narrow[static_cast<std::size_t>(y * size.width + x)] = static_cast<float>(sum);
      }
    }
    for (int y = 0; y < size.height; ++y, out += size.width) {
      const auto i = static_cast<std::size_t>(y);
      for (int k = 0; k < down.counts[i]; ++k) {
        const float* row = narrow.data() + std::ptrdiff_t{down.firsts[i] + k} * size.width;
        add_scaled(out, row, size.width,
                   static_cast<float>(down.weights[i * static_cast<std::size_t>(down.taps) +
                                                   static_cast<std::size_t>(k)]));
      }
    }
  }
  return result;
}

Size2d shorter_side_size(Size2d image, int shorter) {
  const auto longer = [shorter](int long_side, int short_side) {
    return static_cast<int>(std::int64_t{shorter} * long_side / short_side);
  };
  if (image.width <= image.height) return {shorter, longer(image.height, image.width)};
  return {longer(image.width, image.height), shorter};
}

}  // namespace xinfer
