// Cache-line aligned host memory with a readable margin, as the kernels require.
#pragma once

#include <cstddef>
#include <memory>

namespace xinfer {

/// Alignment of every buffer that xinfer allocates, in bytes.
inline constexpr std::size_t kBufferAlignment = 64;
/// Bytes behind the end of a buffer that kernels may read (never write).
inline constexpr std::size_t kBufferMargin = 64;

/// `size_bytes` of uninitialised memory aligned to kBufferAlignment, with a zeroed readable margin
/// of kBufferMargin bytes behind it. Never null; throws Error(out_of_memory).
std::shared_ptr<void> allocate_buffer(std::size_t size_bytes);

inline constexpr std::size_t align_up(std::size_t value, std::size_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

}  // namespace xinfer
