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

namespace {

/// Whose memory an address is, and the allocation that it lies in. The context is null where memory
/// belongs to a device (pools, mapped address ranges).
struct Owner {
  unsigned memory_type = 0;
  int ordinal = 0;
  ContextHandle context = nullptr;
  DevicePointer start = 0;
  std::size_t size_bytes = 0;  ///< 0 where the driver does not say
};

Result<Owner> owner_of(DevicePointer address) {
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  Owner owner;
  // This call, unlike the one for a single attribute, succeeds for unknown memory.
  const PointerAttribute asked[] = {PointerAttribute::kMemoryType, PointerAttribute::kDeviceOrdinal,
                                    PointerAttribute::kContext, PointerAttribute::kRangeStart,
                                    PointerAttribute::kRangeBytes};
  void* answers[] = {&owner.memory_type, &owner.ordinal, &owner.context, &owner.start,
                     &owner.size_bytes};
  XINFER_CUDA_RETURN_IF_ERROR(api->pointer_get_attributes(5, asked, answers, address),
                              "cuPointerGetAttributes");
  return owner;
}

/// Fails unless `size_bytes` from `address` on are the owner's. What no context owns may be made of
/// several mappings (cuMemMap), of which the driver names one: it ends where memory is unknown.
Status check_extent(const Owner& owner, DevicePointer address, std::size_t size_bytes) {
  if (owner.size_bytes == 0) return Status();
  DevicePointer end = owner.start + owner.size_bytes;
  while (end - address < size_bytes && owner.context == nullptr) {
    XINFER_ASSIGN_OR_RETURN(const Owner next, owner_of(end));
    const DevicePointer next_end = next.start + next.size_bytes;
    const bool same_kind = next.memory_type == owner.memory_type && next.context == nullptr;
    if (!same_kind || next.ordinal != owner.ordinal || next_end <= end) break;
    end = next_end;
  }
  if (end - address >= size_bytes) return Status();
  return invalid_argument("{:#x} has {} bytes left of an allocation of {}; needed: {}", address,
                          end - address, end - owner.start, size_bytes);
}

}  // namespace

Status check_accessible(DevicePointer address, std::size_t size_bytes, int ordinal) {
  XINFER_ASSIGN_OR_RETURN(const Owner owner, owner_of(address));
  if (owner.memory_type == 0) {
    return invalid_argument(
        "{:#x} is no memory that a GPU can use: it is neither device memory nor page-locked",
        address);
  }
  if (owner.memory_type == kMemoryTypeHost) return Status();  // every context reaches it
  if (owner.ordinal != ordinal) {
    return invalid_argument("{:#x} is memory of cuda:{}; this context runs on cuda:{}", address,
                            owner.ordinal, ordinal);
  }
  XINFER_RETURN_IF_ERROR(check_extent(owner, address, size_bytes));
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  ContextHandle current = nullptr;
  XINFER_CUDA_RETURN_IF_ERROR(api->context_get_current(&current), "cuCtxGetCurrent");
  if (owner.context == nullptr || owner.context == current) return Status();
  return invalid_argument(
      "{:#x} is memory of another CUDA context; make that context current before the engine is "
      "opened for execution, so that it runs there",
      address);
}

bool is_page_locked(const void* data) {
  const Result<Owner> owner = owner_of(reinterpret_cast<DevicePointer>(data));
  return owner.ok() && owner->memory_type == kMemoryTypeHost;
}

Status copy_to_device(DevicePointer target, const void* source, std::size_t size_bytes) {
  if (size_bytes == 0) return Status();
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  XINFER_CUDA_RETURN_IF_ERROR(api->memcpy_htod(target, source, size_bytes), "cuMemcpyHtoD");
  // From pageable memory the driver returns when it has staged the bytes (CUDA driver API, "API
  // synchronization behavior"); a non-blocking stream would not wait for the rest.
  return check(api->stream_synchronize(nullptr), "cuStreamSynchronize");
}

Status copy_to_host(void* target, DevicePointer source, std::size_t size_bytes) {
  if (size_bytes == 0) return Status();
  XINFER_ASSIGN_OR_RETURN(const DriverApi* api, driver());
  return check(api->memcpy_dtoh(target, source, size_bytes), "cuMemcpyDtoH");
}

}  // namespace xinfer::cuda
