#include "tensor_values.h"

#include <cmath>
#include <cstring>

namespace xinfer::gpu {

DType float_type(Random& random) { return random.chance(2) ? DType::kFloat16 : DType::kFloat32; }

std::vector<std::uint8_t> small_floats(Random& random, std::int64_t count, DType dtype) {
  const std::size_t size = size_of(dtype);
  std::vector<std::uint8_t> bytes(size * static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < bytes.size(); i += size) {
    const float value = random.real(-3.0f, 3.0f);
    const std::uint16_t half = to_half(value);
    std::memcpy(&bytes[i], dtype == DType::kFloat16 ? static_cast<const void*>(&half) : &value,
                size);
  }
  return bytes;
}

double value_at(const std::vector<std::uint8_t>& bytes, DType dtype, std::int64_t index) {
  const std::uint8_t* from = &bytes[size_of(dtype) * static_cast<std::size_t>(index)];
  switch (dtype) {
    case DType::kInt8:
      return static_cast<std::int8_t>(*from);
    case DType::kUInt8:
      return *from;
    case DType::kFloat16: {
      std::uint16_t half = 0;
      std::memcpy(&half, from, sizeof(half));
      return from_half(half);
    }
    case DType::kFloat64: {
      double value = 0;
      std::memcpy(&value, from, sizeof(value));
      return value;
    }
    default: {
      float value = 0;
      std::memcpy(&value, from, sizeof(value));
      return value;
    }
  }
}

double store_error(DType dtype, double value) {
  return dtype == DType::kFloat16 ? std::fabs(value) * 0x1p-11 + 0x1p-25 : 0.0;
}

}  // namespace xinfer::gpu
