// Applying a Preprocessing to images.
#include "data/preprocess.h"

#include <utility>

namespace xinfer {
namespace {

/// The size of every result, where it does not depend on the image.
std::optional<Size2d> fixed_size(const Preprocessing& p) {
  if (p.crop) return p.crop;
  if (p.resize == ResizeMode::kExact || p.resize == ResizeMode::kLetterbox) return p.resize_size;
  return std::nullopt;
}

bool takes(std::int64_t dimension, int size) { return dimension < 0 || dimension == size; }

Image reorder_colors(Image image, ColorOrder color) {
  if (color == ColorOrder::kGray) return to_gray(image);
  if (image.channels != 3) image = to_three_channels(image);
  if (color == ColorOrder::kBgr) return swap_red_blue(image);
  return image;
}

/// The window's pixels, uint8 [H, W, C] or [C, H, W].
Tensor bytes_of(const Image& image, const Window& window, bool channels_last) {
  const std::int64_t c = image.channels, h = window.height, w = window.width;
  Tensor result(DType::kUInt8, channels_last ? Shape{h, w, c} : Shape{c, h, w});
  std::uint8_t* out = result.values<std::uint8_t>().data();
  const std::int64_t pixel = channels_last ? c : 1, channel = channels_last ? 1 : h * w;
  for (std::int64_t y = 0; y < h; ++y) {
    const std::uint8_t* row = image.row(window.top + static_cast<int>(y)) + window.left * c;
    for (std::int64_t i = 0; i < w * c; ++i) {
      out[(y * w + i / c) * pixel + i % c * channel] = row[i];
    }
  }
  return result;
}

/// One value for each channel.
std::vector<double> per_channel(std::vector<double> values, int channels) {
  values.resize(static_cast<std::size_t>(channels), values.front());
  return values;
}

bool same_normalization(const Preprocessing& a, const Preprocessing& b) {
  return a.scale == b.scale &&
         per_channel(a.mean, a.channels()) == per_channel(b.mean, b.channels()) &&
         per_channel(a.std, a.channels()) == per_channel(b.std, b.channels());
}

}  // namespace

Preprocessing pixels_as_they_are() {
  Preprocessing p;
  p.scale = 1;
  return p;
}

Status check_applied_normalization(const Preprocessing& asked, const Preprocessing& applied) {
  Preprocessing unset;
  unset.color = asked.color;
  if (same_normalization(asked, unset) || same_normalization(asked, applied)) return {};
  return invalid_argument(
      "preprocessing \"{}\" sets scale, mean or std, but the input is uint8, and what reads it {}; "
      "leave them out",
      to_string(asked),
      applied == pixels_as_they_are() ? "takes pixels as they are"
                                      : "applies those of \"" + to_string(applied) + "\"");
}

Result<bool> has_channels_last(const Preprocessing& p, const Shape& shape) {
  if (shape.size() != 4) {
    return invalid_argument(
        "the model's input {} is no batch of images; preprocessing needs [N, C, H, W] or "
        "[N, H, W, C]",
        to_string(shape));
  }
  const bool first = takes(shape[1], p.channels()) && p.layout != ImageLayout::kNhwc;
  const bool last = takes(shape[3], p.channels()) && p.layout != ImageLayout::kNchw;
  // A dynamic height takes any number of channels: what says so is the axis that has this number.
  if (first && last) return shape[1] < 0 && shape[3] >= 0;
  if (first || last) return last;
  const char* layout = p.layout == ImageLayout::kModel  ? ""
                       : p.layout == ImageLayout::kNchw ? " in layout nchw"
                                                        : " in layout nhwc";
  return invalid_argument(
      "preprocessing gives {} channel{}{}, but the model's input is {}; color=gray gives 1, "
      "color=rgb and color=bgr give 3",
      p.channels(), p.channels() == 1 ? "" : "s", layout, to_string(shape));
}

Preprocessor::Preprocessor(Preprocessing preprocessing, Shape input_shape, bool channels_last,
                           PixelForm form)
    : preprocessing_(std::move(preprocessing)),
      input_shape_(std::move(input_shape)),
      channels_last_(channels_last),
      form_(form),
      table_(normalize_table(preprocessing_.channels(), preprocessing_.scale, preprocessing_.mean,
                             preprocessing_.std)) {}

Result<Preprocessor> Preprocessor::create(Preprocessing preprocessing, Shape input_shape,
                                          PixelForm form) {
  // The layout that a text names is that of the float input.
  if (form == PixelForm::kBytes) preprocessing.layout = ImageLayout::kModel;
  XINFER_ASSIGN_OR_RETURN(const bool channels_last, has_channels_last(preprocessing, input_shape));
  const std::optional<Size2d> size = fixed_size(preprocessing);
  Preprocessor preprocessor(std::move(preprocessing), std::move(input_shape), channels_last, form);
  if (size) XINFER_RETURN_IF_ERROR(preprocessor.check_size(*size));
  return preprocessor;
}

Status Preprocessor::check_size(Size2d size) const {
  const std::size_t height = channels_last_ ? 1 : 2;
  if (takes(input_shape_[height], size.height) && takes(input_shape_[height + 1], size.width)) {
    return {};
  }
  return invalid_argument(
      "preprocessing gives {}x{} (width x height), but the model's input is {}, {}x{}; set resize "
      "or crop",
      size.width, size.height, to_string(input_shape_), input_shape_[height + 1],
      input_shape_[height]);
}

Result<Window> Preprocessor::resize_and_crop(const Image& image, Image* resized) const {
  const Preprocessing& p = preprocessing_;
  if (p.resize == ResizeMode::kLetterbox) {
    *resized =
        letterbox(image, {p.resize_size, p.placement, static_cast<std::uint8_t>(p.fill), p.filter});
    return center_window(p.resize_size, p.crop.value_or(p.resize_size), CropRounding::kDown);
  }
  Size2d size = size_of(image);
  if (p.resize == ResizeMode::kShorterSide) size = shorter_side_size(size, p.resize_size.width);
  if (p.resize == ResizeMode::kExact) size = p.resize_size;
  XINFER_ASSIGN_OR_RETURN(const Window window,
                          center_window(size, p.crop.value_or(size), CropRounding::kDown));
  if (size == size_of(image)) {
    *resized = crop(image, window);
  } else {
    *resized = resize_window(image, size, p.filter, window);
  }
  return Window{0, 0, window.width, window.height};
}

Result<Tensor> Preprocessor::apply(const Image& image) const {
  Image resized;
  XINFER_ASSIGN_OR_RETURN(const Window window, resize_and_crop(image, &resized));
  XINFER_RETURN_IF_ERROR(check_size({window.width, window.height}));
  const Image colored = reorder_colors(std::move(resized), preprocessing_.color);
  const std::int64_t c = colored.channels;
  if (form_ == PixelForm::kBytes) return bytes_of(colored, window, channels_last_);
  if (channels_last_) {
    Tensor result(DType::kFloat32, {window.height, window.width, c});
    to_interleaved(colored, window, table_, result.values<float>().data());
    return result;
  }
  Tensor result(DType::kFloat32, {c, window.height, window.width});
  to_planes(colored, window, table_, result.values<float>().data());
  return result;
}

}  // namespace xinfer
