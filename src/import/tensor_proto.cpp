#include "import/tensor_proto.h"

#include <bit>
#include <cstring>

#include "core/dtype_traits.h"
#include "import/external_data.h"

namespace xinfer::import {
namespace {

using onnx::TensorProto;

float from_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// IEEE 754 binary16.
float from_float16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fu;
  const std::uint32_t mantissa = bits & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) {
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  }
  const float subnormal = static_cast<float>(mantissa) * 0x1p-24f;
  return sign != 0 ? -subnormal : subnormal;
}

bool is_half(int onnx_type) {
  return onnx_type == TensorProto::FLOAT16 || onnx_type == TensorProto::BFLOAT16;
}

float widen(int onnx_type, std::uint16_t bits) {
  return onnx_type == TensorProto::FLOAT16 ? from_float16(bits) : from_bfloat16(bits);
}

/// Bytes of one element as ONNX stores it raw.
std::size_t stored_size(int onnx_type, DType dtype) {
  return is_half(onnx_type) ? 2 : size_of(dtype);
}

Result<Shape> read_shape(const TensorProto& proto) {
  constexpr std::int64_t kMaxElements = std::int64_t{1} << 40;
  Shape shape;
  std::int64_t count = 1;
  for (const std::int64_t dim : proto.dims()) {
    if (dim < 0) {
      return invalid_model("tensor \"{}\" has a negative dimension {}", proto.name(), dim);
    }
    if (__builtin_mul_overflow(count, dim, &count) || count > kMaxElements) {
      return invalid_model("tensor \"{}\" has too many elements", proto.name());
    }
    shape.push_back(dim);
  }
  return shape;
}

/// Elements from raw bytes (little-endian, as is this machine).
void fill_from_raw(const TensorProto& proto, std::string_view raw, Tensor& out) {
  const auto count = static_cast<std::size_t>(out.size());
  if (!is_half(proto.data_type())) {
    if (!raw.empty()) std::memcpy(out.data(), raw.data(), raw.size());
    if (out.dtype() == DType::kBool) {  // any non-zero byte is true in ONNX, only 1 in C++
      auto* bytes = static_cast<std::uint8_t*>(out.data());
      for (std::size_t i = 0; i < count; ++i) bytes[i] = bytes[i] != 0;
    }
    return;
  }
  const std::span<float> values = out.values<float>();
  for (std::size_t i = 0; i < count; ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, raw.data() + 2 * i, sizeof bits);
    values[i] = widen(proto.data_type(), bits);
  }
}

/// The typed field that holds a tensor without raw data, and its number of entries.
struct TypedField {
  const char* name;
  std::size_t size;
};
TypedField typed_field(const TensorProto& proto) {
  switch (proto.data_type()) {
    case TensorProto::FLOAT:
      return {"float_data", static_cast<std::size_t>(proto.float_data_size())};
    case TensorProto::DOUBLE:
      return {"double_data", static_cast<std::size_t>(proto.double_data_size())};
    case TensorProto::INT64:
      return {"int64_data", static_cast<std::size_t>(proto.int64_data_size())};
    case TensorProto::UINT32:
    case TensorProto::UINT64:
      return {"uint64_data", static_cast<std::size_t>(proto.uint64_data_size())};
    default:
      return {"int32_data", static_cast<std::size_t>(proto.int32_data_size())};
  }
}

template <typename To, typename Field>
void copy_field(const Field& field, Tensor& out) {
  std::size_t i = 0;
  for (To& value : out.values<To>()) value = static_cast<To>(field.Get(static_cast<int>(i++)));
}

