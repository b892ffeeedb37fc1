// What is known of the value of a symbolic dimension when every symbol is at least 1: an empty
// dynamic dimension is never served.
#pragma once

#include <cstdint>
#include <optional>

#include "ir/dim.h"

namespace xinfer::import {

/// Smallest and largest value, where they are known.
struct Interval {
  std::optional<std::int64_t> low, high;
};

Interval bounds(const ir::Dim& dim);

/// bounds(dim).low
std::optional<std::int64_t> lower_bound(const ir::Dim& dim);

}  // namespace xinfer::import
