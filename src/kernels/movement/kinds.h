// Padding modes (ONNX Pad), named once for the graph, the engine file and the kernels. Append only.
#pragma once

#include <cstdint>

namespace xinfer::kernels {

enum class PadMode : std::uint8_t {
  kConstant = 0,
  kReflect = 1,  ///< mirrored without repeating the edge
  kEdge = 2,
  kWrap = 3,
};

}  // namespace xinfer::kernels