void fill_from_fields(const TensorProto& proto, Tensor& out) {
  switch (proto.data_type()) {
    case TensorProto::FLOAT:
      return copy_field<float>(proto.float_data(), out);
    case TensorProto::DOUBLE:
      return copy_field<double>(proto.double_data(), out);
    case TensorProto::INT64:
      return copy_field<std::int64_t>(proto.int64_data(), out);
    case TensorProto::UINT32:
      return copy_field<std::uint32_t>(proto.uint64_data(), out);
    case TensorProto::UINT64:
      return copy_field<std::uint64_t>(proto.uint64_data(), out);
    case TensorProto::INT32:
      return copy_field<std::int32_t>(proto.int32_data(), out);
    case TensorProto::INT16:
      return copy_field<std::int16_t>(proto.int32_data(), out);
    case TensorProto::UINT16:
      return copy_field<std::uint16_t>(proto.int32_data(), out);
    case TensorProto::INT8:
      return copy_field<std::int8_t>(proto.int32_data(), out);
    case TensorProto::UINT8:
      return copy_field<std::uint8_t>(proto.int32_data(), out);
    case TensorProto::BOOL:
      return copy_field<bool>(proto.int32_data(), out);
    default: {  // float16, bfloat16: bit patterns
      std::size_t i = 0;
      for (float& value : out.values<float>()) {
        const auto bits = static_cast<std::uint16_t>(proto.int32_data(static_cast<int>(i++)));
        value = widen(proto.data_type(), bits);
      }
    }
  }
}

}  // namespace

std::string onnx_type_name(int onnx_type) {
  if (!TensorProto::DataType_IsValid(onnx_type)) return fmt::format("type {}", onnx_type);
  static constexpr const char* kNames[] = {
      "undefined",      "float",      "uint8",          "int8",       "uint16",   "int16",
      "int32",          "int64",      "string",         "bool",       "float16",  "double",
      "uint32",         "uint64",     "complex64",      "complex128", "bfloat16", "float8e4m3fn",
      "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4",      "int4",     "float4e2m1"};
  const auto index = static_cast<std::size_t>(onnx_type);
  return index < std::size(kNames) ? kNames[index] : fmt::format("type {}", onnx_type);
}

Result<DType> dtype_of_onnx(int onnx_type) {
  switch (onnx_type) {
    case TensorProto::FLOAT:
    case TensorProto::FLOAT16:
    case TensorProto::BFLOAT16:
      return DType::kFloat32;
    case TensorProto::DOUBLE:
      return DType::kFloat64;
    case TensorProto::INT8:
      return DType::kInt8;
    case TensorProto::UINT8:
      return DType::kUInt8;
    case TensorProto::INT16:
      return DType::kInt16;
    case TensorProto::UINT16:
      return DType::kUInt16;
    case TensorProto::INT32:
      return DType::kInt32;
    case TensorProto::UINT32:
      return DType::kUInt32;
    case TensorProto::INT64:
      return DType::kInt64;
    case TensorProto::UINT64:
      return DType::kUInt64;
    case TensorProto::BOOL:
      return DType::kBool;
    default:
      return unsupported(
          "element type {}; supported: float, float16, bfloat16, double, int8 to int64, uint8 to "
          "uint64, bool",
          onnx_type_name(onnx_type));
  }
}

Result<Tensor> read_tensor(const TensorProto& proto, const std::filesystem::path& folder) {
  auto dtype = dtype_of_onnx(proto.data_type());
  if (!dtype.ok()) {
    return dtype.status().with_context(fmt::format("tensor \"{}\"", proto.name()));
  }
  if (proto.has_segment()) {
    return unsupported("tensor \"{}\" is split into segments", proto.name());
  }
  XINFER_ASSIGN_OR_RETURN(Shape shape, read_shape(proto));
  const auto count = static_cast<std::size_t>(element_count(shape));
  const std::size_t needed_bytes = count * stored_size(proto.data_type(), *dtype);

  std::string external;
  std::string_view raw = proto.raw_data();
  const bool is_external = proto.data_location() == TensorProto::EXTERNAL;
  if (is_external) {
    XINFER_ASSIGN_OR_RETURN(external, read_external_data(proto, folder, needed_bytes));
    raw = external;
  }
  const bool is_raw = is_external || proto.has_raw_data();
  if (is_raw && raw.size() != needed_bytes) {
    return invalid_model("tensor \"{}\" of shape {} holds {} bytes, needs {}", proto.name(),
                         to_string(shape), raw.size(), needed_bytes);
  }
  if (!is_raw) {
    const TypedField field = typed_field(proto);
    if (field.size != count) {
      return invalid_model("tensor \"{}\" of shape {}: {} holds {} entries, needs {}", proto.name(),
                           to_string(shape), field.name, field.size, count);
    }
  }
  Tensor tensor(*dtype, std::move(shape));
  if (is_raw) {
    fill_from_raw(proto, raw, tensor);
  } else {
    fill_from_fields(proto, tensor);
  }
  return tensor;
}

}  // namespace xinfer::import
