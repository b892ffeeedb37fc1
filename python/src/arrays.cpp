#include "arrays.h"

#include <array>
#include <memory>

#include "xinfer/core/error.h"

namespace xinfer::python {
namespace {

using Code = nb::dlpack::dtype_code;

struct TypePair {
  DType dtype;
  Code code;
  std::uint8_t bits;
};

constexpr std::array<TypePair, 13> kTypes = {{
    {DType::kFloat32, Code::Float, 32},
    {DType::kFloat16, Code::Float, 16},
    {DType::kBFloat16, Code::Bfloat, 16},
    {DType::kFloat64, Code::Float, 64},
    {DType::kInt8, Code::Int, 8},
    {DType::kUInt8, Code::UInt, 8},
    {DType::kInt16, Code::Int, 16},
    {DType::kUInt16, Code::UInt, 16},
    {DType::kInt32, Code::Int, 32},
    {DType::kUInt32, Code::UInt, 32},
    {DType::kInt64, Code::Int, 64},
    {DType::kUInt64, Code::UInt, 64},
    {DType::kBool, Code::Bool, 8},
}};

template <typename Array>
DType dtype_of(const Array& array, const std::string& what) {
  const nb::dlpack::dtype found = array.dtype();
  for (const TypePair& type : kTypes) {
    if (static_cast<std::uint8_t>(type.code) == found.code && type.bits == found.bits &&
        found.lanes == 1) {
      return type.dtype;
    }
  }
  throw Error(ErrorCode::kInvalidArgument,
              what + ": its element type (DLPack code " + std::to_string(found.code) + ", " +
                  std::to_string(found.bits) + " bits) is none that xinfer knows");
}

nb::dlpack::dtype dlpack_of(DType dtype) {
  for (const TypePair& type : kTypes) {
    if (type.dtype == dtype) return {static_cast<std::uint8_t>(type.code), type.bits, 1};
  }
  throw Error(ErrorCode::kInternal, "a tensor without a DLPack type");
}

template <typename Array>
Shape shape_of(const Array& array) {
  Shape shape(array.ndim());
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    shape[axis] = static_cast<std::int64_t>(array.shape(axis));
  }
  return shape;
}

bool is_c_contiguous(const AnyArray& array) {
  std::int64_t step = 1;
  for (std::size_t axis = array.ndim(); axis-- > 0;) {
    if (array.shape(axis) != 1 && array.stride(axis) != step) return false;
    step *= static_cast<std::int64_t>(array.shape(axis));
  }
  return true;
}

}  // namespace

bool is_on_gpu(const AnyArray& array) {
  return array.device_type() == nb::device::cuda::value ||
         array.device_type() == nb::device::cuda_managed::value;
}

AnyArray to_any_array(nb::handle object, const std::string& what) {
  AnyArray array;
  if (!nb::try_cast(object, array, false)) return AnyArray(to_array(object, what));
  if (is_c_contiguous(array) &&
      (is_on_gpu(array) || array.device_type() == nb::device::cpu::value)) {
    return array;
  }
  if (!is_on_gpu(array)) return AnyArray(to_array(object, what));
  throw Error(ErrorCode::kInvalidArgument,
              what + " is in GPU memory and not C-contiguous: make it contiguous first");
}

IoTensor io_tensor_of(const AnyArray& array, const std::string& what) {
  return {dtype_of(array, what), shape_of(array), const_cast<void*>(array.data()),
          is_on_gpu(array)};
}

nb::object to_gpu_array(std::uintptr_t address, const Shape& shape, DType dtype, int ordinal,
                        nb::object owner) {
  const std::vector<std::size_t> sizes(shape.begin(), shape.end());
  return nb::cast(nb::ndarray<nb::array_api>(reinterpret_cast<void*>(address), sizes.size(),
                                             sizes.data(), std::move(owner), nullptr,
                                             dlpack_of(dtype), nb::device::cuda::value, ordinal));
}

HostArray to_array(nb::handle object, const std::string& what) {
  HostArray array;
  if (nb::try_cast(object, array)) return array;
  if (nb::ndarray<nb::ro> elsewhere;
      nb::try_cast(object, elsewhere, false) && elsewhere.device_type() != nb::device::cpu::value) {
    throw Error(ErrorCode::kInvalidArgument,
                what + " is on another device; needed: an array in host memory");
  }
  nb::object converted = nb::module_::import_("numpy").attr("ascontiguousarray")(object);
  if (nb::try_cast(converted, array)) return array;
  throw Error(ErrorCode::kInvalidArgument,
              what + " is no array of numbers: " + nb::str(nb::handle(object.type())).c_str());
}

Tensor view_of(const HostArray& array, const std::string& what) {
  return Tensor::view(dtype_of(array, what), shape_of(array), const_cast<void*>(array.data()));
}

Tensor adopt(const HostArray& array, const std::string& what) {
  auto* kept = new HostArray(array);
  std::shared_ptr<void> data(const_cast<void*>(array.data()), [kept](void*) {
    const nb::gil_scoped_acquire lock;
    delete kept;
  });
  return Tensor::adopt(dtype_of(array, what), shape_of(array), std::move(data));
}

nb::object to_numpy(Tensor tensor) {
  std::vector<std::size_t> shape(tensor.shape().begin(), tensor.shape().end());
  auto* kept = new Tensor(std::move(tensor));
  const nb::capsule owner(kept, [](void* held) noexcept { delete static_cast<Tensor*>(held); });
  return nb::cast(nb::ndarray<nb::numpy>(kept->data(), shape.size(), shape.data(), owner, nullptr,
                                         dlpack_of(kept->dtype())));
}

DType parse_dtype(const std::string& name) {
  for (const TypePair& type : kTypes) {
    if (name == to_string(type.dtype)) return type.dtype;
  }
  throw Error(ErrorCode::kInvalidArgument, "unknown element type \"" + name + "\"");
}

}  // namespace xinfer::python
