// CUDA source to source for a host compiler.
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"

namespace xinfer::gpu::emulator {

/// `text` with every asm statement turned into a call of the emulator (its PTX as a string, its
/// operands in order) and every declaration of dynamic shared memory into a pointer to the block's.
/// All else stays as it is: kernels run in the form in which NVRTC compiles them.
Result<std::string> translate_for_host(std::string_view text);

}  // namespace xinfer::gpu::emulator
