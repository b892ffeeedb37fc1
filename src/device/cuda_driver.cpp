#include "device/cuda_driver.h"

#include <dlfcn.h>

namespace xinfer::cuda {
namespace {

struct LoadedDriver {
  DriverApi api = {};
  int version = 0;
  Status status;
};

template <typename Function>
void bind(void* library, const char* symbol, Function*& target, Status& status) {
  target = reinterpret_cast<Function*>(dlsym(library, symbol));
  if (target == nullptr && status.ok()) {
    status = failure(ErrorCode::kDeviceError,
                     "libcuda.so.1 has no symbol {}; a driver of CUDA {} or later is needed "
                     "(Linux driver 525 or later)",
                     symbol, version_text(kLeastDriverVersion));
  }
}

void bind_devices(void* lib, DriverApi& api, Status& status) {
  bind(lib, "cuGetErrorName", api.get_error_name, status);
  bind(lib, "cuGetErrorString", api.get_error_string, status);
  bind(lib, "cuDeviceGetCount", api.device_get_count, status);
  bind(lib, "cuDeviceGet", api.device_get, status);
  bind(lib, "cuDeviceGetName", api.device_get_name, status);
  bind(lib, "cuDeviceTotalMem_v2", api.device_total_mem, status);
  bind(lib, "cuDeviceGetAttribute", api.device_get_attribute, status);
  bind(lib, "cuDevicePrimaryCtxRetain", api.primary_context_retain, status);
  bind(lib, "cuDevicePrimaryCtxRelease_v2", api.primary_context_release, status);
  bind(lib, "cuCtxGetCurrent", api.context_get_current, status);
  bind(lib, "cuCtxSetCurrent", api.context_set_current, status);
  bind(lib, "cuCtxPushCurrent_v2", api.context_push_current, status);
  bind(lib, "cuCtxPopCurrent_v2", api.context_pop_current, status);
  bind(lib, "cuCtxGetDevice", api.context_get_device, status);
}

void bind_memory(void* lib, DriverApi& api, Status& status) {
  bind(lib, "cuMemAlloc_v2", api.mem_alloc, status);
  bind(lib, "cuMemFree_v2", api.mem_free, status);
  bind(lib, "cuMemHostAlloc", api.mem_host_alloc, status);
  bind(lib, "cuMemFreeHost", api.mem_free_host, status);
  bind(lib, "cuPointerGetAttributes", api.pointer_get_attributes, status);
  bind(lib, "cuMemcpyHtoD_v2", api.memcpy_htod, status);
  bind(lib, "cuMemcpyDtoH_v2", api.memcpy_dtoh, status);
  bind(lib, "cuMemcpyHtoDAsync_v2", api.memcpy_htod_async, status);
  bind(lib, "cuMemcpyDtoHAsync_v2", api.memcpy_dtoh_async, status);
  bind(lib, "cuMemcpyDtoDAsync_v2", api.memcpy_dtod_async, status);
  bind(lib, "cuMemsetD8Async", api.memset_d8_async, status);
}

void bind_execution(void* lib, DriverApi& api, Status& status) {
  bind(lib, "cuStreamCreate", api.stream_create, status);
  bind(lib, "cuStreamDestroy_v2", api.stream_destroy, status);
  bind(lib, "cuStreamSynchronize", api.stream_synchronize, status);
  bind(lib, "cuStreamWaitEvent", api.stream_wait_event, status);
  bind(lib, "cuStreamBeginCapture_v2", api.stream_begin_capture, status);
  bind(lib, "cuStreamEndCapture", api.stream_end_capture, status);
  bind(lib, "cuStreamGetCaptureInfo_v2", api.stream_get_capture_info, status);
  Status optional;
  bind(lib, "cuStreamGetCaptureInfo_v3", api.stream_get_capture_info_v3, optional);
  bind(lib, "cuEventCreate", api.event_create, status);
  bind(lib, "cuEventDestroy_v2", api.event_destroy, status);
  bind(lib, "cuEventRecord", api.event_record, status);
  bind(lib, "cuEventSynchronize", api.event_synchronize, status);
  bind(lib, "cuEventElapsedTime", api.event_elapsed_time, status);
  bind(lib, "cuModuleLoadData", api.module_load_data, status);
  bind(lib, "cuModuleUnload", api.module_unload, status);
  bind(lib, "cuModuleGetFunction", api.module_get_function, status);
  bind(lib, "cuFuncGetAttribute", api.func_get_attribute, status);
  bind(lib, "cuFuncSetAttribute", api.func_set_attribute, status);
  bind(lib, "cuOccupancyMaxActiveBlocksPerMultiprocessor", api.occupancy_max_active_blocks, status);
  bind(lib, "cuGraphInstantiateWithFlags", api.graph_instantiate, status);
  bind(lib, "cuGraphLaunch", api.graph_launch, status);
  bind(lib, "cuGraphDestroy", api.graph_destroy, status);
  bind(lib, "cuGraphExecDestroy", api.graph_exec_destroy, status);
  bind(lib, "cuGraphExecKernelNodeSetParams_v2", api.graph_exec_kernel_node_set_params, status);
  bind(lib, "cuLaunchKernelEx", api.launch_kernel_ex, status);
  bind(lib, "cuTensorMapEncodeTiled", api.tensor_map_encode_tiled, status);
  bind(lib, "cuTensorMapEncodeIm2col", api.tensor_map_encode_im2col, status);
}

Status initialise(void* lib, LoadedDriver& driver) {
  Status status;
  bind(lib, "cuInit", driver.api.init, status);
  bind(lib, "cuDriverGetVersion", driver.api.driver_get_version, status);
  if (!status.ok()) return status;
  // The version first: an old driver lacks symbols, and its number explains more than their names.
  if (driver.api.driver_get_version(&driver.version) != DriverResult::kSuccess) {
    return failure(ErrorCode::kDeviceError, "cuDriverGetVersion failed");
  }
  if (driver.version < kLeastDriverVersion) {
    return failure(ErrorCode::kDeviceError,
                   "the NVIDIA driver supports CUDA {}; CUDA {} (Linux driver 525) or later is "
                   "needed: update the driver",
                   version_text(driver.version), version_text(kLeastDriverVersion));
  }
  bind_devices(lib, driver.api, status);
  bind_memory(lib, driver.api, status);
  bind_execution(lib, driver.api, status);
  if (!status.ok()) return status;
  const DriverResult result = driver.api.init(0);
  if (result == DriverResult::kStubLibrary) {
    return failure(ErrorCode::kDeviceError,
                   "libcuda.so.1 is the CUDA toolkit's link stub, not the NVIDIA driver: remove "
                   "the toolkit's stubs folder from the library path");
  }
  if (result == DriverResult::kNoDevice) {
    return failure(ErrorCode::kDeviceError, "the NVIDIA driver sees no CUDA device");
  }
  const char* name = "unknown error";
  driver.api.get_error_name(result, &name);
  if (result != DriverResult::kSuccess) {
    return failure(ErrorCode::kDeviceError, "cuInit failed: {}", name);
  }
  return Status();
}

LoadedDriver load_driver() {
  LoadedDriver driver;
  void* lib = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (lib == nullptr) {
    driver.status = failure(ErrorCode::kDeviceError,
                            "no NVIDIA driver: {}; CUDA devices need the driver (Linux driver 525 "
                            "or later), nothing else",
                            dlerror());
    return driver;
  }
  driver.status = initialise(lib, driver);  // the library stays open for the process
  return driver;
}

const LoadedDriver& loaded_driver() {
  static const LoadedDriver driver = load_driver();
  return driver;
}

}  // namespace

Result<const DriverApi*> driver() {
  const LoadedDriver& loaded = loaded_driver();
  if (!loaded.status.ok()) return loaded.status;
  return &loaded.api;
}

Result<int> driver_version() {
  const LoadedDriver& loaded = loaded_driver();
  if (loaded.version == 0) return loaded.status;
  return loaded.version;
}

std::string version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

Status check(DriverResult result, std::string_view call) {
  if (result == DriverResult::kSuccess) return Status();
  const char* name = "unknown error";
  const char* text = "";
  const DriverApi& api = loaded_driver().api;
  if (api.get_error_name != nullptr) {
    api.get_error_name(result, &name);
    api.get_error_string(result, &text);
  }
  const ErrorCode code =
      result == DriverResult::kOutOfMemory ? ErrorCode::kOutOfMemory : ErrorCode::kDeviceError;
  return failure(code, "{} failed: {} ({}): {}", call, name, static_cast<int>(result), text);
}

}  // namespace xinfer::cuda
