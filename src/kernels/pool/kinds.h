// The poolings, named once for the graph, the engine file and the kernels. Append only.
#pragma once

#include <cstdint>

namespace xinfer::kernels {

enum class PoolKind : std::uint8_t { kMax = 0, kAverage = 1 };

}  // namespace xinfer::kernels
