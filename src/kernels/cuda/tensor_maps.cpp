#include "kernels/cuda/tensor_maps.h"

namespace xinfer::kernels::cuda {

using xinfer::cuda::TensorMapSwizzle;
using xinfer::cuda::TensorMapType;

TensorMapType operand_map_type(DType input) {
  return input == DType::kFloat16 ? TensorMapType::kFloat16 : TensorMapType::kUInt8;
}

TensorMapSwizzle operand_swizzle(int row_bytes) {
  switch (row_bytes) {
    case 128:
      return TensorMapSwizzle::k128B;
    case 64:
      return TensorMapSwizzle::k64B;
    case 32:
      return TensorMapSwizzle::k32B;
    default:
      return TensorMapSwizzle::kNone;
  }
}

TensorMapRecipe weight_map(DType input, const ConvLayout& layout, int row_bytes, int rows) {
  const auto size = static_cast<std::uint64_t>(layout.element_bytes);
  const auto pitch = static_cast<std::uint64_t>(layout.row_bytes());
  TensorMapRecipe map;
  map.type = operand_map_type(input);
  map.swizzle = operand_swizzle(row_bytes);
  map.extent = {pitch / size, static_cast<std::uint64_t>(layout.group_rows)};
  map.stride_bytes = {pitch};
  map.box = {static_cast<std::uint32_t>(row_bytes) / static_cast<std::uint32_t>(size),
             static_cast<std::uint32_t>(rows)};
  return map;
}

}  // namespace xinfer::kernels::cuda
