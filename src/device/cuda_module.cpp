#include "device/cuda_module.h"

#include <utility>

namespace xinfer::cuda {

Result<int> Kernel::attribute(FunctionAttribute which) const {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  int value = 0;
  Status status = check(api->func_get_attribute(&value, which, handle_), "cuFuncGetAttribute");
  if (!status.ok()) return std::move(status).with_context(name_);
  return value;
}

Status Kernel::allow_dynamic_shared_bytes(unsigned size_bytes) const {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  Status status = check(api->func_set_attribute(handle_, FunctionAttribute::kMaxDynamicSharedBytes,
                                                static_cast<int>(size_bytes)),
                        "cuFuncSetAttribute");
  return std::move(status).with_context(
      fmt::format("{}: {} bytes of shared memory", name_, size_bytes));
}

Result<int> Kernel::blocks_per_multiprocessor(const LaunchShape& shape) const {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  int blocks = 0;
  Status status =
      check(api->occupancy_max_active_blocks(&blocks, handle_, static_cast<int>(shape.threads),
                                             shape.dynamic_shared_bytes),
            "cuOccupancyMaxActiveBlocksPerMultiprocessor");
  if (!status.ok()) return std::move(status).with_context(name_);
  return blocks;
}

Status Kernel::launch(const Stream& stream, const LaunchShape& shape,
                      std::span<void* const> arguments) const {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  LaunchAttribute attributes[2];
  LaunchConfig config;
  config.grid_x = shape.blocks;
  config.block_x = shape.threads;
  config.shared_bytes = shape.dynamic_shared_bytes;
  config.stream = stream.handle();
  config.attributes = attributes;
  if (shape.cluster_blocks > 1) {
    LaunchAttribute& attribute = attributes[config.attribute_count++];
    attribute.id = LaunchAttribute::Id::kClusterDimension;
    attribute.value.cluster = {shape.cluster_blocks, 1, 1};
  }
  if (shape.overlaps_predecessor) {
    LaunchAttribute& attribute = attributes[config.attribute_count++];
    attribute.id = LaunchAttribute::Id::kProgrammaticStreamSerialization;
    attribute.value.programmatic_stream_serialization_allowed = 1;
  }
  Status status =
      check(api->launch_kernel_ex(&config, handle_, const_cast<void**>(arguments.data()), nullptr),
            "cuLaunchKernelEx");
  if (status.ok()) return status;
  return std::move(status).with_context(
      fmt::format("{} ({} blocks of {} threads)", name_, shape.blocks, shape.threads));
}

Status Kernel::update(const Graph& graph, GraphNodeHandle node, const LaunchShape& shape,
                      std::span<void* const> arguments) const {
  KernelNodeParams params;
  params.function = handle_;
  params.grid_x = shape.blocks;
  params.block_x = shape.threads;
  params.shared_bytes = shape.dynamic_shared_bytes;
  params.arguments = const_cast<void**>(arguments.data());
  return graph.set_kernel(node, params).with_context(name_);
}

Result<Module> Module::load(std::span<const std::byte> cubin) {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  ModuleHandle handle = nullptr;
  const DriverResult result = api->module_load_data(&handle, cubin.data());
  if (result == DriverResult::kNoBinaryForGpu || result == DriverResult::kInvalidImage ||
      result == DriverResult::kUnsupportedPtxVersion) {
    XINFER_ASSIGN_OR_RETURN(const int version, driver_version());
    return failure(ErrorCode::kIncompatibleEngine,
                   "the driver (CUDA {}) cannot load this kernel: it is compiled for another GPU "
                   "architecture or by a newer CUDA ({})",
                   version_text(version), check(result, "cuModuleLoadData").message());
  }
  XINFER_CUDA_RETURN_IF_ERROR(result, "cuModuleLoadData");
  return Module(handle);
}

Module::Module(Module&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}

Module& Module::operator=(Module&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

Module::~Module() {
  if (handle_ != nullptr) (*driver())->module_unload(handle_);
}

Result<Kernel> Module::kernel(const std::string& entry) const {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  FunctionHandle function = nullptr;
  Status status =
      check(api->module_get_function(&function, handle_, entry.c_str()), "cuModuleGetFunction");
  if (!status.ok()) return std::move(status).with_context(entry);
  return Kernel(function, entry);
}

}  // namespace xinfer::cuda
