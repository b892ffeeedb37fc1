// Writes the wgmma instruction of one shape as a CUDA function.
#pragma once

#include <string>

#include "xinfer/core/dtype.h"

namespace xinfer::kernels::cuda {

/// Whether wgmma has the shape m64 x n x k (32 bytes of k) for INT8.
bool is_wgmma_width(int n);

/// `void wgmma(Fragment (&d)[n / 2], u64 a, u64 b, bool accumulate)`: d (+)= a * b for one
/// warpgroup; a and b are descriptors of K-major operands. `input` is the type of a: int8 and uint8
/// (b is int8, d is int32) or float16 (b too, d is float32).
std::string wgmma_function(int n, DType input);

}  // namespace xinfer::kernels::cuda
