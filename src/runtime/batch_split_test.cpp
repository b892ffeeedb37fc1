#include "runtime/batch_split.h"

#include <gtest/gtest.h>

namespace xinfer::runtime {
namespace {

constexpr std::size_t kMiB = 1 << 20;

TEST(BatchSplit, FewerSamplesThanThreadsRunWhole) {
  EXPECT_EQ(choose_chunk({1, 1, 4 * kMiB, kMiB}), 0);
  EXPECT_EQ(choose_chunk({8, 16, 4 * kMiB, kMiB}), 0);
  EXPECT_EQ(choose_chunk({1, 16, 4 * kMiB, kMiB}), 0);
}

TEST(BatchSplit, ChunksDivideTheBatchAndLeaveWorkForEveryThread) {
  for (std::int64_t batch = 2; batch <= 64; ++batch) {
    for (int threads : {1, 2, 3, 16}) {
      for (std::size_t weights : {kMiB / 4, 4 * kMiB, 100 * kMiB}) {
        const std::int64_t chunk = choose_chunk({batch, threads, weights, kMiB});
        if (chunk == 0) continue;
        EXPECT_EQ(batch % chunk, 0);
        EXPECT_GE(batch / chunk, threads);
        EXPECT_LE(chunk, 8);
      }
    }
  }
}

TEST(BatchSplit, HeavyWeightsServeSeveralSamples) {
  EXPECT_EQ(choose_chunk({32, 1, kMiB, 2 * kMiB}), 1);
  EXPECT_EQ(choose_chunk({32, 1, 4 * kMiB, kMiB}), 4);
  EXPECT_EQ(choose_chunk({32, 1, 50 * kMiB, kMiB}), 8);
}

TEST(BatchSplit, ChunksBelowTheProfilesSmallestBatchAreNotMade) {
  EXPECT_EQ(choose_chunk({32, 1, 4 * kMiB, kMiB, /*smallest_batch=*/4}), 4);
  EXPECT_EQ(choose_chunk({32, 1, 4 * kMiB, kMiB, /*smallest_batch=*/5}), 0);
}

}  // namespace
}  // namespace xinfer::runtime
