// Transposes of detection heads: where they move, and where they stay.
#include "passes/hoist_transposes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "passes/test_graphs.h"

namespace xinfer::passes {
namespace {

using ir::GraphBuilder;
using ir::ValueId;
using ::testing::ElementsAre;

const ir::Dim kBatch = ir::Dim::symbol("batch");

ValueId merged(GraphBuilder& b, ValueId x, std::int64_t pixels, const std::string& name) {
  return b.reshape(x, {kBatch, 8, pixels}, name);
}

TEST(HoistTransposes, MovesThroughConcatAndReshape) {
  GraphBuilder b;
  const ValueId x = merged(b, b.input("x", {kBatch, 8, 4, 6}), 24, "x_merged");
  const ValueId z = merged(b, b.input("z", {kBatch, 8, 2, 3}), 6, "z_merged");
  b.output(b.transpose(b.concat({x, z}, 2, "joined"), {0, 2, 1}, "y"));
  ir::Graph graph = b.finish();
  run_twice(graph, hoist_transposes);
  EXPECT_THAT(nodes_of(graph), ElementsAre("x_merged_channels_last = Transpose(x)",
                                           "x_merged_rows = Reshape(x_merged_channels_last)",
                                           "z_merged_channels_last = Transpose(z)",
                                           "z_merged_rows = Reshape(z_merged_channels_last)",
                                           "y = Concat(x_merged_rows, z_merged_rows)"));
  EXPECT_EQ(graph.value(graph.find_value("y")).shape, (ir::SymbolicShape{kBatch, 30, 8}));
}

TEST(HoistTransposes, MovesThroughASingleReshape) {
  GraphBuilder b;
  const ValueId x = merged(b, b.input("x", {kBatch, 8, 4, 6}), 24, "x_merged");
  b.output(b.transpose(x, {0, 2, 1}, "y"));
  ir::Graph graph = b.finish();
  run_twice(graph, hoist_transposes);
  EXPECT_THAT(nodes_of(graph), ElementsAre("x_merged_channels_last = Transpose(x)",
                                           "y = Reshape(x_merged_channels_last)"));
}

TEST(HoistTransposes, StaysWhereOthersReadOrChannelsAreMerged) {
  GraphBuilder b;
  const ValueId x = merged(b, b.input("x", {kBatch, 8, 4, 6}), 24, "x_merged");
  b.output(x);
  b.output(b.transpose(x, {0, 2, 1}, "y"));
  const ValueId z = b.input("z", {kBatch, 2, 4, 6});
  b.output(b.transpose(b.reshape(z, {kBatch, 8, 6}, "z_merged"), {0, 2, 1}, "w"));
  ir::Graph graph = b.finish();
  const std::vector<std::string> before = nodes_of(graph);
  run_twice(graph, hoist_transposes);
  EXPECT_EQ(nodes_of(graph), before);
}

}  // namespace
}  // namespace xinfer::passes
