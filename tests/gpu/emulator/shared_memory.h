// The dynamic shared memory of one block, and what asynchronous operations are doing to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "guarded_memory.h"

namespace xinfer::gpu::emulator {

/// Addresses are those of the shared window: kBlockShift bits within a block's memory, above them 0
/// for the block's own memory or a block's rank in its cluster plus 1.
inline constexpr int kBlockShift = 24;
inline constexpr std::uint32_t kGranule = 16;

class SharedMemory {
 public:
  /// The memory begins at address `base`.
  SharedMemory(std::uint32_t base, std::size_t bytes, std::uint64_t seed);

  std::uint8_t* data() { return memory_.data(); }
  std::uint32_t address_of(const void* pointer) const;
  bool contains(std::uint32_t address, std::size_t bytes) const;
  /// The host address; `address` must be contained.
  std::uint8_t* at(std::uint32_t address) { return memory_.data() + (address - base_); }

  /// Granules of [address, address + bytes).
  static std::vector<std::uint32_t> granules(std::uint32_t address, std::size_t bytes);
  /// Adds to the count of operations in flight that write (read) the granules.
  void mark(const std::vector<std::uint32_t>& granules, bool writes, int change);
  /// Why an access must not happen now; empty if it may.
  std::string conflict(std::uint32_t address, std::size_t bytes, bool writes) const;
  std::string conflict(const std::vector<std::uint32_t>& granules, bool writes) const;

 private:
  GuardedMemory memory_;
  std::uint32_t base_;
  std::vector<std::uint16_t> readers_, writers_;  // by granule
};

}  // namespace xinfer::gpu::emulator
