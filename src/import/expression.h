// Arithmetic on symbolic dimensions that cannot overflow and does not let expressions grow without
// end: where the result would, or where it has no exact expression, there is none.
#pragma once

#include <cstdint>
#include <optional>

#include "ir/dim.h"
#include "kernels/elementwise/kinds.h"

namespace xinfer::import {

/// Coefficients stay below this, so that sums and products of a few cannot overflow.
inline constexpr std::int64_t kMaxCoefficient = std::int64_t{1} << 53;

std::optional<ir::Dim> add(const ir::Dim& a, const ir::Dim& b);
std::optional<ir::Dim> subtract(const ir::Dim& a, const ir::Dim& b);
std::optional<ir::Dim> multiply(const ir::Dim& a, const ir::Dim& b);
/// |dim|, where its sign is known.
std::optional<ir::Dim> absolute(const ir::Dim& dim);

/// a fn b on integers: kAdd, kSub, kMul, kDiv (towards zero), kMod, kPow, kMin, kMax.
std::optional<ir::Dim> apply_integer(kernels::Binary fn, const ir::Dim& a, const ir::Dim& b);

/// A dimension that a real model may have: no coefficient beyond 2^31, not too long.
bool is_moderate(const ir::Dim& dim);

/// Moderate dimensions whose product (signs aside, zeros left out) cannot overflow either.
bool is_moderate(const ir::SymbolicShape& shape);

}  // namespace xinfer::import
