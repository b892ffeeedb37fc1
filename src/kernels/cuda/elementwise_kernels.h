// Generated CUDA kernels: functions of up to four tensors with broadcasting. FP16 is computed in
// float32, integers and bool in their own types.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "kernels/cuda/kernel_spec.h"
#include "kernels/elementwise/kinds.h"
#include "xinfer/core/dtype.h"

namespace xinfer::kernels::cuda {

inline constexpr std::size_t kMostElementwiseOperands = 4;

/// One axis of an image. Strides in elements; 0 where an operand is broadcast.
struct ElementwiseAxis {
  std::int64_t size = 1;
  std::array<std::int64_t, kMostElementwiseOperands> strides = {};
  std::int64_t y_stride = 0;
};

/// Floats of 16, 32 or 64 bits, bool or integers up to 64 bits, dense or with a pitch.
struct ElementwiseOperand {
  DType dtype = DType::kFloat32;
  std::int64_t image_stride = 0;
  /// Where ElementwiseProblem::range_axis is an axis: the operand has elements at its positions
  /// [begin, end) alone, the first of them at its start; elsewhere it is 0.
  std::int64_t begin = 0, end = 0;
};

/// y = expression of the operands (elementwise_operand(i)). y may be the memory of an operand if
/// types and strides agree.
struct ElementwiseProblem {
  std::vector<ElementwiseAxis> axes;  ///< the last one fastest
  std::vector<ElementwiseOperand> operands;
  DType y_dtype = DType::kFloat32;
  std::int64_t y_image_stride = 0;
  std::int64_t padding = 0;  ///< zeros that y has behind each row of the last axis
  int range_axis = -1;
  /// CUDA C++ over a, b, c and d; place.inside[i] says whether operand i has an element.
  std::string expression;
};

/// What stands for operand `index`.
Operand elementwise_operand(std::size_t index);

/// The address of every tensor must be a multiple of 16 bytes.
Result<KernelSpec> elementwise_kernel(ElementwiseProblem problem, std::string_view name);

/// The function of `x` (an expression) as CUDA C++. Fails for functions without a CUDA form.
Result<std::string> unary_expression(Unary function, float alpha, float beta, std::string_view x);
/// The same for elements of any type.
Result<std::string> unary_expression(Unary function, float alpha, float beta, std::string_view x,
                                     DType dtype);
/// Of two expressions of type `dtype`, or for kPow `dtype` and any other.
Result<std::string> binary_expression(Binary function, std::string_view a, std::string_view b,
                                      DType dtype = DType::kFloat32);
/// Bounds of integers are whole numbers or infinite.
std::string clip_expression(double low, double high, std::string_view x,
                            DType dtype = DType::kFloat32);
/// `x`, of type `from`, as `to`: kernels/elementwise/cast.h. Fails where either has no CUDA form.
Result<std::string> cast_expression(DType from, DType to, std::string_view x);

}  // namespace xinfer::kernels::cuda
