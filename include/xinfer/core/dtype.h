// Element types of tensors.
#pragma once

#include <cstddef>
#include <cstdint>

namespace xinfer {

/// Element type. The numbers are stored in engine files: append only.
enum class DType : std::uint8_t {
  kFloat32 = 0,
  kFloat16 = 1,
  kBFloat16 = 2,
  kFloat64 = 3,
  kInt8 = 4,
  kUInt8 = 5,
  kInt16 = 6,
  kUInt16 = 7,
  kInt32 = 8,
  kUInt32 = 9,
  kInt64 = 10,
  kUInt64 = 11,
  kBool = 12,
};

/// Bytes of one element.
std::size_t size_of(DType dtype);

/// "float32", "uint8", …, as reports and messages print it.
const char* to_string(DType dtype);

}  // namespace xinfer
