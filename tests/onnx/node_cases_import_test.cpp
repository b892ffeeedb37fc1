// Every node case of ONNX's backend suite imports and verifies, or is excluded with a reason.
#include <gtest/gtest.h>

#include "import/onnx_import.h"
#include "ir/verify.h"
#include "node_cases.h"

namespace xinfer {
namespace {

TEST(NodeCases, AreThere) {
  if (node_cases().empty()) {
    GTEST_SKIP() << "no node cases; the test onnx_node_cases_generate writes them";
  }
}

class NodeCaseImport : public testing::TestWithParam<NodeCase> {};

TEST_P(NodeCaseImport, ImportsAndVerifies) {
  const std::string reason = exclusion("import", GetParam().name);
  const auto graph = import_onnx(GetParam().model);
  if (!reason.empty()) {
    ASSERT_FALSE(graph.ok()) << "imports, though excluded: " << reason;
    EXPECT_EQ(graph.status().code(), ErrorCode::kUnsupported) << graph.status().message();
    return;
  }
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const Status verified = ir::verify(*graph);
  EXPECT_TRUE(verified.ok()) << verified.message();
  EXPECT_EQ(graph->inputs().size(), GetParam().inputs.size());
  EXPECT_EQ(graph->outputs().size(), GetParam().outputs.size());
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(NodeCaseImport);
INSTANTIATE_TEST_SUITE_P(Onnx, NodeCaseImport, testing::ValuesIn(node_cases()),
                         [](const auto& instance) { return test_name(instance.param); });

}  // namespace
}  // namespace xinfer
