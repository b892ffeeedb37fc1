#include "runtime/packed_offsets.h"

#include <gtest/gtest.h>

#include <random>

#include "core/aligned_buffer.h"

namespace xinfer::runtime {
namespace {

struct Block {
  std::size_t offset;
  std::size_t sample_bytes;
};

TEST(PackedOffsets, KeepApartWhatWasApart) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    const std::int64_t largest = 1 + static_cast<std::int64_t>(random() % 40);
    // Two plans in one arena: blocks of one never live beside blocks of the other.
    std::vector<Block> plans[2];
    std::vector<std::size_t> planned;
    std::size_t arena = 0;
    for (auto& blocks : plans) {
      std::size_t end = 0;
      for (int i = 0; i < 20; ++i) {
        const Block block{end, 1 + random() % 5000};
        end += align_up(block.sample_bytes * static_cast<std::size_t>(largest) + kBufferMargin,
                        kBufferAlignment);
        blocks.push_back(block);
        planned.push_back(block.offset);
      }
      arena = std::max(arena, end);
    }
    for (std::int64_t batch = 1; batch <= largest; ++batch) {
      const PackedOffsets packed(planned, arena, batch, largest);
      const auto samples = static_cast<std::size_t>(batch);
      for (const auto& blocks : plans) {
        std::size_t end = 0;
        for (const Block& block : blocks) {
          const std::size_t at = packed(block.offset);
          ASSERT_EQ(at % kBufferAlignment, 0u);
          ASSERT_GE(at, end) << batch << " of " << largest;
          end = at + block.sample_bytes * samples;
        }
        ASSERT_LE(end, arena) << batch << " of " << largest;
      }
    }
  }
}

TEST(PackedOffsets, PackASampleOfMany) {
  const std::size_t megabyte = 1 << 20;
  const PackedOffsets packed({0, 32 * megabyte, 0}, 64 * megabyte, 1, 32);
  EXPECT_EQ(packed(0), 0u);
  EXPECT_EQ(packed(32 * megabyte), megabyte + kBufferAlignment);
}

TEST(PackedOffsets, StayAsPlannedForMostOfTheBatch) {
  const PackedOffsets packed({0, 4096}, 8192, 5, 8);
  EXPECT_EQ(packed(4096), 4096u);
  EXPECT_EQ(PackedOffsets()(77), 77u);
}

}  // namespace
}  // namespace xinfer::runtime
