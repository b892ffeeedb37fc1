#include "shared_memory.h"

#include <fmt/format.h>

#include <random>

namespace xinfer::gpu::emulator {

SharedMemory::SharedMemory(std::uint32_t base, std::size_t bytes, std::uint64_t seed)
    : memory_(bytes), base_(base) {
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < bytes; ++i) memory_.data()[i] = static_cast<std::uint8_t>(random());
  const std::size_t granules = (base + bytes) / kGranule + 1;
  readers_.resize(granules);
  writers_.resize(granules);
}

std::uint32_t SharedMemory::address_of(const void* pointer) const {
  return base_ +
         static_cast<std::uint32_t>(static_cast<const std::uint8_t*>(pointer) - memory_.data());
}

bool SharedMemory::contains(std::uint32_t address, std::size_t bytes) const {
  return address >= base_ && address - base_ + bytes <= memory_.size();
}

std::vector<std::uint32_t> SharedMemory::granules(std::uint32_t address, std::size_t bytes) {
  std::vector<std::uint32_t> result;
  for (std::size_t g = address / kGranule; g * kGranule < address + bytes; ++g) {
    result.push_back(static_cast<std::uint32_t>(g));
  }
  return result;
}

void SharedMemory::mark(const std::vector<std::uint32_t>& granules, bool writes, int change) {
  std::vector<std::uint16_t>& counts = writes ? writers_ : readers_;
  for (const std::uint32_t granule : granules) {
    counts[granule] = static_cast<std::uint16_t>(counts[granule] + change);
  }
}

std::string SharedMemory::conflict(std::uint32_t address, std::size_t bytes, bool writes) const {
  const std::uint32_t end = address + static_cast<std::uint32_t>(bytes);
  for (std::uint32_t g = address / kGranule; g * kGranule < end; ++g) {
    if (writers_[g] == 0 && (!writes || readers_[g] == 0)) continue;
    return fmt::format("{} shared memory at {} that an operation in flight {}",
                       writes ? "writes" : "reads", g * kGranule,
                       writers_[g] != 0 ? "writes" : "reads");
  }
  return {};
}

std::string SharedMemory::conflict(const std::vector<std::uint32_t>& granules, bool writes) const {
  for (const std::uint32_t g : granules) {
    std::string found = conflict(g * kGranule, 1, writes);
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace xinfer::gpu::emulator
