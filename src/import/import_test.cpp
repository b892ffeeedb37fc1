// The importer's frame: opsets, names, messages, tensors, order of nodes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "import/op_table.h"
#include "import/test_model.h"
#include "import/utf8.h"
#include "ir/verify.h"

namespace xinfer::import {
namespace {

using onnx::TensorProto;
using testing::HasSubstr;

std::string error_of(const TestModel& model) {
  const auto graph = model.import();
  return graph.ok() ? "" : graph.status().message();
}

TEST(Import, KeepsNamesOfNodesAndValues) {
  TestModel model(13);
  model.input("x", {"n", "3"}).output("y");
  model.node("Relu", {"x"}, {"y"}).proto().set_name("act");
  const auto graph = model.import();
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(graph->opset, 13);
  EXPECT_EQ(graph->name, "test");
  EXPECT_EQ(graph->node(graph->order()[0]).name, "act");
  EXPECT_NE(graph->find_value("y"), ir::kNoValue);
  EXPECT_EQ(output_shape(*graph), "[n, 3]");
}

TEST(Import, NamesUnknownOperatorsAndWhereTheyAre) {
  TestModel model(13);
  model.input("x", {"2"}).output("y");
  model.node("LSTM", {"x"}, {"h"}).proto().set_name("cell");
  model.node("Frobnicate", {"x"}, {"f"}).proto().set_domain("com.example");
  model.node("Add", {"h", "f"}, {"y"});
  const auto graph = model.import();
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.status().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(graph.status().message(), HasSubstr("2 nodes are not supported"));
  EXPECT_THAT(graph.status().message(), HasSubstr("node \"cell\" (LSTM, opset 13)"));
  EXPECT_THAT(graph.status().message(), HasSubstr("(com.example.Frobnicate, opset 13)"));
  EXPECT_THAT(graph.status().message(), HasSubstr("supported: ai.onnx"));
}

TEST(Import, ListsTenUnsupportedNodesAndCountsTheRest) {
  TestModel model(13);
  model.input("x", {"2"}).output("y0");
  for (int i = 0; i < 12; ++i) model.node("LSTM", {"x"}, {fmt::format("y{}", i)});
  const std::string error = error_of(model);
  EXPECT_THAT(error, HasSubstr("12 nodes are not supported"));
  EXPECT_THAT(error, HasSubstr("and 2 more"));
  EXPECT_THAT(error, HasSubstr("LSTM10"));
  EXPECT_THAT(error, testing::Not(HasSubstr("LSTM11")));
}

TEST(Import, SaysWhichAttributeValueIsNotSupportedAndWhatIs) {
  TestModel model(13);
  model.input("x", {"1", "3", "8", "8"}).floats("scales", {4}, {1, 1, 2, 2}).output("y");
  model.node("Resize", {"x", "", "scales"}, {"y"}).text("mode", "lanczos").proto().set_name("up1");
  EXPECT_EQ(error_of(model),
            "node \"up1\" (Resize, opset 13): mode \"lanczos\"; supported: nearest, linear, cubic");
}

TEST(Import, RefusesOpsetsOutsideTheRange) {
  TestModel model(kNewestOpset + 1);
  model.input("x", {"2"}).output("y");
  model.node("Relu", {"x"}, {"y"});
  EXPECT_THAT(error_of(model), HasSubstr(fmt::format("opset {}", kNewestOpset + 1)));
  TestModel none(13);
  none.proto().clear_opset_import();
  EXPECT_THAT(error_of(none), HasSubstr("names no opset"));
}

TEST(Import, OperatorOfAnotherOpsetIsNamedWithItsOpsets) {
  TestModel model(10);
  model.input("x", {"2"}).output("y");
  model.node("HardSwish", {"x"}, {"y"});
  EXPECT_THAT(error_of(model),
              HasSubstr("(HardSwish, opset 10): supported for opsets 14 and later"));
}

TEST(Import, SortsNodesThatAreOutOfOrder) {
  TestModel model(13);
  model.input("x", {"2"}).output("z");
  model.node("Neg", {"y"}, {"z"});
  model.node("Abs", {"x"}, {"y"});
  const auto graph = model.import();
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(graph->node(graph->order()[0]).name, "Abs2");
}

TEST(Import, RefusesCyclesAndDoubleNames) {
  TestModel cycle(13);
  cycle.input("x", {"2"}).output("a");
  cycle.node("Add", {"x", "b"}, {"a"});
  cycle.node("Neg", {"a"}, {"b"});
  EXPECT_THAT(error_of(cycle), HasSubstr("depends on its own output"));
  TestModel twice(13);
  twice.input("x", {"2"}).output("y");
  twice.node("Neg", {"x"}, {"y"});
  twice.node("Abs", {"x"}, {"y"});
  EXPECT_THAT(error_of(twice), HasSubstr("given by two nodes"));
  TestModel shadow(13);
  shadow.input("x", {"2"}).output("x");
  shadow.node("Neg", {"x"}, {"x"});
  EXPECT_FALSE(shadow.import().ok());
}

TEST(Import, RefusesMissingInputs) {
  TestModel model(13);
  model.input("x", {"2"}).output("y");
  model.node("Add", {"x", "nowhere"}, {"y"});
  EXPECT_THAT(error_of(model), HasSubstr("\"nowhere\""));
  TestModel empty(13);
  empty.input("x", {"2"}).output("y");
  empty.node("Add", {"x", ""}, {"y"});
  EXPECT_THAT(error_of(empty), HasSubstr("input 1 is missing"));
}

TEST(Import, WarnsOfUnknownAttributes) {
  TestModel model(13);
  model.input("x", {"2"}).output("y");
  model.node("Relu", {"x"}, {"y"}).integer("sparkle", 1);
  std::vector<std::string> warnings;
  ASSERT_TRUE(model.import({}, &warnings).ok());
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], HasSubstr("attribute \"sparkle\""));
}

