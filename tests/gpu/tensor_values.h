// Random tensors of floats, the values of tensors, and what rounding adds to errors.
#pragma once

#include <cstdint>
#include <vector>

#include "random.h"
#include "xinfer/core/dtype.h"

namespace xinfer::gpu {

/// Of a float32 operation: half a unit in the last place.
constexpr double kRounding = 0x1p-24;

DType float_type(Random& random);  ///< float32 or FP16

/// `count` numbers in [-3, 3], float32 or FP16.
std::vector<std::uint8_t> small_floats(Random& random, std::int64_t count,
                                       DType dtype = DType::kFloat32);

/// Element `index` of a tensor of float64, float32, FP16 or INT8.
double value_at(const std::vector<std::uint8_t>& bytes, DType dtype, std::int64_t index);

/// What storing a result of that type may round off: half a unit in the last place, of the type's
/// smallest numbers at least.
double store_error(DType dtype, double value);

}  // namespace xinfer::gpu
