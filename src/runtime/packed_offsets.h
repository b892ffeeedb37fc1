// Where tensors lie when a plan runs on fewer samples than its memory was planned for.
//
// Offsets into an arena are planned for the largest batch. At those, the tensors of a single sample
// are a batch's size apart and share no bytes over time as the plan meant them to: what one layer
// has left in the cache is not what the next one overwrites.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace xinfer::runtime {

/// Offsets for `batch` of at most `largest` samples, for tensors whose bytes are proportional to
/// the batch: they keep their order, what was apart stays apart, what was at one place stays there,
/// and offsets stay multiples of kBufferAlignment.
class PackedOffsets {
 public:
  /// Offsets as planned.
  PackedOffsets() = default;
  /// `planned`: every tensor's offset, repetitions allowed, for tensors of `largest` samples and at
  /// least one byte more within `arena_bytes`. Keeps them where packing would gain little or not
  /// surely stay within the arena.
  PackedOffsets(std::vector<std::size_t> planned, std::size_t arena_bytes, std::int64_t batch,
                std::int64_t largest);

  /// For an offset of `planned`, within the arena.
  std::size_t operator()(std::size_t offset) const;

 private:
  std::vector<std::size_t> planned_;  ///< ascending, each once; empty: offsets as planned
  std::size_t batch_ = 1, largest_ = 1;
};

}  // namespace xinfer::runtime
