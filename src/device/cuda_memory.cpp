#include "device/cuda_memory.h"

#include <utility>

namespace xinfer::cuda {

Result<Buffer> Buffer::allocate(std::size_t size_bytes) {
  if (size_bytes == 0) return Buffer();
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  DevicePointer address = 0;
  Status status = check(api->mem_alloc(&address, size_bytes), "cuMemAlloc");
  if (!status.ok()) return std::move(status).with_context(fmt::format("{} bytes", size_bytes));
  return Buffer(address, size_bytes);
}

Buffer::Buffer(Buffer&& other) noexcept
    : address_(std::exchange(other.address_, 0)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(address_, other.address_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

Buffer::~Buffer() {
  if (address_ != 0) (*driver())->mem_free(address_);
}

Result<PinnedBuffer> PinnedBuffer::allocate(std::size_t size_bytes) {
  if (size_bytes == 0) return PinnedBuffer();
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  constexpr unsigned kPortable = 1;  // page-locked for every context
  void* data = nullptr;
  Status status = check(api->mem_host_alloc(&data, size_bytes, kPortable), "cuMemHostAlloc");
  if (!status.ok()) return std::move(status).with_context(fmt::format("{} bytes", size_bytes));
  return PinnedBuffer(data, size_bytes);
}

PinnedBuffer::PinnedBuffer(PinnedBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

PinnedBuffer& PinnedBuffer::operator=(PinnedBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

PinnedBuffer::~PinnedBuffer() {
  if (data_ != nullptr) (*driver())->mem_free_host(data_);
}

Status check_accessible(DevicePointer address, int ordinal) {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  unsigned memory_type = 0;
  const DriverResult found =
      api->pointer_get_attribute(&memory_type, PointerAttribute::kMemoryType, address);
  if (found == DriverResult::kInvalidValue) {
    return invalid_argument(
        "{:#x} is no memory that a GPU can use: it is neither device memory "
        "nor page-locked",
        address);
  }
  XINFER_CUDA_RETURN_IF_ERROR(found, "cuPointerGetAttribute");
  if (memory_type == kMemoryTypeHost) return Status();  // page-locked: every context reaches it
  int owner = ordinal;
  XINFER_CUDA_RETURN_IF_ERROR(
      api->pointer_get_attribute(&owner, PointerAttribute::kDeviceOrdinal, address),
      "cuPointerGetAttribute");
  if (owner != ordinal) {
    return invalid_argument("{:#x} is memory of cuda:{}; this context runs on cuda:{}", address,
                            owner, ordinal);
  }
  // Memory of pools and of mapped address ranges belongs to the device: it has no context.
  ContextHandle context = nullptr, current = nullptr;
  if (api->pointer_get_attribute(&context, PointerAttribute::kContext, address) !=
      DriverResult::kSuccess) {
    return Status();
  }
  XINFER_CUDA_RETURN_IF_ERROR(api->context_get_current(&current), "cuCtxGetCurrent");
  if (context == nullptr || context == current) return Status();
  return invalid_argument(
      "{:#x} is memory of another CUDA context; make that context current before the engine is "
      "opened for execution, so that it runs there",
      address);
}

bool is_page_locked(const void* data) {
  const Result<const DriverApi*> api = driver();
  unsigned memory_type = 0;
  return api.ok() &&
         (*api)->pointer_get_attribute(&memory_type, PointerAttribute::kMemoryType,
                                       reinterpret_cast<DevicePointer>(data)) ==
             DriverResult::kSuccess &&
         memory_type == kMemoryTypeHost;
}

Status copy_to_device(DevicePointer target, const void* source, std::size_t size_bytes) {
  if (size_bytes == 0) return Status();
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  return check(api->memcpy_htod(target, source, size_bytes), "cuMemcpyHtoD");
}

Status copy_to_host(void* target, DevicePointer source, std::size_t size_bytes) {
  if (size_bytes == 0) return Status();
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  return check(api->memcpy_dtoh(target, source, size_bytes), "cuMemcpyDtoH");
}

}  // namespace xinfer::cuda
