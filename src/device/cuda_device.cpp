#include "device/cuda_device.h"

#include <utility>

namespace xinfer::cuda {
namespace {

Result<DeviceOrdinal> device_of(const DriverApi& api, int ordinal) {
  int count = 0;
  XINFER_CUDA_RETURN_IF_ERROR(api.device_get_count(&count), "cuDeviceGetCount");
  if (ordinal < 0 || ordinal >= count) {
    return invalid_argument("device cuda:{} does not exist; the driver sees {} device(s)", ordinal,
                            count);
  }
  DeviceOrdinal device = 0;
  XINFER_CUDA_RETURN_IF_ERROR(api.device_get(&device, ordinal), "cuDeviceGet");
  return device;
}

Result<int> attribute(const DriverApi& api, DeviceOrdinal device, DeviceAttribute which) {
  int value = 0;
  XINFER_CUDA_RETURN_IF_ERROR(api.device_get_attribute(&value, which, device),
                              "cuDeviceGetAttribute");
  return value;
}

}  // namespace

Result<int> device_count() {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  int count = 0;
  XINFER_CUDA_RETURN_IF_ERROR(api->device_get_count(&count), "cuDeviceGetCount");
  return count;
}

Result<DeviceProperties> device_properties(int ordinal) {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  XINFER_ASSIGN_OR_RETURN(const DeviceOrdinal device, device_of(*api, ordinal));
  DeviceProperties properties;
  char name[256] = {};
  XINFER_CUDA_RETURN_IF_ERROR(api->device_get_name(name, sizeof(name), device), "cuDeviceGetName");
  properties.name = name;
  XINFER_CUDA_RETURN_IF_ERROR(api->device_total_mem(&properties.memory_bytes, device),
                              "cuDeviceTotalMem");
  const auto read = [&](DeviceAttribute which) { return attribute(*api, device, which); };
  XINFER_ASSIGN_OR_RETURN(const int major, read(DeviceAttribute::kComputeCapabilityMajor));
  XINFER_ASSIGN_OR_RETURN(const int minor, read(DeviceAttribute::kComputeCapabilityMinor));
  XINFER_ASSIGN_OR_RETURN(properties.multiprocessors, read(DeviceAttribute::kMultiprocessorCount));
  XINFER_ASSIGN_OR_RETURN(const int l2, read(DeviceAttribute::kL2CacheBytes));
  XINFER_ASSIGN_OR_RETURN(properties.shared_bytes_per_block,
                          read(DeviceAttribute::kSharedMemoryPerBlockOptin));
  XINFER_ASSIGN_OR_RETURN(properties.shared_bytes_per_multiprocessor,
                          read(DeviceAttribute::kSharedMemoryPerMultiprocessor));
  XINFER_ASSIGN_OR_RETURN(properties.clock_khz, read(DeviceAttribute::kClockKhz));
  XINFER_ASSIGN_OR_RETURN(const int memory_khz, read(DeviceAttribute::kMemoryClockKhz));
  XINFER_ASSIGN_OR_RETURN(const int bus_bits, read(DeviceAttribute::kMemoryBusBits));
  properties.memory_gb_per_s = 2e-6 * memory_khz * bus_bits / 8;  // two transfers a clock
  properties.compute_capability = 10 * major + minor;
  properties.l2_bytes = static_cast<std::size_t>(l2);
  return properties;
}

// From the vendor's dense INT8 and float32 rates, divided by units and clock: A100 624 TOPS and
// 19.5 TFLOPS, RTX 3090 284 and 35.6, RTX 4090 661 and 82.6, H100 SXM 1979 and 67, B200 4500 and
// 75, RTX 5090 838 and 105.
MultiprocessorRate multiprocessor_rate(int compute_capability) {
  switch (compute_capability) {
    case 80:
      return {4096, 128};
    case 90:
      return {8192, 256};
    case 100:
      return {16384, 256};
    default:  // 8.6, 8.9, 12.0
      return {2048, 256};
  }
}

Result<Context> Context::open(int ordinal) {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  XINFER_ASSIGN_OR_RETURN(const DeviceOrdinal device, device_of(*api, ordinal));
  ContextHandle current = nullptr;
  XINFER_CUDA_RETURN_IF_ERROR(api->context_get_current(&current), "cuCtxGetCurrent");
  if (current != nullptr) {
    DeviceOrdinal current_device = 0;
    XINFER_CUDA_RETURN_IF_ERROR(api->context_get_device(&current_device), "cuCtxGetDevice");
    if (current_device == device) return Context(ordinal, device, current, false);
  }
  ContextHandle primary = nullptr;
  XINFER_CUDA_RETURN_IF_ERROR(api->primary_context_retain(&primary, device),
                              "cuDevicePrimaryCtxRetain");
  return Context(ordinal, device, primary, true);
}

Context::Context(Context&& other) noexcept
    : ordinal_(other.ordinal_),
      device_(other.device_),
      handle_(other.handle_),
      retained_(std::exchange(other.retained_, false)) {}

Context& Context::operator=(Context&& other) noexcept {
  std::swap(ordinal_, other.ordinal_);
  std::swap(device_, other.device_);
  std::swap(handle_, other.handle_);
  std::swap(retained_, other.retained_);
  return *this;
}

Context::~Context() {
  if (retained_) (*driver())->primary_context_release(device_);
}

ContextScope::ContextScope(const Context& context) {
  status_ = check((*driver())->context_push_current(context.handle()), "cuCtxPushCurrent");
}

ContextScope::~ContextScope() {
  ContextHandle popped = nullptr;
  if (status_.ok()) (*driver())->context_pop_current(&popped);
}

}  // namespace xinfer::cuda
