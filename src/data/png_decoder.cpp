// PNG by libpng, with the conversions of Pillow's `convert("RGB")`.
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "data/decode.h"

namespace xinfer {
namespace {

// What a chunk other than the pixels may occupy when unpacked, and how many of them are kept.
constexpr std::size_t kMaxChunkBytes = std::size_t{8} << 20;
constexpr std::uint32_t kMaxChunks = 64;

/// One libpng decoder. Its member functions hold no object with a destructor across a libpng call,
/// since errors leave them by longjmp; they return false with the reason in `message()`.
class PngDecoder {
 public:
  explicit PngDecoder(std::span<const std::byte> bytes) : rest_(bytes) {}
  ~PngDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;

  const char* message() const { return message_; }
  std::int64_t width() const { return png_get_image_width(png_, info_); }
  std::int64_t height() const { return png_get_image_height(png_, info_); }
  /// Gray of 16 bits, which Pillow saturates instead of scaling.
  bool is_gray16() const {
    return png_get_bit_depth(png_, info_) == 16 &&
           png_get_color_type(png_, info_) == PNG_COLOR_TYPE_GRAY;
  }

  bool read_header() {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
    if (info_ == nullptr) {
      std::snprintf(message_, sizeof(message_), "libpng found no memory");
      return false;
    }
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_read_fn(png_, this, on_read);
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // The caller bounds the product.
    png_set_chunk_malloc_max(png_, kMaxChunkBytes);
    png_set_chunk_cache_max(png_, kMaxChunks);
    png_read_info(png_, info_);
    return true;
  }

  /// Sets up the conversion to 8-bit RGB (16-bit gray stays as it is); `row_bytes` follow from it.
  bool prepare(std::size_t* row_bytes) {
    if (setjmp(png_jmpbuf(png_))) return false;
    const int color_type = png_get_color_type(png_, info_);
    png_set_expand_gray_1_2_4_to_8(png_);
    png_set_palette_to_rgb(png_);
    png_set_strip_alpha(png_);
    if (!is_gray16()) {
      png_set_strip_16(png_);
      if ((color_type & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(png_);
    }
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    *row_bytes = png_get_rowbytes(png_, info_);
    return true;
  }

  bool read_pixels(png_bytepp rows) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_read_image(png_, rows);
    png_read_end(png_, nullptr);
    return true;
  }

 private:
  static void on_read(png_structp png, png_bytep out, std::size_t size) {
    auto* self = static_cast<PngDecoder*>(png_get_io_ptr(png));
    if (size > self->rest_.size()) png_error(png, "the file ends too early");
    std::memcpy(out, self->rest_.data(), size);
    self->rest_ = self->rest_.subspan(size);
  }
  [[noreturn]] static void on_error(png_structp png, png_const_charp message) {
    auto* self = static_cast<PngDecoder*>(png_get_error_ptr(png));
    std::snprintf(self->message_, sizeof(self->message_), "%s", message);
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp, png_const_charp) {}

  std::span<const std::byte> rest_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  char message_[128] = {};
};

/// 16-bit big-endian gray to RGB: values above 255 become 255.
Image saturate_gray16(const Image& gray16) {
  Image rgb(gray16.width, gray16.height, 3);
  const std::size_t count = gray16.pixels.size() / 2;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t high = gray16.pixels[2 * i];
    const std::uint8_t value = high != 0 ? 255 : gray16.pixels[2 * i + 1];
    std::memset(&rgb.pixels[3 * i], value, 3);
  }
  return rgb;
}

}  // namespace

Result<Image> decode_png(std::span<const std::byte> bytes, const DecodeLimits& limits) {
  PngDecoder decoder(bytes);
  if (!decoder.read_header()) return io_error("damaged PNG: {}", decoder.message());
  XINFER_RETURN_IF_ERROR(check_dimensions(decoder.width(), decoder.height(), limits));
  const bool gray16 = decoder.is_gray16();
  Image image(static_cast<int>(decoder.width()), static_cast<int>(decoder.height()),
              gray16 ? 2 : 3);
  std::size_t row_bytes = 0;
  if (!decoder.prepare(&row_bytes)) return io_error("damaged PNG: {}", decoder.message());
  if (row_bytes != image.row_bytes()) {
    return internal_error("libpng gives {} bytes a row for {} pixels", row_bytes, image.width);
  }
  std::vector<png_bytep> rows(static_cast<std::size_t>(image.height));
  for (int y = 0; y < image.height; ++y) rows[static_cast<std::size_t>(y)] = image.row(y);
  if (!decoder.read_pixels(rows.data())) return io_error("damaged PNG: {}", decoder.message());
  return gray16 ? saturate_gray16(image) : image;
}

}  // namespace xinfer
