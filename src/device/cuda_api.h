// The part of NVIDIA's driver interface that xinfer calls, declared here so that neither building
// nor running needs CUDA's headers or libraries. Names and values: CUDA Driver API reference 13.0.
#pragma once

#include <cstddef>
#include <cstdint>

namespace xinfer::cuda {

using DevicePointer = std::uint64_t;  // CUdeviceptr
using DeviceOrdinal = int;            // CUdevice
using ContextHandle = struct ContextTag*;
using StreamHandle = struct StreamTag*;
using EventHandle = struct EventTag*;
using ModuleHandle = struct ModuleTag*;
using FunctionHandle = struct FunctionTag*;
using GraphHandle = struct GraphTag*;
using GraphNodeHandle = struct GraphNodeTag*;
using GraphExecHandle = struct GraphExecTag*;

/// CUresult. Only the values that xinfer tells apart.
enum class DriverResult : int {
  kSuccess = 0,
  kOutOfMemory = 2,
  kStubLibrary = 34,
  kNoDevice = 100,
  kInvalidImage = 200,
  kNoBinaryForGpu = 209,
  kUnsupportedPtxVersion = 222,
  kNotReady = 600,
};

/// CUdevice_attribute.
enum class DeviceAttribute : int {
  kClockKhz = 13,
  kMultiprocessorCount = 16,
  kPciBusId = 33,
  kPciDeviceId = 34,
  kMemoryClockKhz = 36,
  kMemoryBusBits = 37,
  kL2CacheBytes = 38,
  kComputeCapabilityMajor = 75,
  kComputeCapabilityMinor = 76,
  kSharedMemoryPerMultiprocessor = 81,
  kSharedMemoryPerBlockOptin = 97,
};

/// CUpointer_attribute.
enum class PointerAttribute : int {
  kContext = 1,
  kMemoryType = 2,
  kDeviceOrdinal = 9,
  kRangeStart = 11,
  kRangeBytes = 12,
};

/// CUmemorytype, the value of kMemoryType; 0 for memory that the driver does not know.
inline constexpr unsigned kMemoryTypeHost = 1;

/// CUfunction_attribute.
enum class FunctionAttribute : int {
  kSharedBytes = 1,
  kLocalBytes = 3,
  kRegisters = 4,
  kMaxDynamicSharedBytes = 8,
};

/// CUlaunchAttribute, with the two members of its value union that xinfer sets.
struct LaunchAttribute {
  enum class Id : int { kClusterDimension = 4, kProgrammaticStreamSerialization = 6 };
  Id id = Id::kClusterDimension;
  char padding[4] = {};
  union Value {
    char size[64];
    struct {
      unsigned x, y, z;
    } cluster;
    int programmatic_stream_serialization_allowed;
  } value = {};
};
static_assert(sizeof(LaunchAttribute) == 72);

/// CUlaunchConfig.
struct LaunchConfig {
  unsigned grid_x = 1, grid_y = 1, grid_z = 1;
  unsigned block_x = 1, block_y = 1, block_z = 1;
  unsigned shared_bytes = 0;
  StreamHandle stream = nullptr;
  LaunchAttribute* attributes = nullptr;
  unsigned attribute_count = 0;
};
static_assert(sizeof(LaunchConfig) == 56);

/// CUDA_KERNEL_NODE_PARAMS_v2.
struct KernelNodeParams {
  FunctionHandle function = nullptr;
  unsigned grid_x = 1, grid_y = 1, grid_z = 1;
  unsigned block_x = 1, block_y = 1, block_z = 1;
  unsigned shared_bytes = 0;
  void** arguments = nullptr;
  void** extra = nullptr;
  void* library_kernel = nullptr;
  ContextHandle context = nullptr;
};
static_assert(sizeof(KernelNodeParams) == 72);

/// CUtensorMap: an opaque descriptor of the tensor memory accelerator, passed by value.
struct alignas(64) TensorMap {
  std::uint64_t opaque[16] = {};
};

enum class TensorMapType : int { kUInt8 = 0, kFloat16 = 6, kFloat32 = 7 };
enum class TensorMapSwizzle : int { kNone = 0, k32B = 1, k64B = 2, k128B = 3 };

/// Graph capture only sees the capturing thread's calls.
inline constexpr int kCaptureModeThreadLocal = 1;
inline constexpr unsigned kStreamNonBlocking = 1;
inline constexpr unsigned kEventDisableTiming = 2;

/// The driver's entry points, filled by `driver()`.
struct DriverApi {
  template <typename... Args>
  using Call = DriverResult (*)(Args...);

