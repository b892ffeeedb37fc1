#include "tune/fastest_candidate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace xinfer::tune {
namespace {

/// Gives each candidate its listed times, one a call, then the last one for ever.
class FakeTimer {
 public:
  explicit FakeTimer(std::vector<std::vector<double>> times)
      : times_(std::move(times)), used_(times_.size()) {}

  Result<FastestCandidate> fastest() {
    return fastest_candidate(times_.size(), [this](std::size_t i) -> Result<double> {
      calls.push_back(i);
      const std::vector<double>& times = times_[i];
      return times[std::min(used_[i]++, times.size() - 1)];
    });
  }

  std::vector<std::size_t> calls;

 private:
  std::vector<std::vector<double>> times_;
  std::vector<std::size_t> used_;
};

TEST(FastestCandidate, TimesDistantOnesOnce) {
  FakeTimer timer({{20}, {10}, {30}});
  const FastestCandidate best = timer.fastest().value();
  EXPECT_EQ(best.index, 1u);
  EXPECT_EQ(best.microseconds, 10);
  EXPECT_THAT(timer.calls, testing::ElementsAre(0, 1, 2));
}

TEST(FastestCandidate, DoesNotTrustOneLuckyTime) {
  // The first one takes 12 in truth, the second 11.8.
  FakeTimer timer({{11.5, 12}, {11.8}});
  const FastestCandidate best = timer.fastest().value();
  EXPECT_EQ(best.index, 1u);
  EXPECT_EQ(best.microseconds, 11.8);
}

TEST(FastestCandidate, DoesNotTrustOneUnluckyTime) {
  FakeTimer timer({{11.6, 11.4, 30, 11.4}, {11.5}});
  const FastestCandidate best = timer.fastest().value();
  EXPECT_EQ(best.index, 0u);
  EXPECT_EQ(best.microseconds, 11.4);
}

TEST(FastestCandidate, RepeatsCloseOnesInTurn) {
  FakeTimer timer({{10.2}, {20}, {10}});
  EXPECT_EQ(timer.fastest().value().index, 2u);
  EXPECT_THAT(timer.calls, testing::ElementsAre(0, 1, 2, 2, 0, 2, 0, 2, 0, 2, 0));
}

TEST(FastestCandidate, BoundsTheRepetitions) {
  FakeTimer timer(std::vector<std::vector<double>>(20, {10}));
  EXPECT_EQ(timer.fastest().value().index, 0u);
  EXPECT_EQ(timer.calls.size(), 20 + kMostClose * kCloseRounds);
}

TEST(FastestCandidate, PassesAFailureOn) {
  const auto time = [](std::size_t i) -> Result<double> {
    if (i == 1) return unsupported("lost");
    return 10.0;
  };
  const Result<FastestCandidate> best = fastest_candidate(3, time);
  ASSERT_FALSE(best.ok());
  EXPECT_EQ(best.status().code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace xinfer::tune
