#include "step_operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xinfer::tools {
namespace {

std::vector<double> counted(const std::vector<bool>& left_out, std::vector<double> operations) {
  std::vector<StepProfile> steps(left_out.size());
  for (std::size_t i = 0; i < steps.size(); ++i) steps[i].left_out = left_out[i];
  count_where_done(steps, operations);
  return operations;
}

TEST(StepOperations, AreCountedWhereTheyAreDone) {
  using ::testing::ElementsAre;
  EXPECT_THAT(counted({false, false}, {1, 2}), ElementsAre(1, 2));
  EXPECT_THAT(counted({true, false, false}, {1, 2, 4}), ElementsAre(0, 3, 4));
  EXPECT_THAT(counted({false, true, true, false, true, false}, {1, 2, 4, 8, 16, 32}),
              ElementsAre(1, 0, 0, 14, 0, 48));
}

}  // namespace
}  // namespace xinfer::tools
