// Precision of a layer.
#pragma once

namespace xinfer::builders {

enum class Precision { kInt8, kFp16, kFp32 };

}  // namespace xinfer::builders
