// Semantic checks of an engine's metadata, after FlatBuffers' own verifier.
#pragma once

#include <cstdint>
#include <string>

#include "core/status.h"
#include "engine/engine_generated.h"

namespace xinfer::engine {

/// Indices in range, dimension operands before their use, blobs inside the blob section, known
/// dtypes, bindings matching the tensors that refer to them, required tables present, lists of
/// eight-byte elements at addresses that can be read. The runtime may then use the plan without
/// checking these again. Sizes that depend on bound shapes (arena offsets, operand counts of a
/// kernel) are checked when shapes are bound.
Status validate(const fb::Engine& engine, std::uint64_t blobs_bytes, const std::string& origin);

}  // namespace xinfer::engine
