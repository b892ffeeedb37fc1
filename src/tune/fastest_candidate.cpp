#include "tune/fastest_candidate.h"

#include <algorithm>
#include <vector>

namespace xinfer::tune {
namespace {

struct Candidate {
  std::size_t index = 0;
  std::vector<double> times;

  double median() const {
    std::vector<double> sorted = times;
    std::sort(sorted.begin(), sorted.end());
    const std::size_t middle = sorted.size() / 2;
    return sorted.size() % 2 != 0 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
};

bool is_faster(const Candidate& a, const Candidate& b) { return a.median() < b.median(); }

}  // namespace

Result<FastestCandidate> fastest_candidate(std::size_t count,
                                           const std::function<Result<double>(std::size_t)>& time) {
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < count; ++i) {
    XINFER_ASSIGN_OR_RETURN(const double microseconds, time(i));
    candidates.push_back({i, {microseconds}});
  }
  std::stable_sort(candidates.begin(), candidates.end(), is_faster);
  const double limit = candidates.front().median() * kCloseTimes;
  const auto far = std::find_if(candidates.begin(), candidates.end(),
                                [&](const Candidate& c) { return c.median() > limit; });
  candidates.erase(far, candidates.end());
  if (candidates.size() > kMostClose) candidates.resize(kMostClose);
  for (int round = 0; round < kCloseRounds && candidates.size() > 1; ++round) {
    for (Candidate& candidate : candidates) {
      XINFER_ASSIGN_OR_RETURN(const double microseconds, time(candidate.index));
      candidate.times.push_back(microseconds);
    }
  }
  const Candidate& best = *std::min_element(candidates.begin(), candidates.end(), is_faster);
  return FastestCandidate{best.index, best.median()};
}

}  // namespace xinfer::tune
