// The cost model's decisions that everything else relies on.
#include "kernels/conv/blocking.h"

#include <gtest/gtest.h>

namespace xinfer::kernels {
namespace {

/// A 3x3 convolution with C = N = channels on size x size pixels, 14 x 32 tiles of a VNNI kernel.
BlockingProblem conv3x3(std::int64_t channels, std::int64_t size, int threads) {
  BlockingProblem p;
  p.rows = size * size;
  p.column_blocks = (channels + 31) / 32;
  p.tile_rows = 14;
  p.tile_columns = 32;
  p.row_bytes = 9 * channels;
  p.column_bytes = 9 * channels * 32;
  p.steps = 9 * channels / 4;
  p.steps_per_ns = 45.0;
  p.threads = threads;
  return p;
}

TEST(Blocking, SmallWorkStaysOnTheCaller) {
  const Blocking b = choose_blocking(conv3x3(16, 7, 8));
  EXPECT_EQ(b.row_parts * b.column_parts, 1);
}

TEST(Blocking, ManyRowsAreSplitByRows) {
  const Blocking b = choose_blocking(conv3x3(64, 56, 4));
  EXPECT_EQ(b.row_parts, 4);
  EXPECT_EQ(b.column_parts, 1);
}

TEST(Blocking, LargeWeightsAreSplitByColumns) {
  const Blocking b = choose_blocking(conv3x3(512, 7, 4));
  EXPECT_EQ(b.row_parts, 1);
  EXPECT_EQ(b.column_parts, 4);
}

TEST(Blocking, RowsOfOtherThreadsCostMoreThanSmallWeights) {
  BlockingProblem p = conv3x3(64, 28, 2);
  p.gathered = false;
  EXPECT_EQ(choose_blocking(p).column_parts, 2);
  p.image_bytes = p.rows * 64;
  EXPECT_EQ(choose_blocking(p).row_parts, 2);
}

TEST(Blocking, CachedWeightsPassOverTheTilesThatL1Holds) {
  BlockingProblem p = conv3x3(64, 56, 1);
  EXPECT_EQ(choose_blocking(p).block_rows, 28);  // 28 rows of 576 bytes
  p.gathered = false;
  EXPECT_EQ(choose_blocking(p).block_rows, 14);
}

TEST(Blocking, StripsInMemoryAreLong) {
  BlockingProblem p = conv3x3(64, 56, 1);
  p.gathered = false;
  p.strips = true;
  EXPECT_GE(choose_blocking(p).block_rows, 400);
}

TEST(Blocking, LargeWeightsPassOverAsManyRowsAsFitL2) {
  const BlockingProblem p = conv3x3(512, 28, 1);
  const Blocking b = choose_blocking(p);
  EXPECT_EQ(b.block_rows % p.tile_rows, 0);
  EXPECT_GE(b.block_rows, 4 * p.tile_rows);
  EXPECT_LE(b.block_rows * p.row_bytes, 320 * 1024);
}

TEST(Blocking, NeverMorePartsThanThreads) {
  for (int threads = 1; threads <= 9; ++threads) {
    for (std::int64_t size : {1, 3, 7, 14, 56}) {
      for (std::int64_t channels : {8, 64, 200, 512}) {
        const Blocking b = choose_blocking(conv3x3(channels, size, threads));
        EXPECT_GE(b.row_parts, 1);
        EXPECT_GE(b.column_parts, 1);
        EXPECT_LE(b.row_parts * b.column_parts, threads);
        EXPECT_GE(b.block_rows, 1);
      }
    }
  }
}

}  // namespace
}  // namespace xinfer::kernels