TEST(Import, ConstantInputsBecomeConstants) {
  TestModel model(13);
  model.input("x", {"2", "6"}).input("shape", {"2"}, TensorProto::INT64).output("y");
  model.node("Reshape", {"x", "shape"}, {"y"});
  ImportOptions options;
  const std::int64_t shape[] = {3, 4};
  options.constant_inputs["shape"] = Tensor({2}, std::span<const std::int64_t>(shape));
  const auto graph = model.import(options);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(graph->inputs().size(), 1u);
  EXPECT_EQ(output_shape(*graph), "[3, 4]");
  EXPECT_THAT(error_of(model), HasSubstr("computed from data"));
}

TEST(Import, UnnamedDynamicDimensionsGetSymbols) {
  TestModel model(13);
  model.input("x", {"", "3"}).output("y");
  model.node("Relu", {"x"}, {"y"});
  const auto graph = model.import();
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(graph->value(graph->inputs()[0]).shape[0].symbol_name(), "x.0");
}

TEST(Import, NamesMustBeText) {
  for (const char* name : {"\xff", "a\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(name));
    TestModel model(13);
    model.input("x", {"2"}).output(name);
    model.node("Neg", {"x"}, {name});
    EXPECT_THAT(error_of(model), HasSubstr("UTF-8"));
  }
  EXPECT_TRUE(is_utf8("größe/日本\xf0\x9f\x99\x82"));
}

// --- tensors ---

/// A model that adds an initializer of the given type and raw bytes to a float input.
TestModel with_initializer(int type, const std::string& raw, std::int64_t count) {
  TestModel model(13);
  model.input("x", {"2"}).output("y");
  TensorProto* tensor = model.proto().mutable_graph()->add_initializer();
  tensor->set_name("w");
  tensor->set_data_type(type);
  tensor->add_dims(count);
  tensor->set_raw_data(raw);
  model.node("Add", {"x", "w"}, {"y"});
  return model;
}

TEST(ImportTensor, HalfPrecisionIsWidened) {
  const std::uint16_t halves[] = {0x3c00, 0xc001};  // 1, -2.00195
  const std::string raw(reinterpret_cast<const char*>(halves), sizeof halves);
  const auto graph = with_initializer(TensorProto::FLOAT16, raw, 2).import();
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const Tensor& tensor = *graph->value(graph->find_value("w")).constant;
  EXPECT_EQ(tensor.values<float>()[0], 1.0f);
  EXPECT_EQ(tensor.values<float>()[1], -(2.0f + 0x1p-9f));
  const auto bfloat = with_initializer(TensorProto::BFLOAT16, raw, 2).import();
  ASSERT_TRUE(bfloat.ok());
  EXPECT_EQ(bfloat->value(bfloat->find_value("w")).constant->values<float>()[0], 0.0078125f);
}

TEST(ImportTensor, ChecksSizesBeforeAllocating) {
  EXPECT_THAT(error_of(with_initializer(TensorProto::FLOAT, "1234", 2)), HasSubstr("needs 8"));
  EXPECT_THAT(error_of(with_initializer(TensorProto::FLOAT, "1234", INT64_C(1) << 38)),
              HasSubstr("holds 4 bytes"));
  EXPECT_THAT(error_of(with_initializer(TensorProto::FLOAT, "1234", INT64_MAX)),
              HasSubstr("too many elements"));
  EXPECT_THAT(error_of(with_initializer(TensorProto::FLOAT, "1234", -1)), HasSubstr("negative"));
  EXPECT_THAT(error_of(with_initializer(TensorProto::STRING, "1234", 1)), HasSubstr("string"));
  EXPECT_THAT(error_of(with_initializer(77, "1234", 1)), HasSubstr("type 77"));
}

class ExternalData : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / "xinfer_external_data";
    std::filesystem::create_directories(folder_ / "model");
    const float values[] = {0, 1, 2, 3};
    std::ofstream(folder_ / "model" / "weights.bin", std::ios::binary)
        .write(reinterpret_cast<const char*>(values), sizeof values);
    std::ofstream(folder_ / "secret.bin", std::ios::binary) << "12345678";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<ir::Graph> import_with(const std::string& location, const std::string& offset) {
    TestModel model = with_initializer(TensorProto::FLOAT, "", 2);
    TensorProto* tensor = model.proto().mutable_graph()->mutable_initializer(0);
    tensor->clear_raw_data();
    tensor->set_data_location(TensorProto::EXTERNAL);
    const auto add = [&](const char* key, const std::string& value) {
      auto* entry = tensor->add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    };
    add("location", location);
    add("offset", offset);
    const std::string bytes = model.bytes();
    std::ofstream(folder_ / "model" / "model.onnx", std::ios::binary) << bytes;
    return import_onnx(folder_ / "model" / "model.onnx");
  }

  std::filesystem::path folder_;
};

