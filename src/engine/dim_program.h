// Evaluates a plan's dimension expressions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/status.h"
#include "engine/engine_generated.h"

namespace xinfer::engine {

using DimNodes = flatbuffers::Vector<const fb::DimNode*>;

/// Values of every entry of `dims`, given the symbols' values in the plan's order. Operands precede
/// their use (validate() has checked it). Fails on a division by zero.
Result<std::vector<std::int64_t>> evaluate_dims(const DimNodes& dims,
                                                std::span<const std::int64_t> symbols);

}  // namespace xinfer::engine
