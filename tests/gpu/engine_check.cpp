// The compiled kernels of engines, without a GPU:
//   gpu_engine_check ENGINE…
// Lists kernels that keep registers or arrays in local memory. Exit code 1: a convolution or
// product is among them, whose inner loop would wait for that memory.
#include <fmt/format.h>

#include <exception>
#include <string>

#include "engine/engine_file.h"
#include "jit/cubin_info.h"

namespace xinfer::gpu {
namespace {

bool is_hot(const std::string& tactic) {
  for (const char* family : {"wgmma_", "halo_", "latency_", "mma_"}) {
    if (tactic.starts_with(family)) return true;
  }
  return false;
}

/// Whether the hot kernels of the engine keep everything in registers.
bool check(const engine::EngineFile& file) {
  int kernels = 0, spilling = 0;
  for (const engine::fb::Plan* plan : *file.engine().plans()) {
    if (plan->kernels() == nullptr) continue;
    for (const engine::fb::CudaKernel* kernel : *plan->kernels()) {
      const std::string tactic = kernel->tactic()->str();
      const std::span cubin(file.blob(*kernel->cubin()), kernel->cubin()->size());
      ++kernels;
      for (const jit::KernelResources& resources : jit::cubin_resources(cubin).value()) {
        if (resources.entry != kernel->entry()->str() || resources.local_bytes == 0) continue;
        fmt::print("{} {}: {} bytes of local memory, {} registers\n", resources.entry, tactic,
                   resources.local_bytes, resources.registers);
        spilling += is_hot(tactic) ? 1 : 0;
      }
    }
  }
  fmt::print("{}: {} kernels, {} hot ones with local memory\n", file.origin(), kernels, spilling);
  return kernels > 0 && spilling == 0;
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
    const auto file = xinfer::engine::EngineFile::load(std::filesystem::path(argv[i])).value();
    good = xinfer::gpu::check(*file) && good;
  }
  return good ? 0 : 1;
} catch (const std::exception& error) {
  fmt::print("{}\n", error.what());
  return 2;
}
