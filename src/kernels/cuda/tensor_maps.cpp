#include "kernels/cuda/tensor_maps.h"

namespace xinfer::kernels::cuda {

using xinfer::cuda::TensorMapSwizzle;
using xinfer::cuda::TensorMapType;

namespace {

// The element that the last window along an axis starts at, minus the last input element: where the
// im2col traversal ends.
std::int64_t upper_corner(std::int64_t in, std::int64_t out, std::int64_t stride,
                          std::int64_t pad) {
  return (out - 1) * stride - pad - (in - 1);
}

bool fits_corner(std::int64_t corner) { return corner >= -128 && corner <= 127; }

}  // namespace

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

TensorMapRecipe halo_map(const ConvProblem& problem, const ConvLayout& layout, int row_bytes,
                         std::int64_t pitch, int rows) {
  const ConvShape& s = problem.shape;
  const auto size = static_cast<std::uint64_t>(layout.element_bytes);
  const auto pixel = static_cast<std::uint64_t>(s.x_pixel_stride) * size;
  const auto width = static_cast<std::uint64_t>(s.in_w),
             height = static_cast<std::uint64_t>(s.in_h);
  TensorMapRecipe map;
  map.type = operand_map_type(problem.input);
  map.swizzle = operand_swizzle(row_bytes);
  map.rank = 4;
  map.batch_dimension = 3;
  map.extent = {static_cast<std::uint64_t>(layout.group_in_channels), width, height, 1};
  map.stride_bytes = {pixel, pixel * width, pixel * width * height};
  map.box = {static_cast<std::uint32_t>(row_bytes / layout.element_bytes),
             static_cast<std::uint32_t>(pitch), static_cast<std::uint32_t>(rows + s.kernel_h - 1),
             1};
  return map;
}

Status check_im2col(const ConvShape& s) {
  const bool corners = fits_corner(-s.pad_top) && fits_corner(-s.pad_left) &&
                       fits_corner(upper_corner(s.in_h, s.out_h, s.stride_h, s.pad_top)) &&
                       fits_corner(upper_corner(s.in_w, s.out_w, s.stride_w, s.pad_left));
  const bool reach = (s.kernel_h - 1) * s.dilation_h < 256 && (s.kernel_w - 1) * s.dilation_w < 256;
  if (!corners || !reach || s.stride_h > 8 || s.stride_w > 8) {
    return unsupported("the copy engine's im2col: padding, kernel or stride too large");
  }
  return Status();
}

TensorMapRecipe activation_map(const ConvProblem& problem, const ConvLayout& layout, int row_bytes,
                               int pixels, bool im2col) {
  const ConvShape& s = problem.shape;
  const auto size = static_cast<std::uint64_t>(layout.element_bytes);
  const auto pitch = static_cast<std::uint64_t>(s.x_pixel_stride) * size;
  const auto channels = static_cast<std::uint64_t>(layout.group_in_channels);
  const auto row_channels =
      static_cast<std::uint32_t>(row_bytes) / static_cast<std::uint32_t>(size);
  TensorMapRecipe map;
  map.type = operand_map_type(problem.input);
  map.swizzle = operand_swizzle(row_bytes);
  if (!im2col) {
    map.extent = {channels, static_cast<std::uint64_t>(s.out_h * s.out_w)};
    map.batch_dimension = 1;
    map.stride_bytes = {pitch};
    map.box = {row_channels, static_cast<std::uint32_t>(pixels)};
    return map;
  }
  map.kind = TensorMapRecipe::Kind::kIm2col;
  map.rank = 4;
  map.batch_dimension = 3;
  const auto width = static_cast<std::uint64_t>(s.in_w),
             height = static_cast<std::uint64_t>(s.in_h);
  map.extent = {channels, width, height, 1};
  map.stride_bytes = {pitch, pitch * width, pitch * width * height};
  map.element_stride = {1, static_cast<std::uint32_t>(s.stride_w),
                        static_cast<std::uint32_t>(s.stride_h), 1};
  map.lower_corner = {static_cast<int>(-s.pad_left), static_cast<int>(-s.pad_top)};
  map.upper_corner = {static_cast<int>(upper_corner(s.in_w, s.out_w, s.stride_w, s.pad_left)),
                      static_cast<int>(upper_corner(s.in_h, s.out_h, s.stride_h, s.pad_top))};
  map.channels = row_channels;
  map.pixels = static_cast<std::uint32_t>(pixels);
  return map;
}

}  // namespace xinfer::kernels::cuda
