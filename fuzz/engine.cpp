// Any bytes as an engine file: an error, or an engine whose every description can be read.
//
// The hashes would stop almost every mutation at the frame. An input that does not begin with the
// file's magic is therefore taken as metadata and blobs, and framed here with the right hashes:
//   2 bytes, little endian: size of the blob section; then that many bytes; the rest is metadata.
#include "xinfer/core/engine.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string>

#include "engine/format.h"
#include "fuzz_target.h"

namespace {

std::string framed(std::span<const std::byte> input) {
  if (input.size() < 2) return {};
  const auto low = std::to_integer<std::size_t>(input[0]);
  const auto high = std::to_integer<std::size_t>(input[1]);
  const std::size_t blob_bytes = std::min(low + (high << 8), input.size() - 2);
  return xinfer::engine::make_frame(input.subspan(2 + blob_bytes), input.subspan(2, blob_bytes));
}

void read_everything(const xinfer::Engine& engine) {
  for (const std::string& target : engine.targets()) {
    engine.steps(target);
    engine.activation_bytes(target);
  }
  engine.layers();
  engine.inputs();
  engine.outputs();
  engine.properties();
  engine.preprocess();
  engine.int8_mac_share();
  engine.weight_bytes();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  const bool whole = size >= 6 && std::memcmp(data, "XINFER", 6) == 0;
  const std::string file = whole ? std::string() : framed(input);
  try {
    read_everything(xinfer::Engine::load(whole ? input : std::as_bytes(std::span(file))));
  } catch (const xinfer::Error& error) {
    require(error.code() != xinfer::ErrorCode::kInternal);
  }
  return 0;
}
