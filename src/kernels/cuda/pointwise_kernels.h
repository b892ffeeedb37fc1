// CUDA kernels for conversion, addition, multiplication and table lookup of whole tensors.
#pragma once

#include <cstdint>

#include "core/status.h"
#include "kernels/cuda/kernel_spec.h"
#include "kernels/quantize/quantize.h"
#include "kernels/residual/residual.h"

namespace xinfer::kernels::cuda {

/// Conversion of `shape` (its batch is not read) from Operand::kInput to kOutput.
struct ConvertProblem {
  ConvertShape shape;
  DType input = DType::kFloat32;
  DType output = DType::kUInt8;
  float factor = 1.0f;  ///< as kernels/quantize/quantize.h; float16 counts as float32
  /// Channels written, from shape.channels up to y's pixel stride; the rest of them are zeros. 0:
  /// the output's channels. Innermost outputs only.
  std::int64_t stored_channels = 0;
  /// Above 1: the output has ceil(in_h / block) x ceil(in_w / block) pixels of
  /// block * block * shape.channels channels; shape.pixels is in_h * in_w.
  std::int64_t space_to_depth = 1;
  std::int64_t in_h = 1, in_w = 1;  ///< read only for space_to_depth
  int input_align = 16;             ///< bytes that the tensors' addresses are multiples of
  int output_align = 16;
};
Result<KernelSpec> convert_kernel(const ConvertProblem& problem);

/// Addition or multiplication of kInput and kInput2 (kernels/residual/residual.h). Batch strides of
/// b other than 0 must equal pixels * b_pixel_stride, or b_pixel_stride where that is 0.
struct CombineProblem {
  ResidualShape shape;
  ResidualParameters parameters;
  std::int64_t stored_channels = 0;
  int input_align = 16;
  int output_align = 16;
};
Result<KernelSpec> combine_kernel(const CombineProblem& problem);

/// y = table[x] on INT8 tensors; the table of 256 bytes is Operand::kInput2.
struct TableProblem {
  std::int64_t pixels = 1, channels = 1;
  std::int64_t x_pixel_stride = 1, y_pixel_stride = 1;
  DType input = DType::kInt8;
  DType output = DType::kInt8;
  std::int64_t stored_channels = 0;
  int input_align = 16;
  int output_align = 16;
};
Result<KernelSpec> table_kernel(const TableProblem& problem);

}  // namespace xinfer::kernels::cuda
