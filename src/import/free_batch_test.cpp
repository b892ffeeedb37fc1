#include "import/free_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/test_model.h"
#include "ir/verify.h"

namespace xinfer::import {
namespace {

using testing::HasSubstr;

Result<ir::Graph> import_free(const TestModel& model) {
  ImportOptions options;
  options.free_batch = true;
  return model.import(options);
}

TEST(FreeBatch, MakesTheFirstDimensionASymbol) {
  TestModel model(13);
  model.input("x", {"1", "3", "4", "4"}).output("y");
  model.node("Relu", {"x"}, {"y"});
  const auto graph = import_free(model);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(output_shape(*graph), "[batch, 3, 4, 4]");
}

TEST(FreeBatch, LeavesADynamicBatchAlone) {
  TestModel model(13);
  model.input("x", {"n", "3"}).output("y");
  model.node("Relu", {"x"}, {"y"});
  const auto graph = import_free(model);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(output_shape(*graph), "[n, 3]");
}

TEST(FreeBatch, RefusesAnotherFixedBatch) {
  TestModel model(13);
  model.input("x", {"4", "3"}).output("y");
  model.node("Relu", {"x"}, {"y"});
  const auto graph = import_free(model);
  ASSERT_FALSE(graph.ok());
  EXPECT_THAT(graph.status().message(), HasSubstr("fixed first dimension of 4"));
}

struct ReshapeCase {
  std::vector<std::int64_t> target;
  const char* expected;
};

TEST(FreeBatch, RepairsReshapes) {
  const ReshapeCase cases[] = {
      {{1, -1}, "[batch, 48]"},       {{-1, 48}, "[batch, 48]"},  {{0, -1}, "[batch, 48]"},
      {{1, 3, 16}, "[batch, 3, 16]"}, {{3, -1}, "[3*batch, 16]"}, {{48}, "[48*batch]"},
      {{1, 1, 48}, "[batch, 1, 48]"}, {{-1}, "[48*batch]"},
  };
  for (const ReshapeCase& reshape : cases) {
    TestModel model(13);
    model.input("x", {"1", "3", "4", "4"}).output("y");
    model.ints("shape", {static_cast<std::int64_t>(reshape.target.size())}, reshape.target);
    model.node("Reshape", {"x", "shape"}, {"y"});
    const auto graph = import_free(model);
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    EXPECT_EQ(output_shape(*graph), reshape.expected);
  }
}

/// Channel shuffle as ShuffleNet exports have it, the batch merged with the channels on the way.
TEST(FreeBatch, FollowsTheBatchThroughAMergedAxis) {
  TestModel model(11);
  model.input("x", {"1", "48", "4", "4"}).output("z");
  model.ints("merged", {3}, {24, 2, 16}).ints("split", {5}, {2, -1, 24, 4, 4});
  model.ints("zero", {}, {0});
  model.node("Reshape", {"x", "merged"}, {"a"});
  model.node("Transpose", {"a"}, {"b"}).integers("perm", {1, 0, 2});
  model.node("Reshape", {"b", "split"}, {"c"});
  model.node("Gather", {"c", "zero"}, {"z"}).integer("axis", 0);
  const auto graph = import_free(model);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(output_shape(*graph), "[batch, 24, 4, 4]");
  EXPECT_TRUE(ir::verify(*graph).ok());
}

TEST(FreeBatch, RefusesAReshapeWhoseBatchIsLost) {
  TestModel model(13);
  model.input("x", {"1", "6"}).output("z");
  model.ints("shape", {1}, {6});
  model.node("Transpose", {"x"}, {"y"}).integers("perm", {1, 0});
  model.node("Reshape", {"y", "shape"}, {"z"}).proto().set_name("flat");
  const auto graph = import_free(model);
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.status().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(graph.status().message(), HasSubstr("node \"flat\" (Reshape, opset 13)"));
}

TEST(FreeBatch, RefusesNodesThatMixSamples) {
  TestModel model(13);
  model.input("x", {"1", "6"}).output("y").ints("zero", {}, {0});
  model.node("Gather", {"x", "zero"}, {"y"}).proto().set_name("first");
  const auto graph = import_free(model);
  ASSERT_FALSE(graph.ok());
  EXPECT_THAT(graph.status().message(), HasSubstr("node \"first\""));
}

TEST(FreeBatch, RepairsASqueezedBatch) {
  TestModel model(13);
  model.input("x", {"1", "6"}).output("y").ints("axes", {1}, {0});
  model.node("Squeeze", {"x", "axes"}, {"y"});
  const auto graph = import_free(model);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(output_shape(*graph), "[6*batch]");
}

TEST(FreeBatch, RepairsResizeSizes) {
  TestModel model(13);
  model.input("x", {"1", "3", "4", "4"}).output("y").ints("sizes", {4}, {1, 3, 8, 8});
  model.node("Resize", {"x", "", "", "sizes"}, {"y"});
  const auto graph = import_free(model);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(output_shape(*graph), "[batch, 3, 8, 8]");
}

TEST(FreeBatch, RefusesOutputsThatDoNotGrow) {
  TestModel model(13);
  model.input("x", {"1", "3"}).output("y").output("c").floats("w", {1, 3});
  model.node("Add", {"x", "w"}, {"y"});
  model.node("Neg", {"w"}, {"c"});
  const auto graph = import_free(model);
  ASSERT_FALSE(graph.ok());
  EXPECT_THAT(graph.status().message(), HasSubstr("output \"c\""));
}

}  // namespace
}  // namespace xinfer::import
