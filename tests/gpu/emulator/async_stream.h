// Work that the device does on its own time: copies in flight, products of the tensor cores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

namespace xinfer::gpu::emulator {

class SharedMemory;

/// One asynchronous operation. Until it has run, its granules of shared memory are marked.
struct AsyncOperation {
  std::function<void()> run;
  SharedMemory* shared = nullptr;
  bool writes_shared = false;           ///< otherwise it reads
  std::vector<std::uint32_t> granules;  ///< of 16 bytes, by number
  std::uint64_t group = 0;
};

/// The operations of one issuer, in groups that it closes and waits for.
class AsyncStream {
 public:
  /// `in_order`: operations run in the order in which they were issued.
  explicit AsyncStream(bool in_order = false) : in_order_(in_order) {}

  void issue(AsyncOperation operation);
  void commit() { ++group_; }
  /// Runs what belongs to all closed groups but the last `pending`.
  void wait(std::uint64_t pending);
  /// Runs one operation; there must be one.
  void run_one(std::mt19937_64& random);
  bool empty() const { return operations_.empty(); }
  /// Whether an operation works on this memory.
  bool concerns(const SharedMemory& shared) const;

 private:
  static void finish(const AsyncOperation& operation);

  bool in_order_;
  std::uint64_t group_ = 0;
  std::vector<AsyncOperation> operations_;
};

}  // namespace xinfer::gpu::emulator
