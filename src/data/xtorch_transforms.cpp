// xt::transforms on top of the 8-bit transforms.
#include <algorithm>
#include <utility>

#include "core/status.h"
#include "data/resize.h"
#include "data/transforms.h"
#include "xtorch/general_transforms.h"
#include "xtorch/image_transforms.h"

namespace xt::transforms {
namespace {

using xinfer::DType;
using xinfer::Shape;
using xinfer::Size2d;
using xinfer::Window;

constexpr std::int64_t kMaxSide = 32768;

[[noreturn]] void refuse(const std::string& message) {
  throw xinfer::Error(xinfer::ErrorCode::kInvalidArgument, message);
}

int checked_side(const char* transform, std::int64_t side) {
  if (side < 1 || side > kMaxSide) {
    refuse(fmt::format("{}: a side of {}; sides are 1 to {}", transform, side, kMaxSide));
  }
  return static_cast<int>(side);
}

void check_count(const char* transform, const std::vector<std::int64_t>& size) {
  if (size.size() == 1 || size.size() == 2) return;
  refuse(fmt::format("{}: a size of {} numbers; expected {{height, width}} or one number",
                     transform, size.size()));
}

/// {height, width}, or a square from one number.
Size2d checked_size(const char* transform, const std::vector<std::int64_t>& size) {
  check_count(transform, size);
  return {checked_side(transform, size.back()), checked_side(transform, size.front())};
}

xinfer::ResizeFilter filter_of(image::Interpolation interpolation) {
  return interpolation == image::Interpolation::kBilinear ? xinfer::ResizeFilter::kBilinear
                                                          : xinfer::ResizeFilter::kBicubic;
}

const Image& image_for(const char* transform, const Sample& sample) {
  if (!sample.is_image()) {
    refuse(fmt::format("{}: it works on 8-bit images; put it before the steps that make a tensor",
                       transform));
  }
  return sample.image();
}

Size2d size_of(const Sample& sample) {
  if (sample.is_image()) return xinfer::size_of(sample.image());
  const Tensor tensor = sample.tensor();
  const Shape& shape = tensor.shape();
  if (shape.size() != 3 || tensor.dtype() != DType::kFloat32 || tensor.size() == 0) {
    refuse(fmt::format("a transform was given a tensor of {} {}; expected float32 [C, H, W]",
                       to_string(tensor.dtype()), xinfer::to_string(shape)));
  }
  return {static_cast<int>(shape[2]), static_cast<int>(shape[1])};
}

Tensor crop_planes(const Tensor& planes, const Window& window) {
  const Shape& shape = planes.shape();
  Tensor result(DType::kFloat32, {shape[0], window.height, window.width});
  float* out = result.values<float>().data();
  for (std::int64_t c = 0; c < shape[0]; ++c) {
    for (int y = 0; y < window.height; ++y, out += window.width) {
      const float* in =
          planes.values<float>().data() + (c * shape[1] + window.top + y) * shape[2] + window.left;
      std::copy_n(in, window.width, out);
    }
  }
  return result;
}

}  // namespace

const Image& Sample::image() const {
  if (!is_image()) refuse("the sample is a tensor already; its image is gone");
  return std::get<Image>(value_);
}

Tensor Sample::tensor() const {
  if (!is_image()) return std::get<Tensor>(value_);
  const Image& image = std::get<Image>(value_);
  Tensor result(DType::kFloat32, {image.channels, image.height, image.width});
  const double zero = 0;
  const double one = 1;
  xinfer::to_planes(image, {0, 0, image.width, image.height},
                    xinfer::normalize_table(image.channels, 1.0 / 255, {&zero, 1}, {&one, 1}),
                    result.values<float>().data());
  return result;
}

Compose::Compose(std::vector<std::shared_ptr<Module>> steps) : steps_(steps.begin(), steps.end()) {
  const auto null = std::find(steps_.begin(), steps_.end(), nullptr);
  if (null != steps_.end()) {
    refuse(fmt::format("Compose: step {} is null", null - steps_.begin()));
  }
}

Sample Compose::operator()(const Sample& sample) const {
  Sample result = sample;
  for (const std::shared_ptr<const Module>& step : steps_) result = (*step)(result);
  return result;
}

namespace image {

Resize::Resize(int size, Interpolation interpolation)
    : height_(checked_side("Resize", size)), width_(0), interpolation_(interpolation) {}

Resize::Resize(const std::vector<std::int64_t>& size, Interpolation interpolation)
    : interpolation_(interpolation) {
  const Size2d checked = checked_size("Resize", size);
  height_ = checked.height;
  width_ = size.size() == 1 ? 0 : checked.width;
}

Sample Resize::operator()(const Sample& sample) const {
  const Size2d present = size_of(sample);
  const Size2d size =
      width_ == 0 ? xinfer::shorter_side_size(present, height_) : Size2d{width_, height_};
  if (size == present) return sample;
  if (sample.is_image()) return xinfer::resize(sample.image(), size, filter_of(interpolation_));
  return xinfer::resize(sample.tensor(), size, filter_of(interpolation_));
}

CenterCrop::CenterCrop(int size) : CenterCrop(std::vector<std::int64_t>{size}) {}

CenterCrop::CenterCrop(const std::vector<std::int64_t>& size) {
  const Size2d checked = checked_size("CenterCrop", size);
  height_ = checked.height;
  width_ = checked.width;
}

Sample CenterCrop::operator()(const Sample& sample) const {
  const Window window = xinfer::center_window(size_of(sample), {width_, height_}).value();
  if (sample.is_image()) return xinfer::crop(sample.image(), window);
  return crop_planes(sample.tensor(), window);
}

Letterbox::Letterbox(int size, Placement placement, int fill, Interpolation interpolation)
    : Letterbox(std::vector<std::int64_t>{size}, placement, fill, interpolation) {}

Letterbox::Letterbox(const std::vector<std::int64_t>& size, Placement placement, int fill,
                     Interpolation interpolation)
    : placement_(placement), fill_(fill), interpolation_(interpolation) {
  const Size2d checked = checked_size("Letterbox", size);
  height_ = checked.height;
  width_ = checked.width;
  if (fill < 0 || fill > 255) refuse(fmt::format("Letterbox: fill is {}; expected 0..255", fill));
}

Sample Letterbox::operator()(const Sample& sample) const {
  const auto placement =
      placement_ == Placement::kCenter ? xinfer::Placement::kCenter : xinfer::Placement::kTopLeft;
  return xinfer::letterbox(
      image_for("Letterbox", sample),
      {{width_, height_}, placement, static_cast<std::uint8_t>(fill_), filter_of(interpolation_)});
}

Grayscale::Grayscale(int output_channels) : output_channels_(output_channels) {
  if (output_channels == 1 || output_channels == 3) return;
  refuse(fmt::format("Grayscale: {} output channels; expected 1 or 3", output_channels));
}

Sample Grayscale::operator()(const Sample& sample) const {
  Image gray = xinfer::to_gray(image_for("Grayscale", sample));
  return output_channels_ == 1 ? std::move(gray) : xinfer::to_three_channels(gray);
}

Sample Bgr::operator()(const Sample& sample) const {
  return xinfer::swap_red_blue(image_for("Bgr", sample));
}

}  // namespace image

namespace general {

Sample ToTensor::operator()(const Sample& sample) const { return sample.tensor(); }

Normalize::Normalize(std::vector<float> mean, std::vector<float> std)
    : mean_(std::move(mean)), std_(std::move(std)) {
  if (mean_.empty() || std_.empty()) refuse("Normalize: mean and std need a value each");
  for (const float value : std_) {
    if (!(value > 0)) refuse(fmt::format("Normalize: a std of {}; it must be positive", value));
  }
}

Sample Normalize::operator()(const Sample& sample) const {
  const Size2d size = size_of(sample);
  Tensor result = sample.is_image() ? sample.tensor() : sample.tensor().clone();
  const auto channels = static_cast<std::size_t>(result.shape()[0]);
  for (const std::vector<float>* list : {&mean_, &std_}) {
    if (list->size() == 1 || list->size() == channels) continue;
    refuse(fmt::format("Normalize: {} means and {} stds for {} channels", mean_.size(), std_.size(),
                       channels));
  }
  const std::int64_t plane = std::int64_t{size.width} * size.height;
  float* values = result.values<float>().data();
  for (std::size_t c = 0; c < channels; ++c, values += plane) {
    const float mean = mean_[mean_.size() == 1 ? 0 : c];
    const float std = std_[std_.size() == 1 ? 0 : c];
    for (std::int64_t i = 0; i < plane; ++i) values[i] = (values[i] - mean) / std;
  }
  return result;
}

}  // namespace general
}  // namespace xt::transforms
