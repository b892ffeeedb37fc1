// JPEG by libjpeg-turbo with its defaults (ISLOW inverse DCT, fancy upsampling), as Pillow uses it.

#include <csetjmp>
#include <cstdio>

#include "data/decode.h"
// Last and in this order: libjpeg's headers need size_t and FILE, and jerror.h jpeglib.h's
// settings.
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

namespace xinfer {
namespace {

/// libjpeg's handlers, extended by the way back out of it and by what went wrong.
struct JpegErrors {
  jpeg_error_mgr base;  // First: libjpeg hands its address to the callbacks.
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX];
};

/// libjpeg's progress hook, extended by the bound on scans.
struct JpegProgress {
  jpeg_progress_mgr base;  // First, as above.
  int max_scans;
};

[[noreturn]] void leave(j_common_ptr common) {
  auto* errors = reinterpret_cast<JpegErrors*>(common->err);
  (*common->err->format_message)(common, errors->message);
  std::longjmp(errors->escape, 1);
}

/// Warnings that mean wrong pixels: libjpeg would go on with gray or garbage.
bool damages_pixels(int code) {
  switch (code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
      return true;
    default:
      return false;
  }
}

void on_message(j_common_ptr common, int level) {
  if (level < 0 && damages_pixels(common->err->msg_code)) leave(common);
}

void on_progress(j_common_ptr common) {
  const auto* decoder = reinterpret_cast<jpeg_decompress_struct*>(common);
  const auto* progress = reinterpret_cast<JpegProgress*>(common->progress);
  if (decoder->input_scan_number <= progress->max_scans) return;
  auto* errors = reinterpret_cast<JpegErrors*>(common->err);
  std::snprintf(errors->message, sizeof(errors->message), "it has more than %d scans",
                progress->max_scans);
  std::longjmp(errors->escape, 1);
}

/// One libjpeg decoder. Its member functions hold no object with a destructor across a libjpeg
/// call, since errors leave them by longjmp; they return false with the reason in `message()`.
class JpegDecoder {
 public:
  explicit JpegDecoder(const DecodeLimits& limits) {
    decoder_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = leave;
    errors_.base.emit_message = on_message;
    progress_.base.progress_monitor = on_progress;
    progress_.max_scans = limits.max_scans;
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&decoder_); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  const char* message() const { return errors_.message; }
  int width() const { return static_cast<int>(decoder_.image_width); }
  int height() const { return static_cast<int>(decoder_.image_height); }
  int components() const { return decoder_.num_components; }

  bool read_header(std::span<const std::byte> bytes) {
    if (setjmp(errors_.escape)) return false;
    jpeg_create_decompress(&decoder_);
    decoder_.progress = &progress_.base;
    jpeg_mem_src(&decoder_, reinterpret_cast<const unsigned char*>(bytes.data()),
                 static_cast<unsigned long>(bytes.size()));
    jpeg_read_header(&decoder_, TRUE);
    return true;
  }

  /// `pixels` holds height rows of width pixels of `channels` bytes: 3 for RGB, 4 for CMYK.
  bool read_pixels(std::uint8_t* pixels, int channels) {
    if (setjmp(errors_.escape)) return false;
    decoder_.out_color_space = channels == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&decoder_);
    const std::size_t row_bytes =
        static_cast<std::size_t>(decoder_.output_width) * static_cast<std::size_t>(channels);
    while (decoder_.output_scanline < decoder_.output_height) {
      JSAMPROW row = pixels + decoder_.output_scanline * row_bytes;
      jpeg_read_scanlines(&decoder_, &row, 1);
    }
    return true;  // Not jpeg_finish_decompress: a missing end marker harms no pixel.
  }

 private:
  jpeg_decompress_struct decoder_{};
  JpegErrors errors_{};
  JpegProgress progress_{};
};

/// a * b / 255, rounded, for bytes.
int multiply_255(int a, int b) {
  const int product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/// Pillow's reading of a four-channel JPEG: inks are stored inverted (Adobe's convention), and each
/// of R, G, B is what its ink leaves of the light that black lets through.
Image cmyk_to_rgb(const Image& cmyk) {
  Image rgb(cmyk.width, cmyk.height, 3);
  const std::uint8_t* in = cmyk.pixels.data();
  std::uint8_t* out = rgb.pixels.data();
  const std::size_t count = cmyk.pixels.size() / 4;
  for (std::size_t i = 0; i < count; ++i, in += 4, out += 3) {
    const int light = in[3];
    for (int c = 0; c < 3; ++c) {
      out[c] = static_cast<std::uint8_t>(light - multiply_255(255 - in[c], light));
    }
  }
  return rgb;
}

}  // namespace

Result<Image> decode_jpeg(std::span<const std::byte> bytes, const DecodeLimits& limits) {
  JpegDecoder decoder(limits);
  if (!decoder.read_header(bytes)) return io_error("damaged JPEG: {}", decoder.message());
  XINFER_RETURN_IF_ERROR(check_dimensions(decoder.width(), decoder.height(), limits));
  const int components = decoder.components();
  if (components != 1 && components != 3 && components != 4) {
    return unsupported("JPEG with {} components; supported: 1, 3, 4", components);
  }
  Image image(decoder.width(), decoder.height(), components == 4 ? 4 : 3);
  if (!decoder.read_pixels(image.pixels.data(), image.channels)) {
    return io_error("damaged JPEG: {}", decoder.message());
  }
  return components == 4 ? cmyk_to_rgb(image) : image;
}

}  // namespace xinfer
