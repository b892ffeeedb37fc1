// The kernels that a default build of the models of docs/performance.md selects on sm_90a, by the
// shipped timings: all compile and keep everything in registers. Needs NVRTC, no GPU.
#include "bar_models.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "jit/nvrtc.h"
#include "xinfer/builders/engine_builder.h"

namespace xinfer::gpu {
namespace {

/// Two random images; the ranges decide which values are unsigned, and nothing else of the kernels.
class RandomImages : public builders::INT8Calibrator {
 public:
  std::int64_t batch_size() const override { return 2; }
  std::string algorithm() const override { return "minmax"; }

  bool next_batch(const std::vector<std::string>& names, std::vector<Tensor>& batch) override {
    if (given_) return false;
    given_ = true;
    EXPECT_EQ(names.size(), 1u);
    Tensor images(DType::kFloat32, {2, 3, 224, 224});
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (float& value : images.values<float>()) value = normal(random);
    batch = {images};
    return true;
  }

 private:
  bool given_ = false;
};

struct Build {
  const char* name;
  std::string (*model)();
  bool int8, fp16;
  bool chains = false;  ///< computes some pairs of layers in one launch
};

void PrintTo(const Build& build, std::ostream* out) { *out << build.name; }

std::string name_of(const testing::TestParamInfo<Build>& info) { return info.param.name; }

class BarModels : public testing::TestWithParam<Build> {
 protected:
  void SetUp() override {
    if (!jit::nvrtc_version().ok()) GTEST_SKIP() << jit::nvrtc_version().status().message();
  }
};

TEST_P(BarModels, KeepEverythingInRegisters) {
  const std::string model = GetParam().model();
  builders::EngineBuilder builder;
  builder.from_onnx(std::as_bytes(std::span(model))).on("cuda:sm_90a").with_max_batch_size(256);
  if (GetParam().int8) builder.with_int8(std::make_shared<RandomImages>());
  if (GetParam().fp16) builder.with_fp16();
  const Engine engine = builder.build();
  int kernels = 0, chains = 0;
  for (const StepInfo& step : engine.steps()) {
    for (const KernelInfo& kernel : step.kernels) {
      if (kernel.left_out) continue;
      ++kernels;
      if (kernel.tactic.starts_with("chain_")) ++chains;
      EXPECT_GT(kernel.registers, 0) << step.name << ", " << kernel.tactic;
      EXPECT_EQ(kernel.local_bytes, 0) << "bytes of local memory: " << step.name << ", "
                                       << kernel.tactic << ", batch up to " << kernel.largest_batch;
    }
  }
  EXPECT_GT(kernels, 50);
  EXPECT_EQ(chains > 0, GetParam().chains);
}

INSTANTIATE_TEST_SUITE_P(All, BarModels,
                         testing::Values(Build{"ResNet50Int8", resnet50_onnx, true, false, true},
                                         Build{"ResNet50Fp16", resnet50_onnx, false, true},
                                         Build{"MobileNetV2Int8", mobilenetv2_onnx, true, false},
                                         Build{"MobileNetV2Fp16", mobilenetv2_onnx, false, true},
                                         Build{"VitB16Int8", vit_b16_onnx, true,
                                               true},  // LayerNorm and softmax FP16
                                         Build{"VitB16Fp16", vit_b16_onnx, false, true}),
                         name_of);

}  // namespace
}  // namespace xinfer::gpu
