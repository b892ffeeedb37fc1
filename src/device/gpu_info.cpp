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
    const cuda::MultiprocessorRate rate = cuda::multiprocessor_rate(device->compute_capability);
    const double clocks = 1e-6 * device->clock_khz * device->multiprocessors;  // 10^9 a second
    found.push_back({.name = device->name,
                     .target = target_of(device->compute_capability),
                     .compute_capability = device->compute_capability,
                     .multiprocessors = device->multiprocessors,
                     .memory_bytes = device->memory_bytes,
                     .peak_int8_gops = clocks * rate.int8,
                     .peak_f32_gops = clocks * rate.f32,
                     .memory_gb_per_s = device->memory_gb_per_s});
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
