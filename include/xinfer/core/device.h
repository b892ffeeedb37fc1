// What this machine offers for running engines.
#pragma once

#include <string>
#include <vector>

namespace xinfer {

/// Instruction-set levels this CPU can execute, lowest first: the words of --cpu-isa.
std::vector<std::string> cpu_instruction_sets();

/// The CPU's name as the system gives it.
std::string cpu_name();

/// Processors this process may run on.
int cpu_count();

}  // namespace xinfer
