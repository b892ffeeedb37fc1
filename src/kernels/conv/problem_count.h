// How many random problems a test draws: --problems=N on the test's command line, for long runs on
// machines with every instruction set.
#pragma once

namespace xinfer::kernels {

/// The number asked for, else `usual`.
unsigned problem_count(unsigned usual);

}  // namespace xinfer::kernels
