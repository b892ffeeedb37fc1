// The public list of GPUs.
#include "device/cuda_device.h"
#include "xinfer/core/device.h"

namespace xinfer {
namespace {

/// "cuda:sm_90a": kernels that use what a capability alone has are built for it with an "a".
std::string target_of(int capability) {
  const bool specific = capability == 90 || capability == 100;
  return fmt::format("cuda:sm_{}{}", capability, specific ? "a" : "");
}

}  // namespace

std::vector<GpuInfo> gpus() {
  std::vector<GpuInfo> found;
  const Result<int> count = cuda::device_count();
  for (int ordinal = 0; count.ok() && ordinal < *count; ++ordinal) {
    const Result<cuda::DeviceProperties> device = cuda::device_properties(ordinal);
    if (!device.ok()) continue;
    found.push_back({device->name, target_of(device->compute_capability),
                     device->compute_capability, device->multiprocessors, device->memory_bytes});
  }
  return found;
}

std::string gpu_driver_status() {
  const Result<int> version = cuda::driver_version();
  if (!version.ok()) return version.status().message();
  return fmt::format("driver for CUDA {} (needed: {} or newer)", cuda::version_text(*version),
                     cuda::version_text(cuda::kLeastDriverVersion));
}

}  // namespace xinfer
