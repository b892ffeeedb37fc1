// Every node case of ONNX's backend suite gives the expected outputs on the FP32 executor.
#include "node_cases.h"

#include <gtest/gtest.h>

#include <map>

#include "compare_outputs.h"
#include "compile/run_graph.h"
#include "data/npy.h"
#include "import/onnx_import.h"

namespace xinfer {
namespace {

class NodeCaseRun : public testing::TestWithParam<NodeCase> {};

TEST_P(NodeCaseRun, GivesTheExpectedOutputs) {
  const NodeCase& node_case = GetParam();
  for (const char* stage : {"import", "run"}) {
    if (const std::string reason = exclusion(stage, node_case.name); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
  }
  const auto graph = import_onnx(node_case.model);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  std::map<std::string, Tensor> inputs;
  for (const auto& [name, file] : node_case.inputs) {
    auto tensor = read_npy(file);
    ASSERT_TRUE(tensor.ok()) << tensor.status().message();
    inputs.emplace(name, *std::move(tensor));
  }
  const auto outputs = compile::run_graph(*graph, inputs);
  ASSERT_TRUE(outputs.ok()) << outputs.status().message();
  ASSERT_EQ(outputs->size(), node_case.outputs.size());
  for (std::size_t i = 0; i < outputs->size(); ++i) {
    SCOPED_TRACE("output \"" + node_case.outputs[i].first + "\"");
    const auto expected = read_npy(node_case.outputs[i].second);
    ASSERT_TRUE(expected.ok()) << expected.status().message();
    expect_equal((*outputs)[i], *expected, node_case);
  }
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(NodeCaseRun);
INSTANTIATE_TEST_SUITE_P(Onnx, NodeCaseRun, testing::ValuesIn(node_cases()),
                         [](const auto& instance) { return test_name(instance.param); });

}  // namespace
}  // namespace xinfer
