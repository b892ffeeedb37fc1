// Any text as xinfer's JSON calibration cache: an error, or ranges that are written and read alike.
#include <string_view>

#include "calibrate/cache_json.h"
#include "fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto ranges = xinfer::calibrate::read_json_cache(text);
  if (!ranges.ok()) return 0;
  const auto written = xinfer::calibrate::write_json_cache(*ranges, true);
  require(written.ok());
  const auto again = xinfer::calibrate::read_json_cache(*written);
  require(again.ok());
  const auto rewritten = xinfer::calibrate::write_json_cache(*again, true);
  require(rewritten.ok() && *rewritten == *written);
  return 0;
}
