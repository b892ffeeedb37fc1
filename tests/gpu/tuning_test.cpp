// Tuning without a GPU, on the fake driver, where all kernels take the same time.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "jit/kernel_compiler.h"
#include "jit/nvrtc.h"
#include "kernels/cuda/move_kernels.h"
#include "tune/tune.h"

namespace xinfer::tune {
namespace {

/// One launch that copies 1 KB, with two candidates.
lower::OpenCudaPlan two_candidates() {
  kernels::cuda::MoveProblem problem;
  problem.axes = {{.out = 256, .in = 256, .in_stride = 1, .out_stride = 1}};
  problem.element_bytes = 4;
  problem.in_image_stride = problem.out_image_stride = 256;
  lower::BatchPoint point;
  for (const char* tactic : {"first", "second"}) {
    point.candidates.push_back(kernels::cuda::move_kernel(problem).value());
    point.candidates.back().tactic = tactic;
  }
  lower::OpenLaunch launch;
  launch.points = {point};
  launch.operands = {{kernels::cuda::Operand::kInput, 1024, true},
                     {kernels::cuda::Operand::kOutput, 1024, true}};
  lower::OpenCudaPlan open;
  open.launches = {launch};
  return open;
}

class TunedOnFakeGpu : public testing::Test {
 protected:
  void SetUp() override {
    if (!jit::nvrtc_version().ok()) GTEST_SKIP() << jit::nvrtc_version().status().message();
    // Stand-ins: on this driver no kernel is run.
    const lower::OpenCudaPlan open = two_candidates();
    for (const auto& spec : open.launches[0].points[0].candidates) {
      cubins_.put(jit::compilation_of(spec, "sm_90a").value(), *jit::nvrtc_version(),
                  std::vector<std::byte>(64));
    }
    options_.ordinal = 0;
    options_.build.architecture = "sm_90a";
    options_.cubins = &cubins_;
    options_.timings = &timings_;
    options_.timing_file = folder_ / "timings.json";
    key_ = candidate_key(open.launches[0].points[0], "sm_90a").value();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// The chosen candidate.
  std::string tuned() {
    lower::OpenCudaPlan open = two_candidates();
    const Status status = tune(options_, open);
    EXPECT_TRUE(status.ok()) << status.message();
    return open.launches[0].points[0].candidates[0].tactic;
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("xinfer_tuning_" + std::to_string(::getpid()));
  jit::CubinCache cubins_{folder_ / "cubins"};
  TimingCache timings_;
  TuneOptions options_;
  std::string key_;
};

TEST_F(TunedOnFakeGpu, KeepsWhatItTimed) {
  const std::string chosen = tuned();
  const TimingCache kept = TimingCache::load(options_.timing_file).value();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept.find("", "sm_90a", key_)->tactic, chosen);
  EXPECT_EQ(timings_.find("", "sm_90a", key_)->tactic, chosen);
}

TEST_F(TunedOnFakeGpu, ADecisionMadeBesideItHolds) {
  const std::string chosen = tuned();
  const std::string other = chosen == "first" ? "second" : "first";
  std::filesystem::remove(options_.timing_file);
  TimingCache another;
  another.add("Fake GPU", "sm_90a", key_, {other, 1.0});
  ASSERT_TRUE(another.save(options_.timing_file).ok());
  timings_ = TimingCache();  // read before the other build saved
  EXPECT_EQ(tuned(), other);
  EXPECT_EQ(timings_.find("", "sm_90a", key_)->tactic, other);
}

}  // namespace
}  // namespace xinfer::tune
