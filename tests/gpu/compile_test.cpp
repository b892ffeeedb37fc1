// Every kernel template compiles for every architecture, and those that the cost model selects for
// ResNet-50 on sm_90a keep everything in registers. Needs NVRTC, no GPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "device/cubin_info.h"
#include "gpu_case.h"
#include "jit/kernel_compiler.h"
#include "layers.h"

namespace xinfer::gpu {
namespace {

using kernels::cuda::KernelSpec;

constexpr const char* kArchitectures[] = {"sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a", "sm_120"};

// 90 for "sm_90a".
int capability_of(const char* architecture) { return std::atoi(architecture + 3); }

// Compiles a spec as the compiler does, without a cache.
Result<std::vector<cuda::KernelResources>> compile(const KernelSpec& spec,
                                                   const char* architecture) {
  XINFER_ASSIGN_OR_RETURN(const jit::Compilation compilation,
                          jit::compilation_of(spec, architecture));
  XINFER_ASSIGN_OR_RETURN(const auto cubin, jit::compile_to_cubin(compilation));
  return cuda::cubin_resources(cubin);
}

class CompileTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!jit::nvrtc_version().ok()) GTEST_SKIP() << jit::nvrtc_version().status().message();
  }
};

TEST_F(CompileTest, EveryFamilyOnEveryArchitecture) {
  constexpr std::uint64_t kSeed = 4;
  for (const std::string& family : families()) {
    const GpuCase test = make_case(family, kSeed);
    ASSERT_FALSE(test.spec.entry.empty()) << family;
    for (const char* architecture : kArchitectures) {
      if (test.spec.architecture_specific && std::string(architecture) != "sm_90a") continue;
      if (capability_of(architecture) < test.spec.least_capability) continue;
      const auto resources = compile(test.spec, architecture);
      ASSERT_TRUE(resources.ok()) << family << ": " << resources.status().message();
      const auto is_entry = [&](const auto& kernel) { return kernel.entry == test.spec.entry; };
      EXPECT_EQ(std::count_if(resources->begin(), resources->end(), is_entry), 1)
          << family << " on " << architecture;
    }
  }
}

TEST_F(CompileTest, TheObserverOnEveryArchitecture) {
  KernelSpec spec;
  spec.entry = "observe_values";
  spec.source = "observe/cuda_observe.cuh";
  for (const char* architecture : kArchitectures) {
    const auto resources = compile(spec, architecture);
    ASSERT_TRUE(resources.ok()) << resources.status().message();
    // Some architectures divide in functions of their own, which are listed beside it.
    const auto is_entry = [&](const auto& kernel) { return kernel.entry == spec.entry; };
    EXPECT_EQ(std::count_if(resources->begin(), resources->end(), is_entry), 1) << architecture;
  }
}

TEST_F(CompileTest, FirstChoicesKeepEverythingInRegisters) {
  constexpr kernels::cuda::ConvTarget kH200{90, 132, true};
  std::set<std::string> seen;
  for (const BenchLayer& layer : resnet50_layers()) {
    for (const std::int64_t batch : {1, 128}) {
      const auto specs = kernels::cuda::conv_candidates(layer.problem, kH200, batch, 1);
      ASSERT_TRUE(specs.ok()) << specs.status().message();
      const KernelSpec& spec = specs->front();
      if (!seen.insert(spec.layer).second) continue;
      const auto resources = compile(spec, "sm_90a");
      ASSERT_TRUE(resources.ok()) << resources.status().message();
      EXPECT_EQ(resources->front().local_bytes, 0) << layer.name << " " << spec.tactic;
    }
  }
}

TEST_F(CompileTest, MmaKernelsKeepEverythingInRegistersOnAmpere) {
  constexpr kernels::cuda::ConvTarget kA100{80, 108, false};
  for (const BenchLayer& layer : resnet50_layers()) {
    const auto specs = kernels::cuda::conv_candidates(layer.problem, kA100, 128, 1);
    ASSERT_TRUE(specs.ok()) << specs.status().message();
    const auto resources = compile(specs->front(), "sm_80");
    ASSERT_TRUE(resources.ok()) << resources.status().message();
    EXPECT_EQ(resources->front().local_bytes, 0) << layer.name << " " << specs->front().tactic;
  }
}

}  // namespace
}  // namespace xinfer::gpu
