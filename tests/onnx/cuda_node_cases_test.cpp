// Every node case of ONNX's backend suite that the CPU computes has a CUDA form, but for the listed
// ones, and gives the expected outputs in the emulator. Compiling the kernels of all of them takes
// minutes: by default a sample is run, and all with --gtest_also_run_disabled_tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compare_outputs.h"
#include "compile/execute.h"
#include "data/npy.h"
#include "emulated_plan.h"
#include "import/onnx_import.h"
#include "lower/cuda/lower_cuda.h"
#include "node_cases.h"
#include "passes/pipeline.h"

namespace xinfer {
namespace {

using gpu::emulator::emulate_plan;
using gpu::emulator::HostCompiler;

const HostCompiler& compiler() {
  static const HostCompiler kCompiler(XINFER_EMULATED_KERNELS);
  return kCompiler;
}

Result<ir::Graph> fused_graph(const NodeCase& node_case) {
  XINFER_ASSIGN_OR_RETURN(ir::Graph graph, import_onnx(node_case.model));
  XINFER_RETURN_IF_ERROR(passes::simplify(graph, compile::node_evaluator()));
  XINFER_RETURN_IF_ERROR(passes::fuse(graph));
  return graph;
}

std::vector<Tensor> read_tensors(
    const std::vector<std::pair<std::string, std::filesystem::path>>& files) {
  std::vector<Tensor> tensors;
  for (const auto& [name, file] : files) tensors.push_back(read_npy(file).value());
  return tensors;
}

/// The graph's symbols as the inputs' shapes bind them.
ir::Bindings bind_symbols(const ir::Graph& graph, const std::vector<Tensor>& inputs) {
  ir::Bindings symbols;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ir::SymbolicShape& shape = graph.value(graph.inputs()[i]).shape;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const std::string name = shape[axis].symbol_name();
      if (!name.empty()) symbols[name] = inputs[i].shape()[axis];
    }
  }
  return symbols;
}

/// A case as launches for a GPU.
struct LoweredCase {
  std::vector<Tensor> inputs;
  ir::Bindings symbols;
  engine::BlobWriter blobs;
  lower::OpenCudaPlan open;
};

Result<LoweredCase> lower_case(const NodeCase& node_case) {
  XINFER_ASSIGN_OR_RETURN(const ir::Graph graph, fused_graph(node_case));
  LoweredCase lowered;
  lowered.inputs = read_tensors(node_case.inputs);
  lowered.symbols = bind_symbols(graph, lowered.inputs);
  lower::SymbolRanges ranges;
  for (const auto& [name, size] : lowered.symbols) ranges[name] = {size, size, size};
  XINFER_ASSIGN_OR_RETURN(const lower::CudaTarget target,
                          lower::make_cuda_target("sm_90a", lower::CudaBackend::kAuto));
  XINFER_ASSIGN_OR_RETURN(lowered.open, lower::lower_cuda(graph, ranges, target, lowered.blobs));
  return lowered;
}

/// Why a case is left out; empty if it is not.
std::string left_out(const NodeCase& node_case) {
  for (const char* stage : {"import", "run"}) {
    if (std::string reason = exclusion(stage, node_case.name); !reason.empty()) return reason;
  }
  return "";
}

class CudaNodeCase : public testing::TestWithParam<NodeCase> {};

TEST_P(CudaNodeCase, HasACudaForm) {
  if (const std::string reason = left_out(GetParam()); !reason.empty()) GTEST_SKIP() << reason;
  const Result<LoweredCase> lowered = lower_case(GetParam());
  const std::string refusal = exclusion("cuda", GetParam().name);
  if (refusal.empty()) {
    EXPECT_TRUE(lowered.ok()) << lowered.status().message();
  } else {
    ASSERT_FALSE(lowered.ok()) << "listed as refused, and is not: " << refusal;
    EXPECT_THAT(lowered.status().message(), testing::HasSubstr(refusal));
  }
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CudaNodeCase);
INSTANTIATE_TEST_SUITE_P(Onnx, CudaNodeCase, testing::ValuesIn(node_cases()),
                         [](const auto& instance) { return test_name(instance.param); });

class EmulatedNodeCase : public testing::TestWithParam<NodeCase> {};

TEST_P(EmulatedNodeCase, GivesTheExpectedOutputs) {
  const NodeCase& node_case = GetParam();
  if (!left_out(node_case).empty() || !exclusion("cuda", node_case.name).empty()) {
    GTEST_SKIP() << "not computed on GPUs";
  }
  const Result<LoweredCase> lowered = lower_case(node_case);
  ASSERT_TRUE(lowered.ok()) << lowered.status().message();
  const std::vector<Tensor> expected = read_tensors(node_case.outputs);
  std::vector<Tensor> outputs;
  for (const Tensor& tensor : expected) outputs.emplace_back(tensor.dtype(), tensor.shape());
  const Status status = emulate_plan(lowered->open, lowered->blobs, lowered->symbols,
                                     lowered->inputs, outputs, compiler(), 1);
  ASSERT_TRUE(status.ok()) << status.message();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    SCOPED_TRACE("output \"" + node_case.outputs[i].first + "\"");
    expect_equal(outputs[i], expected[i], node_case);
  }
}

/// Every 15th case: neighbours in the list differ little.
std::vector<NodeCase> sampled_cases() {
  std::vector<NodeCase> sample;
  const std::vector<NodeCase> all = node_cases();
  for (std::size_t i = 0; i < all.size(); i += 15) sample.push_back(all[i]);
  return sample;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(EmulatedNodeCase);
INSTANTIATE_TEST_SUITE_P(Sample, EmulatedNodeCase, testing::ValuesIn(sampled_cases()),
                         [](const auto& instance) { return test_name(instance.param); });
INSTANTIATE_TEST_SUITE_P(DISABLED_All, EmulatedNodeCase, testing::ValuesIn(node_cases()),
                         [](const auto& instance) { return test_name(instance.param); });

}  // namespace
}  // namespace xinfer
