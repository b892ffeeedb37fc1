#include "runtime/tensor_view.h"

#include <algorithm>

namespace xinfer::runtime {
namespace {

/// One pixel after the other: `convert(stored)` is what its elements stand for.
template <typename Stored, typename Convert>
void copy_pixels(const TensorView& view, float* out, const Convert& convert) {
  const auto* pixel = static_cast<const Stored*>(view.data);
  for (std::int64_t i = 0; i < view.pixels(); ++i, pixel += view.pixel_stride) {
    out = std::transform(pixel, pixel + view.channels(), out, convert);
  }
}

}  // namespace

Tensor real_values(const TensorView& view) {
  const bool is_float = view.dtype == DType::kFloat32;
  if (!is_float && view.scale == 0) return {};
  Tensor values(DType::kFloat32, view.dims);
  float* out = values.values<float>().data();
  const auto scaled = [&](auto q) { return static_cast<float>(q) * view.scale; };
  if (is_float) {
    copy_pixels<float>(view, out, [](float x) { return x; });
  } else if (view.dtype == DType::kInt8) {
    copy_pixels<std::int8_t>(view, out, scaled);
  } else {
    copy_pixels<std::uint8_t>(view, out, scaled);
  }
  return values;
}

}  // namespace xinfer::runtime
