#include "lower/cuda/cuda_target.h"

namespace xinfer::lower {
namespace {

struct Known {
  const char* architecture;
  int capability;
  int multiprocessors;  // A100, A10, L40S, H200, B200, RTX PRO 6000
};

constexpr Known kKnown[] = {{"sm_80", 80, 108},  {"sm_86", 86, 72},     {"sm_89", 89, 142},
                            {"sm_90a", 90, 132}, {"sm_100a", 100, 148}, {"sm_120", 120, 188}};

}  // namespace

Result<CudaTarget> make_cuda_target(std::string_view architecture, CudaBackend backend,
                                    int multiprocessors) {
  std::string names;
  for (const Known& known : kKnown) {
    names += (names.empty() ? "" : ", ") + std::string(known.architecture);
    if (known.architecture != architecture) continue;
    CudaTarget target;
    target.architecture = architecture;
    target.capability = known.capability;
    target.multiprocessors = multiprocessors > 0 ? multiprocessors : known.multiprocessors;
    target.use_wgmma = known.capability == 90 && backend != CudaBackend::kMma;
    if (backend == CudaBackend::kWgmma && !target.use_wgmma) {
      return invalid_argument("backend wgmma exists on sm_90a alone, not on {}", architecture);
    }
    return target;
  }
  return invalid_argument("device cuda:{}; there are kernels for: {}", architecture, names);
}

std::string architecture_of(int capability) {
  for (const Known& known : kKnown) {
    if (known.capability == capability) return known.architecture;
  }
  return fmt::format("sm_{}", capability);
}

Result<CudaBackend> parse_cuda_backend(std::string_view text) {
  if (text == "auto") return CudaBackend::kAuto;
  if (text == "mma") return CudaBackend::kMma;
  if (text == "wgmma") return CudaBackend::kWgmma;
  return invalid_argument("cuda backend \"{}\"; known: auto, mma, wgmma", text);
}

}  // namespace xinfer::lower
