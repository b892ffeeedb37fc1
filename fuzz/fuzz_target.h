// What a fuzz target implements, and how it reports a broken promise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

/// Called by libFuzzer, or by replay.cpp, with one input. Returns 0.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

/// Ends the program if `condition` is false, in every build type: the fuzzer keeps the input.
inline void require(bool condition) {
  if (!condition) std::abort();
}
