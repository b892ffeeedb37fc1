// Every node case of ONNX's backend suite gives the expected outputs on the FP32 executor.
#include "node_cases.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "compile/run_graph.h"
#include "data/npy.h"
#include "import/onnx_import.h"

namespace xinfer {
namespace {

/// Differs from `expected` by more than the case's tolerance; equal infinities and two NaN do not.
bool differs(double found, double expected, const NodeCase& node_case) {
  if (found == expected || (std::isnan(found) && std::isnan(expected))) return false;
  const double allowed =
      node_case.absolute_tolerance + node_case.relative_tolerance * std::abs(expected);
  return !(std::abs(found - expected) <= allowed);
}

template <typename T>
void expect_values(const Tensor& found, const Tensor& expected, const NodeCase& node_case) {
  const auto a = found.values<T>();
  const auto b = expected.values<T>();
  for (std::size_t i = 0; i < b.size(); ++i) {
    if constexpr (std::is_floating_point_v<T>) {
      ASSERT_FALSE(differs(a[i], b[i], node_case)) << "[" << i << "]: " << a[i] << ", not " << b[i];
    } else {
      ASSERT_EQ(a[i], b[i]) << "[" << i << "]";
    }
  }
}

void expect_equal(const Tensor& found, const Tensor& expected, const NodeCase& node_case) {
  ASSERT_EQ(to_string(found.shape()), to_string(expected.shape()));
  ASSERT_EQ(found.dtype(), expected.dtype())
      << to_string(found.dtype()) << ", not " << to_string(expected.dtype());
  switch (expected.dtype()) {
    case DType::kFloat32:
      return expect_values<float>(found, expected, node_case);
    case DType::kFloat64:
      return expect_values<double>(found, expected, node_case);
    case DType::kInt8:
      return expect_values<std::int8_t>(found, expected, node_case);
    case DType::kUInt8:
      return expect_values<std::uint8_t>(found, expected, node_case);
    case DType::kInt16:
      return expect_values<std::int16_t>(found, expected, node_case);
    case DType::kUInt16:
      return expect_values<std::uint16_t>(found, expected, node_case);
    case DType::kInt32:
      return expect_values<std::int32_t>(found, expected, node_case);
    case DType::kUInt32:
      return expect_values<std::uint32_t>(found, expected, node_case);
    case DType::kInt64:
      return expect_values<std::int64_t>(found, expected, node_case);
    case DType::kUInt64:
      return expect_values<std::uint64_t>(found, expected, node_case);
    case DType::kBool:
      return expect_values<bool>(found, expected, node_case);
    case DType::kFloat16:
    case DType::kBFloat16:
      FAIL() << "cases hold no " << to_string(expected.dtype());
  }
}

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
