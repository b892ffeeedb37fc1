#include "compile/devices.h"

#include <sstream>

#include "device/cuda_device.h"
#include "device/device_name.h"
#include "jit/nvrtc.h"
#include "xinfer/builders/engine_builder.h"

namespace xinfer::compile {
namespace {

Result<lower::CudaTarget> target_of(const Device& device, lower::CudaBackend backend) {
  if (!device.architecture.empty()) {
    return lower::make_cuda_target(device.architecture, backend);
  }
  XINFER_ASSIGN_OR_RETURN(const cuda::DeviceProperties found,
                          cuda::device_properties(device.ordinal));
  return lower::make_cuda_target(lower::architecture_of(found.compute_capability), backend,
                                 found.multiprocessors);
}

bool can_build_for_gpu() {
  const Result<int> count = cuda::device_count();
  return count.ok() && *count > 0 && jit::nvrtc_version().ok();
}

}  // namespace

Result<EngineTargets> parse_targets(const std::string& devices, lower::CudaBackend backend) {
  if (devices == "auto") return parse_targets(can_build_for_gpu() ? "cuda" : "cpu", backend);
  EngineTargets targets;
  targets.cpu = false;
  std::stringstream list(devices);
  for (std::string name; std::getline(list, name, ',');) {
    XINFER_ASSIGN_OR_RETURN(const Device device, parse_device(name));
    if (device.kind != Device::Kind::kCuda) {
      targets.cpu = true;
      continue;
    }
    Result<lower::CudaTarget> target = target_of(device, backend);
    if (!target.ok()) return target.status().with_context("device " + name);
    for (const CudaBuild& other : targets.cuda) {
      if (other.target.architecture == target->architecture) {
        return invalid_argument("device {}: named twice", target->name());
      }
    }
    CudaBuild build;
    build.target = *std::move(target);
    if (device.architecture.empty()) build.tune_on = device.ordinal;
    targets.cuda.push_back(std::move(build));
  }
  if (!targets.cpu && targets.cuda.empty()) return invalid_argument("no device is named");
  return targets;
}

}  // namespace xinfer::compile

namespace xinfer::builders {

std::string kernel_compiler_status() {
  const Result<int> version = jit::nvrtc_version();
  if (!version.ok()) return version.status().message();
  return "NVRTC of CUDA " + cuda::version_text(*version);
}

}  // namespace xinfer::builders
