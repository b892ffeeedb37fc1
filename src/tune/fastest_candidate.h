// Finds the fastest of several candidates by timing them, close ones repeatedly.
#pragma once

#include <cstddef>
#include <functional>

#include "core/status.h"

namespace xinfer::tune {

struct FastestCandidate {
  std::size_t index = 0;
  double microseconds = 0;  ///< the median of its times
};

/// Times `count` candidates, at least one, once each, and those within kCloseTimes of the fastest,
/// at most kMostClose of them, kCloseRounds times more, in turn, so that what disturbs the device
/// for a while disturbs all of them. The lowest median wins, of equal ones the first. `time` gives
/// the microseconds of a candidate; its first failure is returned.
Result<FastestCandidate> fastest_candidate(std::size_t count,
                                           const std::function<Result<double>(std::size_t)>& time);

inline constexpr double kCloseTimes = 1.05;
inline constexpr std::size_t kMostClose = 4;
inline constexpr int kCloseRounds = 4;

}  // namespace xinfer::tune
