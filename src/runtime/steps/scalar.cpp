#include "runtime/steps/scalar.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/elementwise/half.h"

namespace xinfer::runtime {
namespace {

template <typename T>
void store(double value, void* element) {
  if constexpr (std::is_integral_v<T>) {
    const double rounded = std::nearbyint(value);
    T integer = 0;
    if (rounded >= static_cast<double>(std::numeric_limits<T>::max())) {
      integer = std::numeric_limits<T>::max();
    } else if (rounded <= static_cast<double>(std::numeric_limits<T>::min())) {
      integer = std::numeric_limits<T>::min();
    } else if (!std::isnan(rounded)) {
      integer = static_cast<T>(rounded);
    }
    std::memcpy(element, &integer, sizeof(T));
  } else {
    const T real = static_cast<T>(value);
    std::memcpy(element, &real, sizeof(T));
  }
}

}  // namespace

void store_scalar(DType dtype, double value, void* element) {
  switch (dtype) {
    case DType::kFloat32:
      return store<float>(value, element);
    case DType::kFloat64:
      return store<double>(value, element);
    case DType::kFloat16:
      return store<kernels::Float16>(value, element);
    case DType::kBFloat16:
      return store<kernels::BFloat16>(value, element);
    case DType::kInt8:
      return store<std::int8_t>(value, element);
    case DType::kUInt8:
      return store<std::uint8_t>(value, element);
    case DType::kInt16:
      return store<std::int16_t>(value, element);
    case DType::kUInt16:
      return store<std::uint16_t>(value, element);
    case DType::kInt32:
      return store<std::int32_t>(value, element);
    case DType::kUInt32:
      return store<std::uint32_t>(value, element);
    case DType::kInt64:
      return store<std::int64_t>(value, element);
    case DType::kUInt64:
      return store<std::uint64_t>(value, element);
    case DType::kBool:
      return store<bool>(value != 0, element);
  }
}

}  // namespace xinfer::runtime
