// Any bytes as a JPEG or PNG file: an error or an image of the size it says.
#include <span>

#include "data/decode.h"
#include "fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Small limits keep the runs quick; what lies beyond them must be refused before any pixel.
  const xinfer::DecodeLimits limits{.max_pixels = 1 << 18, .max_scans = 20};
  const auto image = xinfer::decode_image(std::as_bytes(std::span(data, size)), "fuzz", limits);
  if (image.ok()) {
    const xinfer::Image& decoded = *image;
    require(decoded.channels == 3);
    require(decoded.pixels.size() ==
            decoded.row_bytes() * static_cast<std::size_t>(decoded.height));
  }
  return 0;
}
