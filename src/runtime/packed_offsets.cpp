#include "runtime/packed_offsets.h"

#include <algorithm>
#include <utility>

#include "core/aligned_buffer.h"

namespace xinfer::runtime {

PackedOffsets::PackedOffsets(std::vector<std::size_t> planned, std::size_t arena_bytes,
                             std::int64_t batch, std::int64_t largest) {
  if (batch < 1 || batch > largest / 2) return;
  std::sort(planned.begin(), planned.end());
  planned.erase(std::unique(planned.begin(), planned.end()), planned.end());
  // Scaled tensors end before the middle of the arena; alignment adds this much at most.
  if (arena_bytes / 2 / kBufferAlignment < planned.size() + 1) return;
  planned_ = std::move(planned);
  batch_ = static_cast<std::size_t>(batch);
  largest_ = static_cast<std::size_t>(largest);
}

/// Rounding up costs less than kBufferAlignment bytes of the distance between two offsets, which
/// counting the offsets below gives back.
std::size_t PackedOffsets::operator()(std::size_t offset) const {
  if (planned_.empty()) return offset;
  const auto below = static_cast<std::size_t>(
      std::lower_bound(planned_.begin(), planned_.end(), offset) - planned_.begin());
  // offset * batch / largest without overflow.
  const std::size_t scaled = offset / largest_ * batch_ + offset % largest_ * batch_ / largest_;
  return align_up(scaled, kBufferAlignment) + below * kBufferAlignment;
}

}  // namespace xinfer::runtime
