// JPEG and PNG files to RGB pixels: the same bytes as Pillow's `Image.open(f).convert("RGB")`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "core/status.h"
#include "xinfer/data/image.h"

namespace xinfer {

/// Bounds on what a file may ask for before a pixel is decoded.
struct DecodeLimits {
  /// Width times height. 256 MiB of RGB, where Pillow starts to warn of a decompression bomb.
  std::int64_t max_pixels = (std::int64_t{1} << 28) / 3;
  /// Scans of a progressive JPEG, each of which costs a pass over the whole image.
  int max_scans = 200;
  /// Bytes of an encoded file.
  std::int64_t max_file_bytes = std::int64_t{1} << 30;
};

/// Decodes a JPEG or PNG, told apart by its first bytes, to three channels. EXIF orientation and
/// colour profiles are ignored, as Pillow and torchvision do. Alpha is dropped, palettes are looked
/// up; 16-bit colour keeps its high byte and 16-bit gray saturates at 255, as in Pillow.
/// Fails with io_error on damaged data (a truncated file included, where libjpeg alone would fill
/// the rest with gray), unsupported on a valid file of another kind or beyond `limits`. Messages
/// begin with `image "<name>"`. Safe on any bytes and from several threads.
Result<Image> decode_image(std::span<const std::byte> bytes, const std::string& name,
                           const DecodeLimits& limits = {});

/// Reads and decodes a file; messages name its path.
Result<Image> read_image(const std::filesystem::path& path, const DecodeLimits& limits = {});

/// Width and height are positive and their product is within `limits`.
Status check_dimensions(std::int64_t width, std::int64_t height, const DecodeLimits& limits);

// One format each; `decode_image` chooses and adds the name to their messages.
Result<Image> decode_jpeg(std::span<const std::byte> bytes, const DecodeLimits& limits);
Result<Image> decode_png(std::span<const std::byte> bytes, const DecodeLimits& limits);

}  // namespace xinfer
