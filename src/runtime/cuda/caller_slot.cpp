#include "runtime/cuda/caller_slot.h"

#include <cstring>

#include "core/aligned_buffer.h"

namespace xinfer::runtime {
namespace {

cuda::DevicePointer address(const void* data) {
  return reinterpret_cast<cuda::DevicePointer>(data);
}

}  // namespace

Status CallerSlot::check_fits(std::size_t bytes, const std::string& origin) const {
  if (bytes <= largest_bytes_) return Status();
  return failure(ErrorCode::kIncompatibleEngine,
                 "{}: damaged: {} has {} bytes; at its largest shape {}", origin, what_, bytes,
                 largest_bytes_);
}

Result<bool> CallerSlot::is_used_in_place(const CallerMemory& memory, std::size_t bytes) const {
  if (!memory.on_gpu) return false;
  // At every run: the memory may have been freed since the last one.
  Status status = cuda::check_accessible(address(memory.data), bytes, ordinal_);
  if (!status.ok()) return std::move(status).with_context(what_);
  return address(memory.data) % kKernelAlignment == 0;
}

Result<cuda::DevicePointer> CallerSlot::device_buffer() {
  if (device_.address() == 0) {
    Result<cuda::Buffer> made = cuda::Buffer::allocate(largest_bytes_ + kBufferMargin);
    if (!made.ok()) return made.status().with_context("device buffer of " + what_);
    device_ = *std::move(made);
  }
  return device_.address();
}

Result<void*> CallerSlot::page_locked_buffer() {
  if (host_.data() == nullptr) {
    Result<cuda::PinnedBuffer> made = cuda::PinnedBuffer::allocate(largest_bytes_);
    if (!made.ok()) return made.status().with_context("page-locked buffer of " + what_);
    host_ = *std::move(made);
  }
  return host_.data();
}

Result<cuda::DevicePointer> CallerSlot::bring_in(const CallerMemory& source, std::size_t bytes,
                                                 const cuda::Stream& stream) {
  XINFER_ASSIGN_OR_RETURN(const bool in_place, is_used_in_place(source, bytes));
  if (in_place) return address(source.data);
  XINFER_ASSIGN_OR_RETURN(const cuda::DevicePointer target, device_buffer());
  if (source.on_gpu) {
    XINFER_RETURN_IF_ERROR(stream.copy_on_device(target, address(source.data), bytes));
    return target;
  }
  if (cuda::is_page_locked(source.data)) {
    XINFER_RETURN_IF_ERROR(stream.copy_to_device(target, source.data, bytes));
    return target;
  }
  XINFER_ASSIGN_OR_RETURN(void* const staged, page_locked_buffer());
  if (host_read_) {
    XINFER_RETURN_IF_ERROR(host_read_->synchronize());
  } else {
    XINFER_ASSIGN_OR_RETURN(host_read_, cuda::Event::create_untimed());
  }
  std::memcpy(staged, source.data, bytes);
  XINFER_RETURN_IF_ERROR(stream.copy_to_device(target, staged, bytes));
  XINFER_RETURN_IF_ERROR(host_read_->record(stream));
  return target;
}

Result<cuda::DevicePointer> CallerSlot::place(const CallerMemory& target, std::size_t bytes) {
  XINFER_ASSIGN_OR_RETURN(placed_at_caller_, is_used_in_place(target, bytes));
  if (placed_at_caller_) return address(target.data);
  return device_buffer();
}

Status CallerSlot::bring_out(const CallerMemory& target, std::size_t bytes,
                             const cuda::Stream& stream, bool at_once) {
  if (placed_at_caller_) return Status();
  if (target.on_gpu) return stream.copy_on_device(address(target.data), device_.address(), bytes);
  if (at_once || cuda::is_page_locked(target.data)) {
    return stream.copy_to_host(target.data, device_.address(), bytes);
  }
  XINFER_ASSIGN_OR_RETURN(void* const staged, page_locked_buffer());
  pending_ = target.data;
  pending_bytes_ = bytes;
  return stream.copy_to_host(staged, device_.address(), bytes);
}

void CallerSlot::finish() {
  if (pending_ != nullptr) std::memcpy(pending_, host_.data(), pending_bytes_);
  pending_ = nullptr;
}

}  // namespace xinfer::runtime
