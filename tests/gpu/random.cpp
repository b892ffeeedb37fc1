#include "random.h"

#include <cmath>
#include <cstring>

namespace xinfer::gpu {

std::vector<std::uint8_t> Random::tensor(DType dtype, std::int64_t elements) {
  const std::size_t size = size_of(dtype);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(elements) * size);
  const bool extremes = chance(8);
  for (std::size_t i = 0; i < bytes.size(); i += size) {
    if (dtype == DType::kFloat32) {
      const float value = real(-60.0f, 60.0f);
      std::memcpy(&bytes[i], &value, size);
    } else if (dtype == DType::kFloat16) {
      const std::uint16_t value = to_half(real(-1.0f, 1.0f));
      std::memcpy(&bytes[i], &value, size);
    } else {
      bytes[i] = extremes ? (chance(2) ? 0x80 : 0x7F) : byte();
    }
  }
  return bytes;
}

std::int64_t Random::channels() {
  switch (pick(0, 4)) {
    case 0:
      return pick(1, 20);
    case 1:
      return 16 * pick(1, 9) + pick(-1, 1);
    case 2:
      return 64 * pick(1, 4);
    default:
      return pick(1, 200);
  }
}

std::uint16_t to_half(float value) {
  const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const float magnitude = std::fabs(value);
  if (magnitude < 0x1p-14f) {  // subnormal: multiples of 2^-24
    return static_cast<std::uint16_t>(sign | static_cast<int>(std::nearbyint(magnitude * 0x1p24f)));
  }
  int exponent = 0;
  const float fraction = std::frexp(magnitude, &exponent);  // in [0.5, 1)
  const int mantissa = static_cast<int>(std::nearbyint(fraction * 2048.0f)) - 1024;
  const int bits = ((exponent + 14) << 10) + mantissa;  // a carry moves into the exponent
  return static_cast<std::uint16_t>(sign | (bits >= 0x7C00 ? 0x7C00 : bits));
}

float from_half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  float magnitude = exponent == 0 ? static_cast<float>(mantissa) * 0x1p-24f
                    : exponent == 31
                        ? (mantissa == 0 ? INFINITY : NAN)
                        : std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

}  // namespace xinfer::gpu
