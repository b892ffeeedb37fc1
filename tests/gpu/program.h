// The frame of the programs that check and time kernels: `value()` of a failure throws.
#pragma once

namespace xinfer::gpu {

/// What `run` returns, or 2 behind the text of the exception that left it.
int run_program(int (*run)(int argc, char** argv), int argc, char** argv);

}  // namespace xinfer::gpu
