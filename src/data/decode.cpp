// Chooses the decoder and names the file in every message.
#include "data/decode.h"

#include <algorithm>
#include <array>

#include "data/file_bytes.h"

namespace xinfer {
namespace {

template <std::size_t N>
bool starts_with(std::span<const std::byte> bytes, const std::array<unsigned char, N>& magic) {
  return bytes.size() >= N &&
         std::equal(magic.begin(), magic.end(), bytes.begin(),
                    [](unsigned char a, std::byte b) { return std::byte{a} == b; });
}

constexpr std::array<unsigned char, 3> kJpegMagic = {0xFF, 0xD8, 0xFF};
constexpr std::array<unsigned char, 8> kPngMagic = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

Result<Image> decode_by_magic(std::span<const std::byte> bytes, const DecodeLimits& limits) {
  if (starts_with(bytes, kJpegMagic)) return decode_jpeg(bytes, limits);
  if (starts_with(bytes, kPngMagic)) return decode_png(bytes, limits);
  if (bytes.empty()) return io_error("the file is empty");
  std::string found;
  for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), 4); ++i) {
    found += fmt::format("{}{:02x}", i == 0 ? "" : " ", std::to_integer<unsigned>(bytes[i]));
  }
  return unsupported("neither JPEG nor PNG (it begins with {})", found);
}

}  // namespace

Status check_dimensions(std::int64_t width, std::int64_t height, const DecodeLimits& limits) {
  if (width <= 0 || height <= 0) return io_error("its size is {}x{}", width, height);
  if (width > limits.max_pixels / height) {
    return unsupported("its size is {}x{}; at most {} pixels are decoded", width, height,
                       limits.max_pixels);
  }
  return {};
}

Result<Image> decode_image(std::span<const std::byte> bytes, const std::string& name,
                           const DecodeLimits& limits) {
  Result<Image> image = decode_by_magic(bytes, limits);
  if (!image.ok()) return image.status().with_context(fmt::format("image \"{}\"", name));
  return image;
}

Result<Image> read_image(const std::filesystem::path& path, const DecodeLimits& limits) {
  Result<std::vector<std::byte>> bytes = read_file_bytes(path, limits.max_file_bytes);
  if (!bytes.ok()) return bytes.status().with_context(fmt::format("image \"{}\"", path.string()));
  return decode_image(*bytes, path.string(), limits);
}

}  // namespace xinfer
