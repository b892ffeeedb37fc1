#include "tensor_map.h"

#include <algorithm>

namespace xinfer::gpu::emulator {
namespace {

using kernels::cuda::TensorMapRecipe;
using xinfer::cuda::TensorMapSwizzle;
using xinfer::cuda::TensorMapType;

std::uint32_t swizzle_bytes(TensorMapSwizzle swizzle) {
  switch (swizzle) {
    case TensorMapSwizzle::k128B:
      return 128;
    case TensorMapSwizzle::k64B:
      return 64;
    case TensorMapSwizzle::k32B:
      return 32;
    case TensorMapSwizzle::kNone:
      return 0;
  }
  return 0;
}

bool in_range(int value, int low, int high) { return value >= low && value <= high; }

// CUDA Driver API reference 13.0, Tensor Map Object Management.
Status check(const BoundTensorMap& map) {
  const TensorMapRecipe& r = map.recipe;
  const bool im2col = r.kind == TensorMapRecipe::Kind::kIm2col;
  if (!in_range(r.rank, im2col ? 3 : 1, 5))
    return invalid_argument("tensor map of rank {}", r.rank);
  if (reinterpret_cast<std::uintptr_t>(map.base) % 16 != 0) {
    return invalid_argument("tensor map over an address that is not aligned to 16 bytes");
  }
  for (int i = 0; i < r.rank; ++i) {
    const auto d = static_cast<std::size_t>(i);
    if (r.extent[d] < 1 || r.extent[d] > std::uint64_t{1} << 32) {
      return invalid_argument("tensor map: extent {} of dimension {}", r.extent[d], i);
    }
    if (r.element_stride[d] < 1 || r.element_stride[d] > 8) {
      return invalid_argument("tensor map: element stride {}", r.element_stride[d]);
    }
    if (i + 1 < r.rank &&
        (r.stride_bytes[d] % 16 != 0 || r.stride_bytes[d] >= std::uint64_t{1} << 40)) {
      return invalid_argument("tensor map: stride of {} bytes", r.stride_bytes[d]);
    }
    if (!im2col && (r.box[d] < 1 || r.box[d] > 256)) {
      return invalid_argument("tensor map: box of {} elements", r.box[d]);
    }
  }
  const std::uint32_t span = swizzle_bytes(r.swizzle);
  if (map.row_bytes() % 16 != 0 || (span != 0 && map.row_bytes() > span)) {
    return invalid_argument("tensor map: rows of {} bytes, swizzled over {}", map.row_bytes(),
                            span);
  }
  if (!im2col) return Status();
  if (r.channels < 1 || r.channels > 256 || r.pixels < 1 || r.pixels > 1024) {
    return invalid_argument("tensor map: {} channels of {} pixels", r.channels, r.pixels);
  }
  for (int i = 0; i < 2; ++i) {
    const auto d = static_cast<std::size_t>(i);
    if (!in_range(r.lower_corner[d], -128, 127) || !in_range(r.upper_corner[d], -128, 127)) {
      return invalid_argument("tensor map: corners {} and {}", r.lower_corner[d],
                              r.upper_corner[d]);
    }
  }
  return Status();
}

}  // namespace

Result<BoundTensorMap> BoundTensorMap::bind(TensorMapRecipe recipe, std::uint8_t* base,
                                            std::int64_t batch) {
  if (recipe.batch_dimension >= 0) {
    recipe.extent[static_cast<std::size_t>(recipe.batch_dimension)] *=
        static_cast<std::uint64_t>(batch);
  }
  BoundTensorMap map;
  map.element_bytes = recipe.type == TensorMapType::kFloat32   ? 4
                      : recipe.type == TensorMapType::kFloat16 ? 2
                                                               : 1;
  map.recipe = recipe;
  map.base = base;
  XINFER_RETURN_IF_ERROR(check(map));
  return map;
}

std::uint32_t BoundTensorMap::row_bytes() const {
  const bool im2col = recipe.kind == TensorMapRecipe::Kind::kIm2col;
  return (im2col ? recipe.channels : recipe.box[0]) * element_bytes;
}

std::uint32_t BoundTensorMap::rows() const {
  if (recipe.kind == TensorMapRecipe::Kind::kIm2col) return recipe.pixels;
  std::uint32_t result = 1;
  for (std::size_t d = 1; d < static_cast<std::size_t>(recipe.rank); ++d) result *= recipe.box[d];
  return result;
}

std::uint8_t* BoundTensorMap::element(const std::array<std::int64_t, 5>& position) const {
  std::uint8_t* at = base;
  for (std::size_t d = 0; d < static_cast<std::size_t>(recipe.rank); ++d) {
    if (position[d] < 0 || position[d] >= static_cast<std::int64_t>(recipe.extent[d])) {
      return nullptr;
    }
    const std::uint64_t stride = d == 0 ? element_bytes : recipe.stride_bytes[d - 1];
    at += static_cast<std::uint64_t>(position[d]) * stride;
  }
  return at;
}

std::uint32_t BoundTensorMap::swizzled(std::uint32_t address) const {
  const std::uint32_t span = swizzle_bytes(recipe.swizzle);
  return span == 0 ? address : address ^ ((address >> 7 & (span / 16 - 1)) << 4);
}

std::vector<std::array<std::int64_t, 5>> BoundTensorMap::row_positions(
    std::array<std::int64_t, 5> start, std::array<std::int64_t, 2> tap) const {
  std::vector<std::array<std::int64_t, 5>> result;
  if (recipe.kind == TensorMapRecipe::Kind::kTiled) {
    for (std::uint32_t row = 0; row < rows(); ++row) {
      std::array<std::int64_t, 5> position = start;
      std::uint32_t rest = row;
      for (std::size_t d = 1; d < static_cast<std::size_t>(recipe.rank); ++d) {
        position[d] += rest % recipe.box[d];
        rest /= recipe.box[d];
      }
      result.push_back(position);
    }
    return result;
  }
  // The base pixel runs over a box of the image, line by line, then to the next image.
  for (std::uint32_t pixel = 0; pixel < recipe.pixels; ++pixel) {
    result.push_back({start[0], start[1] + tap[0], start[2] + tap[1], start[3], 0});
    for (std::size_t d = 1; d <= 2; ++d) {
      start[d] += recipe.element_stride[d];
      const std::int64_t last =
          static_cast<std::int64_t>(recipe.extent[d]) - 1 + recipe.upper_corner[d - 1];
      if (start[d] <= last) break;
      start[d] = recipe.lower_corner[d - 1];
      if (d == 2) ++start[3];
    }
  }
  return result;
}

}  // namespace xinfer::gpu::emulator