  Call<unsigned> init;
  Call<int*> driver_get_version;
  Call<DriverResult, const char**> get_error_name;
  Call<DriverResult, const char**> get_error_string;

  Call<int*> device_get_count;
  Call<DeviceOrdinal*, int> device_get;
  Call<char*, int, DeviceOrdinal> device_get_name;
  Call<std::size_t*, DeviceOrdinal> device_total_mem;
  Call<int*, DeviceAttribute, DeviceOrdinal> device_get_attribute;

  Call<ContextHandle*, DeviceOrdinal> primary_context_retain;
  Call<DeviceOrdinal> primary_context_release;
  Call<ContextHandle*> context_get_current;
  Call<ContextHandle> context_set_current;
  Call<ContextHandle> context_push_current;
  Call<ContextHandle*> context_pop_current;
  Call<DeviceOrdinal*> context_get_device;

  Call<DevicePointer*, std::size_t> mem_alloc;
  Call<DevicePointer> mem_free;
  Call<void**, std::size_t, unsigned> mem_host_alloc;
  Call<void*> mem_free_host;
  Call<unsigned, const PointerAttribute*, void**, DevicePointer> pointer_get_attributes;
  Call<DevicePointer, const void*, std::size_t> memcpy_htod;
  Call<void*, DevicePointer, std::size_t> memcpy_dtoh;
  Call<DevicePointer, const void*, std::size_t, StreamHandle> memcpy_htod_async;
  Call<void*, DevicePointer, std::size_t, StreamHandle> memcpy_dtoh_async;
  Call<DevicePointer, DevicePointer, std::size_t, StreamHandle> memcpy_dtod_async;
  Call<DevicePointer, unsigned char, std::size_t, StreamHandle> memset_d8_async;

  Call<StreamHandle*, unsigned> stream_create;
  Call<StreamHandle> stream_destroy;
  Call<StreamHandle> stream_synchronize;
  Call<StreamHandle, EventHandle, unsigned> stream_wait_event;
  Call<StreamHandle, int> stream_begin_capture;
  Call<StreamHandle, GraphHandle*> stream_end_capture;
  Call<StreamHandle, int*, std::uint64_t*, GraphHandle*, const GraphNodeHandle**, std::size_t*>
      stream_get_capture_info;
  /// CUDA 12.3: also tells of programmatic edges. Null in older drivers.
  Call<StreamHandle, int*, std::uint64_t*, GraphHandle*, const GraphNodeHandle**, const void**,
       std::size_t*>
      stream_get_capture_info_v3;

  Call<EventHandle*, unsigned> event_create;
  Call<EventHandle> event_destroy;
  Call<EventHandle, StreamHandle> event_record;
  Call<EventHandle> event_synchronize;
  Call<float*, EventHandle, EventHandle> event_elapsed_time;

  Call<ModuleHandle*, const void*> module_load_data;
  Call<ModuleHandle> module_unload;
  Call<FunctionHandle*, ModuleHandle, const char*> module_get_function;
  Call<int*, FunctionAttribute, FunctionHandle> func_get_attribute;
  Call<FunctionHandle, FunctionAttribute, int> func_set_attribute;
  Call<int*, FunctionHandle, int, std::size_t> occupancy_max_active_blocks;

  Call<GraphExecHandle*, GraphHandle, unsigned long long> graph_instantiate;
  Call<GraphExecHandle, StreamHandle> graph_launch;
  Call<GraphHandle> graph_destroy;
  Call<GraphExecHandle> graph_exec_destroy;
  Call<GraphExecHandle, GraphNodeHandle, const KernelNodeParams*> graph_exec_kernel_node_set_params;

  Call<const LaunchConfig*, FunctionHandle, void**, void**> launch_kernel_ex;
  Call<TensorMap*, TensorMapType, std::uint32_t, void*, const std::uint64_t*, const std::uint64_t*,
       const std::uint32_t*, const std::uint32_t*, int, TensorMapSwizzle, int, int>
      tensor_map_encode_tiled;
  Call<TensorMap*, TensorMapType, std::uint32_t, void*, const std::uint64_t*, const std::uint64_t*,
       const int*, const int*, std::uint32_t, std::uint32_t, const std::uint32_t*, int,
       TensorMapSwizzle, int, int>
      tensor_map_encode_im2col;
};

}  // namespace xinfer::cuda
