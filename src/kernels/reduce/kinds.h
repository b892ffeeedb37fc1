// The reductions, named once for the graph, the engine file and the kernels. Append only.
#pragma once

#include <cstdint>

namespace xinfer::kernels {

enum class ReduceKind : std::uint8_t {
  kSum = 0,
  kMean = 1,
  kMax = 2,
  kMin = 3,
  kProd = 4,
  kL1 = 5,
  kL2 = 6,
  kLogSum = 7,
  kLogSumExp = 8,
  kSumSquare = 9,
};

}  // namespace xinfer::kernels
