// Broken and hostile files end in a Status: bytes changed at random, files cut short, and sizes
// that a careless reader would believe.
#include <gtest/gtest.h>

#include <random>

#include "import/test_model.h"
#include "ir/verify.h"

namespace xinfer::import {
namespace {

/// A model with most of what the importer resolves: shape arithmetic, reshapes, windows, slices.
TestModel rich_model() {
  TestModel model(13);
  model.input("x", {"batch", "4", "h", "w"}).output("y").output("s");
  model.floats("weight", {8, 4, 3, 3}).floats("bias", {8}).floats("scales", {4}, {1, 1, 2, 2});
  model.ints("two", {1}, {2}).ints("minus", {1}, {-1}).ints("starts", {1}, {0});
  model.ints("ends", {1}, {1})
      .ints("pads", {8}, {0, 0, 1, 1, 0, 0, 1, 1})
      .ints("parts", {2}, {3, 5});
  model.node("Pad", {"x", "pads"}, {"p"});
  model.node("Conv", {"p", "weight", "bias"}, {"c"}).integers("strides", {2, 2});
  model.node("MaxPool", {"c"}, {"m"}).integers("kernel_shape", {3, 3}).integer("ceil_mode", 1);
  model.node("Resize", {"m", "", "scales"}, {"r"}).text("mode", "linear");
  model.node("Split", {"r", "parts"}, {"r0", "r1"}).integer("axis", 1);
  model.node("Concat", {"r1", "r0"}, {"k"}).integer("axis", 1);
  model.node("Shape", {"k"}, {"s"});
  model.node("Slice", {"s", "starts", "ends"}, {"n"});
  model.node("Concat", {"n", "two", "minus"}, {"target"}).integer("axis", 0);
  model.node("Reshape", {"k", "target"}, {"f"});
  model.node("Softmax", {"f"}, {"y"}).integer("axis", -1);
  return model;
}

/// Whatever the bytes are: an error, or a graph that verifies.
void expect_graceful(const std::string& bytes) {
  const auto graph = import_onnx(as_bytes(bytes));
  if (!graph.ok()) {
    EXPECT_NE(graph.status().code(), ErrorCode::kInternal) << graph.status().message();
    EXPECT_FALSE(graph.status().message().empty());
    return;
  }
  const Status verified = ir::verify(*graph);
  EXPECT_TRUE(verified.ok()) << verified.message();
}

TEST(Robustness, TheModelItselfImports) {
  const auto graph = rich_model().import();
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const Status verified = ir::verify(*graph);
  EXPECT_TRUE(verified.ok()) << verified.message();
}

TEST(Robustness, EveryTruncationIsAnError) {
  const std::string bytes = rich_model().bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto graph = import_onnx(as_bytes(std::string_view(bytes).substr(0, size)));
    // A cut between two top-level fields leaves a shorter, valid message.
    if (graph.ok()) {
      EXPECT_TRUE(ir::verify(*graph).ok()) << size;
    }
  }
}

class Mutation : public testing::TestWithParam<unsigned> {};

TEST_P(Mutation, RandomBytesNeverCrash) {
  const std::string original = rich_model().bytes();
  std::mt19937 random(GetParam());
  SCOPED_TRACE(fmt::format("seed {}", GetParam()));
  for (int i = 0; i < 400; ++i) {
    std::string bytes = original;
    const auto changes = 1 + random() % 4;
    for (unsigned k = 0; k < changes; ++k) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    expect_graceful(bytes);
  }
}

/// An int64 that breaks arithmetic more often than a uniform one does.
std::int64_t nasty(std::mt19937& random) {
  constexpr std::int64_t kNasty[] = {0,
                                     1,
                                     -1,
                                     2,
                                     -2,
                                     INT32_MAX,
                                     INT32_MIN,
                                     INT64_MAX,
                                     INT64_MIN,
                                     INT64_C(1) << 40,
                                     -(INT64_C(1) << 31),
                                     1000};
  return kNasty[random() % std::size(kNasty)];
}

TEST_P(Mutation, RandomNumbersInTheModelNeverCrash) {
  std::mt19937 random(GetParam());
  SCOPED_TRACE(fmt::format("seed {}", GetParam()));
  for (int i = 0; i < 300; ++i) {
    TestModel model = rich_model();
    onnx::GraphProto* graph = model.proto().mutable_graph();
    for (int k = 0; k < 2; ++k) {
      const auto pick = random() % 4;
      if (pick == 0) {
        auto* node = graph->mutable_node(static_cast<int>(random()) & 7);
        if (node->attribute_size() == 0) continue;
        auto* attribute = node->mutable_attribute(0);
        attribute->set_i(nasty(random));
        if (attribute->ints_size() > 0) attribute->set_ints(0, nasty(random));
      } else if (pick == 1) {
        auto* tensor = graph->mutable_initializer(
            3 + static_cast<int>(random() % static_cast<unsigned>(graph->initializer_size() - 3)));
        tensor->set_int64_data(0, nasty(random));
      } else if (pick == 2) {
        auto* shape =
            graph->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
        shape->mutable_dim(static_cast<int>(random() % 4))->set_dim_value(nasty(random));
      } else {
        auto* node = graph->mutable_node(static_cast<int>(random() % 11));
        node->set_input(0, graph->node(static_cast<int>(random() % 11)).output(0));
      }
    }
    expect_graceful(model.bytes());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Mutation, testing::Range(1u, 6u));

TEST(Robustness, DeeplyNestedMessagesAreRefused) {
  onnx::GraphProto inner;
  for (int depth = 0; depth < 200; ++depth) {
    onnx::GraphProto outer;
    auto* attribute = outer.add_node()->add_attribute();
    attribute->set_name("body");
    attribute->mutable_g()->Swap(&inner);
    outer.Swap(&inner);
  }
  onnx::ModelProto model;
  model.add_opset_import()->set_version(13);
  model.mutable_graph()->Swap(&inner);
  EXPECT_FALSE(import_onnx(as_bytes(model.SerializeAsString())).ok());
}

TEST(Robustness, ShapeArithmeticThatExplodesEnds) {
  TestModel model(13);
  model.input("x", {"a", "b", "c"}).output("y").ints("axes", {1}, {0});
  model.node("Size", {"x"}, {"v0"});
  for (int i = 0; i < 200; ++i) {
    model.node("Mul", {fmt::format("v{}", i), fmt::format("v{}", i)}, {fmt::format("v{}", i + 1)});
  }
  model.node("Unsqueeze", {"v200", "axes"}, {"shape"});
  model.node("Reshape", {"x", "shape"}, {"y"});
  EXPECT_FALSE(model.import().ok());
}

TEST(Robustness, DimensionsThatDoubleWithoutEndAreRefused) {
  TestModel model(13);
  model.input("v0", {"n", "h"}).output("v100");
  for (int i = 0; i < 100; ++i) {
    const std::string from = fmt::format("v{}", i);
    model.node("Concat", {from, from}, {fmt::format("v{}", i + 1)}).integer("axis", 1);
  }
  const auto graph = model.import();
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.status().code(), ErrorCode::kInvalidModel);
}

TEST(Robustness, ReshapeTargetsCannotOverflow) {
  for (const std::int64_t entry : {INT64_MAX, INT64_C(1) << 32, INT64_MIN}) {
    TestModel model(13);
    model.input("x", {"n", "4"}).output("y").ints("shape", {4}, {entry, entry, -1, entry});
    model.node("Reshape", {"x", "shape"}, {"y"});
    EXPECT_FALSE(model.import().ok()) << entry;
  }
}

TEST(Robustness, HugeShapesAreRefused) {
  for (const char* dim : {"4294967296", "9223372036854775807"}) {
    TestModel model(13);
    model.input("x", {dim, "3"}).output("y");
    model.node("Relu", {"x"}, {"y"});
    EXPECT_FALSE(model.import().ok()) << dim;
  }
  TestModel fill(13);
  fill.output("y").ints("shape", {3}, {INT32_MAX, INT32_MAX, INT32_MAX});
  fill.node("ConstantOfShape", {"shape"}, {"y"});
  EXPECT_FALSE(fill.import().ok());
  TestModel tile(13);
  tile.input("x", {"n", "3"}).output("y").ints("repeats", {2}, {INT64_MAX, INT64_MAX});
  tile.node("Tile", {"x", "repeats"}, {"y"});
  EXPECT_FALSE(tile.import().ok());
}

TEST(Robustness, EmptyAndForeignFilesAreNamedAsSuch) {
  EXPECT_FALSE(import_onnx(as_bytes("")).ok());
  EXPECT_FALSE(import_onnx(as_bytes("PK\x03\x04 not a model")).ok());
  EXPECT_FALSE(import_onnx(std::filesystem::path("no/such/file.onnx")).ok());
}

}  // namespace
}  // namespace xinfer::import
