// The text of src/tune/shipped/*.json, compiled in by embed_timings.cmake.
#pragma once

#include <span>
#include <string_view>

namespace xinfer::tune {

std::span<const std::string_view> shipped_timing_texts();

}  // namespace xinfer::tune
