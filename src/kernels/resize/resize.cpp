// Checks a resize and makes the kind that its mode needs.
#include "kernels/resize/resize.h"

#include "kernels/movement/strided_loop.h"
#include "kernels/resize/implementations.h"

namespace xinfer::kernels {
namespace {

bool is_int8(DType dtype) { return dtype == DType::kInt8 || dtype == DType::kUInt8; }

}  // namespace

Result<std::unique_ptr<Resize>> make_resize(std::span<const ResizeAxis> axes,
                                            const ResizeParameters& p, CpuIsa isa) {
  if (axes.size() > kMaxRank) {
    return unsupported("Resize of rank {}; supported: up to {}", axes.size(), kMaxRank);
  }
  for (std::size_t d = 0; d < axes.size(); ++d) {
    if (!(axes[d].scale > 0)) {
      return invalid_argument("Resize with scale {} along dimension {}; it must be positive",
                              axes[d].scale, d);
    }
    if (axes[d].in == 0 && axes[d].out > 0) {
      return invalid_argument("Resize of dimension {} from 0 to {} elements", d, axes[d].out);
    }
  }
  if (p.mode == ResizeMode::kNearest) {
    if (p.x_dtype == p.y_dtype) return make_nearest_resize(axes, p);
    return unsupported("nearest Resize from {} to {}; supported: equal types", to_string(p.x_dtype),
                       to_string(p.y_dtype));
  }
  const bool floats = p.x_dtype == DType::kFloat32 && p.y_dtype == DType::kFloat32;
  const bool int8 = is_int8(p.x_dtype) && (is_int8(p.y_dtype) || p.y_dtype == DType::kFloat32);
  if (floats || int8) return make_interpolating_resize(axes, p, isa);
  return unsupported(
      "{} Resize from {} to {}; supported: float32 to float32, int8 and uint8 to int8, uint8, "
      "float32",
      p.mode == ResizeMode::kLinear ? "linear" : "cubic", to_string(p.x_dtype),
      to_string(p.y_dtype));
}

}  // namespace xinfer::kernels