TEST_F(ExternalData, IsReadBesideTheModel) {
  const auto graph = import_with("weights.bin", "8");
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(graph->value(graph->find_value("w")).constant->values<float>()[0], 2.0f);
}

TEST_F(ExternalData, StaysInsideTheModelsFolder) {
  const auto above = import_with("../secret.bin", "0");
  ASSERT_FALSE(above.ok());
  EXPECT_THAT(above.status().message(), HasSubstr("outside the model's folder"));
  EXPECT_FALSE(import_with((folder_ / "secret.bin").string(), "0").ok());
  std::filesystem::create_symlink(folder_ / "secret.bin", folder_ / "model" / "link.bin");
  EXPECT_FALSE(import_with("link.bin", "0").ok());
}

TEST_F(ExternalData, MustHoldTheTensor) {
  EXPECT_FALSE(import_with("weights.bin", "12").ok());
  EXPECT_FALSE(import_with("weights.bin", "18446744073709551615").ok());
  EXPECT_FALSE(import_with("weights.bin", "-1").ok());
  EXPECT_FALSE(import_with("absent.bin", "0").ok());
  EXPECT_FALSE(import_with(".", "0").ok());
}

TEST(Import, SupportedOpsDocumentIsUpToDate) {
  std::ifstream stream(XINFER_SUPPORTED_OPS);
  const std::string document((std::istreambuf_iterator<char>(stream)),
                             std::istreambuf_iterator<char>());
  EXPECT_EQ(document, supported_ops_document())
      << "docs/supported-ops.md is out of date: build the target supported_ops_document";
}

}  // namespace
}  // namespace xinfer::import
