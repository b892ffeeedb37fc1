// Generated CUDA kernels: functions of one or two float tensors with broadcasting, computed in
// float32.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "kernels/cuda/kernel_spec.h"
#include "kernels/elementwise/kinds.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels::cuda {

/// One axis of an image. Strides in elements; 0 where an input is broadcast.
struct ElementwiseAxis {
  std::int64_t size = 1;
  std::int64_t a_stride = 0, b_stride = 0, y_stride = 0;
};

/// y = expression of `a` (Operand::kInput) and `b` (kInput2), each float32 or FP16. y may be a's or
/// b's own memory if types and strides agree.
struct ElementwiseProblem {
  std::vector<ElementwiseAxis> axes;
  std::int64_t a_image_stride = 0, b_image_stride = 0, y_image_stride = 0;
  std::int64_t padding = 0;  ///< zeros that y has behind each row of the last axis
  bool has_b = false;
  DType a_dtype = DType::kFloat32, b_dtype = DType::kFloat32, y_dtype = DType::kFloat32;
  std::string expression;  ///< CUDA C++ over float a and float b
};

Result<KernelSpec> elementwise_kernel(const ElementwiseProblem& problem, std::string_view name);

/// The function of `x` (an expression) as CUDA C++. Fails for functions without a CUDA form.
Result<std::string> unary_expression(Unary function, float alpha, float beta, std::string_view x);
Result<std::string> binary_expression(Binary function, std::string_view a, std::string_view b);
std::string clip_expression(float low, float high, std::string_view x);

}  // namespace xinfer::kernels::cuda
