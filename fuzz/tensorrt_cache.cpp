// Any text as TensorRT's calibration cache: an error, or ranges that are written and read alike.
#include <string_view>

#include "calibrate/cache_tensorrt.h"
#include "fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto ranges = xinfer::calibrate::read_tensorrt_cache(text);
  if (!ranges.ok()) return 0;
  const auto written = xinfer::calibrate::write_tensorrt_cache(*ranges);
  // The writer refuses names that hold a carriage return, which the reader takes.
  if (!written.ok()) return 0;
  const auto again = xinfer::calibrate::read_tensorrt_cache(*written);
  require(again.ok());
  const auto rewritten = xinfer::calibrate::write_tensorrt_cache(*again);
  require(rewritten.ok() && *rewritten == *written);
  return 0;
}
