// Preprocessing: how an image file becomes a model's input, as text and as code. The text is what
// `--preprocess` takes and what an engine stores.
//
//   text    = "" | element {"," element}
//   element = "imagenet"                        (first only: resize=256,crop=224 and the usual
//                                                mean and std; later elements change it)
//           | "resize=" N                       (shorter side N)
//           | "resize=" WxH                     (exactly, whatever the proportions)
//           | "resize=letterbox:" WxH [":center" | ":topleft"] [":" FILL]   (FILL 0..255, 114)
//           | "resize=none" | "crop=none"
//           | "crop=" N | "crop=" WxH           (centred)
//           | "filter=" ("bilinear" | "bicubic")
//           | "color=" ("rgb" | "bgr" | "gray")
//           | "scale=" NUMBER | "scale=" NUMBER/NUMBER
//           | "mean=" LIST | "std=" LIST        (1 or as many values as channels, joined by ":",
//                                                in the model's channel order)
//           | "layout=" ("nchw" | "nhwc")
//
// Steps, in this order: decode, resize, crop, colour, value = (pixel * scale - mean) / std, layout.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "data/transforms.h"
#include "xinfer/core/tensor.h"
#include "xinfer/data/image.h"

namespace xinfer {

enum class ResizeMode { kNone, kShorterSide, kExact, kLetterbox };
enum class ColorOrder { kRgb, kBgr, kGray };
/// kModel: whichever of NCHW and NHWC the model's input has its channels in.
enum class ImageLayout { kModel, kNchw, kNhwc };

struct Preprocessing {
  ResizeMode resize = ResizeMode::kNone;
  /// kShorterSide: both sides equal the shorter one; kExact and kLetterbox: the result's size.
  Size2d resize_size;
  Placement placement = Placement::kCenter;  ///< kLetterbox only.
  int fill = 114;                            ///< kLetterbox only.
  std::optional<Size2d> crop;
  ResizeFilter filter = ResizeFilter::kBilinear;
  ColorOrder color = ColorOrder::kRgb;
  double scale = 1.0 / 255;
  std::vector<double> mean = {0};
  std::vector<double> std = {1};
  ImageLayout layout = ImageLayout::kModel;

  bool operator==(const Preprocessing&) const = default;
  int channels() const { return color == ColorOrder::kGray ? 1 : 3; }
};

/// Fails with invalid_argument, naming the element, what it holds and what it may hold.
Result<Preprocessing> parse_preprocessing(std::string_view text);

/// The canonical text; `parse_preprocessing` gives back an equal value.
std::string to_string(const Preprocessing& preprocessing);

/// scale=1, mean 0, std 1.
Preprocessing pixels_as_they_are();

/// For uint8 inputs, whose reader applies scale, mean and std of `applied`. Fails with
/// invalid_argument, naming both, if `asked` sets others; the defaults demand nothing.
Status check_applied_normalization(const Preprocessing& asked, const Preprocessing& applied);

/// Whether a model's input [N, H, W, C] rather than [N, C, H, W] takes these images; negative sizes
/// are dynamic. Where both could, the one whose channels are fixed does, else [N, C, H, W]. Fails
/// with invalid_argument if neither does.
Result<bool> has_channels_last(const Preprocessing& preprocessing, const Shape& input_shape);

/// What a Preprocessor makes of pixels.
enum class PixelForm {
  kNormalized,  ///< float32: (pixel * scale - mean) / std
  kBytes,  ///< uint8 as they are: an engine or a model does the rest (EngineBuilder::with_u8_input)
};

/// A Preprocessing made ready for one input of a model. Immutable; used from several threads.
class Preprocessor {
 public:
  /// `input_shape` is the model's: rank 4 with the batch first, negative where it is dynamic. Fails
  /// with invalid_argument, naming both, where the result can never fit.
  static Result<Preprocessor> create(Preprocessing preprocessing, Shape input_shape,
                                     PixelForm form = PixelForm::kNormalized);

  /// The input of one image, [C, H, W] or [H, W, C]. Fails if its size does not fit.
  Result<Tensor> apply(const Image& image) const;

  const Preprocessing& preprocessing() const { return preprocessing_; }

 private:
  Preprocessor(Preprocessing preprocessing, Shape input_shape, bool channels_last, PixelForm form);

  Status check_size(Size2d size) const;
  /// The resized image and the window of it that is used.
  Result<Window> resize_and_crop(const Image& image, Image* resized) const;

  Preprocessing preprocessing_;
  Shape input_shape_;
  bool channels_last_;
  PixelForm form_;
  NormalizeTable table_;  ///< kNormalized
};

}  // namespace xinfer
