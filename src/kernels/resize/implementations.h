// The two kinds of Resize, made by make_resize.
#pragma once

#include <memory>
#include <span>

#include "kernels/resize/resize.h"

namespace xinfer::kernels {

std::unique_ptr<Resize> make_nearest_resize(std::span<const ResizeAxis> axes,
                                            const ResizeParameters& parameters);
std::unique_ptr<Resize> make_interpolating_resize(std::span<const ResizeAxis> axes,
                                                  const ResizeParameters& parameters, CpuIsa isa);

}  // namespace xinfer::kernels
