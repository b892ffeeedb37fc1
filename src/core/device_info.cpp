#include <fstream>

#include "core/cpu_isa.h"
#include "core/thread_pool.h"
#include "xinfer/core/device.h"

namespace xinfer {

std::vector<std::string> cpu_instruction_sets() {
  std::vector<std::string> names;
  for (CpuIsa isa : supported_isas()) names.emplace_back(to_string(isa));
  return names;
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown CPU";
}

int cpu_count() { return available_processors(); }

}  // namespace xinfer
