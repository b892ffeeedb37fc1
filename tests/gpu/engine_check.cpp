// The compiled kernels of engines, without a GPU:
//   gpu_engine_check ENGINE…
// Lists kernels that keep registers or arrays in local memory. Exit code 1: a convolution or
// product is among them, whose inner loop would wait for that memory, or an engine has no kernels.
#include <fmt/format.h>

#include <exception>
#include <string>

#include "xinfer/core/engine.h"

namespace xinfer::gpu {
namespace {

bool is_hot(const std::string& tactic) {
  for (const char* family : {"wgmma_", "halo_", "latency_", "mma_", "average_product_"}) {
    if (tactic.starts_with(family)) return true;
  }
  return false;
}

/// Whether the hot kernels of the engine keep everything in registers.
bool check(const Engine& engine) {
  int kernels = 0, unread = 0, spilling = 0;
  for (const std::string& target : engine.targets()) {
    for (const StepInfo& step : engine.steps(target)) {
      for (const KernelInfo& kernel : step.kernels) {
        if (kernel.left_out) continue;
        ++kernels;
        unread += kernel.registers == 0 ? 1 : 0;
        if (kernel.local_bytes == 0) continue;
        fmt::print("{}, {}, batch up to {}: {} bytes of local memory, {} registers\n", step.name,
                   kernel.tactic, kernel.largest_batch, kernel.local_bytes, kernel.registers);
        spilling += is_hot(kernel.tactic) ? 1 : 0;
      }
    }
  }
  fmt::print("{}: {} kernels, {} without resources, {} hot ones with local memory\n",
             engine.model_name(), kernels, unread, spilling);
  return kernels > 0 && unread == 0 && spilling == 0;
}

}  // namespace
}  // namespace xinfer::gpu

int main(int argc, char** argv) try {
  if (argc < 2) {
    fmt::print("usage: {} ENGINE...\n", argv[0]);
    return 1;
  }
  bool good = true;
  for (int i = 1; i < argc; ++i) {
    good = xinfer::gpu::check(xinfer::Engine::load(std::filesystem::path(argv[i]))) && good;
  }
  return good ? 0 : 1;
} catch (const std::exception& error) {
  fmt::print("{}\n", error.what());
  return 2;
}
