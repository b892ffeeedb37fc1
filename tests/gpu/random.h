// Seeded random choices that are the same on every machine.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "xinfer/core/dtype.h"

namespace xinfer::gpu {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed * 0x9E3779B97F4A7C15ull + 1) {}

  /// Uniform in [low, high].
  std::int64_t pick(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(int one_in) { return pick(1, one_in) == 1; }
  float real(float low, float high) {
    return low + (high - low) * static_cast<float>(engine_() >> 40) * 0x1p-24f;
  }
  std::uint8_t byte() { return static_cast<std::uint8_t>(engine_() >> 24); }
  DType int8_type() { return chance(2) ? DType::kInt8 : DType::kUInt8; }

  /// Bytes of a tensor of that type: any INT8 value (at times only extremes), floats in [-60, 60].
  std::vector<std::uint8_t> tensor(DType dtype, std::int64_t elements);

  /// Channels around the sizes at which kernels change their path.
  std::int64_t channels();

 private:
  std::mt19937_64 engine_;
};

inline std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// IEEE binary16 bits of a float, rounded half even, and back.
std::uint16_t to_half(float value);
float from_half(std::uint16_t bits);

}  // namespace xinfer::gpu
