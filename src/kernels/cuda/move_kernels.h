// The CUDA kernel for everything that moves elements: transposes, slices, padding, expansion,
// concatenation and single gathered rows are strided copies. Float elements may change their type.
#pragma once

#include <cstdint>
#include <vector>

#include "core/status.h"
#include "kernels/cuda/kernel_spec.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels::cuda {

/// One axis of the output. Its position p takes position start + p * step of the input's axis, or
/// the fill value if that lies outside [0, in). Strides in elements.
struct MoveAxis {
  std::int64_t out = 1;
  std::int64_t in = 1;
  std::int64_t start = 0;
  std::int64_t step = 1;
  std::int64_t in_stride = 0;
  std::int64_t out_stride = 0;
};

/// Of one image; Operand::kInput to kOutput.
struct MoveProblem {
  int element_bytes = 1;  ///< 1, 2, 4 or 8
  bool converts = false;  ///< from `from` to `to`, float32 and FP16; then the fill is 0
  DType from = DType::kFloat32, to = DType::kFloat32;
  std::vector<MoveAxis> axes;
  std::int64_t in_image_stride = 0;  ///< 0: every image reads the same
  std::int64_t out_image_stride = 0;
  std::uint64_t fill = 0;  ///< bits of an element
  int output_align = 16;   ///< bytes that the output's address is a multiple of
};

Result<KernelSpec> move_kernel(MoveProblem problem);

}  // namespace xinfer::kernels::cuda
