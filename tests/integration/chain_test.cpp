// Chains in whole engines: equal to their steps one by one, whatever the threads, the batch, the
// instruction set and the caller's memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/cpu_isa.h"
#include "digits.h"
#include "engine/engine_file.h"
#include "inverted_residuals.h"
#include "kernels/chain/chain_cost.h"
#include "xinfer/builders/calibrator.h"
#include "xinfer/builders/engine_builder.h"

namespace xinfer {
namespace {

constexpr std::int64_t kSize = 112;

EngineBuilder builder_of(bool int8) {
  EngineBuilder builder;
  builder.from_network(inverted_residuals()).on("cpu").with_max_batch_size(4);
  if (int8) {
    bool sent = false;
    builder.with_int8(std::make_shared<CallbackCalibrator>(
        2, [sent](const auto&, std::vector<Tensor>& batch) mutable {
          batch = {random_floats({2, 8, kSize, kSize}, 7)};
          return !std::exchange(sent, true);
        }));
  }
  return builder;
}

bool equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

class ChainedEngine : public testing::TestWithParam<bool> {
 protected:
  Engine engine_ = builder_of(GetParam()).build();
};

TEST_P(ChainedEngine, EqualsItsStepsOneByOne) {
  for (const CpuIsa level : supported_isas()) {
    const std::string isa = to_string(level);
    for (const int threads : {1, 3}) {
      for (const std::int64_t batch : {1, 3}) {
        SCOPED_TRACE(testing::Message() << isa << ", " << threads << " threads, batch " << batch);
        Context context(engine_, {.threads = threads, .cpu_isa = isa});
        const Tensor x = random_floats({batch, 8, kSize, kSize}, 11);
        const std::vector<Tensor> inputs = {x};
        std::vector<Tensor> first = context.infer(inputs);
        std::vector<Tensor> elsewhere = context.infer(inputs);
        std::set<std::string> seen;
        const std::vector<Tensor> alone = context.infer_observed(
            inputs, [&](const std::string& name, const Tensor&) { seen.insert(name); });
        EXPECT_TRUE(equal(first[0], alone[0]));
        EXPECT_TRUE(equal(elsewhere[0], alone[0])) << "in other memory";
        EXPECT_THAT(seen, testing::Contains("b_filtered"));
        EXPECT_TRUE(equal(context.infer(inputs)[0], alone[0])) << "after an observed run";
      }
    }
  }
}

TEST_P(ChainedEngine, SaysWhichStepsRunTogether) {
  // AMX takes the steps one by one.
  const CpuIsa isa = supports(CpuIsa::kAvx2) ? CpuIsa::kAvx2 : CpuIsa::kPortable;
  Context context(engine_, {.threads = 1, .cpu_isa = to_string(isa)});
  const std::vector<Tensor> inputs = {random_floats({1, 8, kSize, kSize}, 11)};
  std::vector<std::string> chains;
  const std::vector<StepProfile> steps = context.profile(inputs);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (!steps[i].kernel.starts_with("chain_")) continue;
    ASSERT_GE(i, 2u);
    EXPECT_FALSE(steps[i].left_out);
    for (const std::size_t earlier : {i - 1, i - 2}) {
      EXPECT_TRUE(steps[earlier].left_out);
      EXPECT_EQ(steps[earlier].kernel, "(later step)");
      EXPECT_EQ(steps[earlier].bytes, 0);
    }
    EXPECT_GT(steps[i].bytes, 0);
    chains.push_back(steps[i].name);
  }
  // Both blocks expand an image of this size to 96 channels.
  const double expanded = kSize * kSize * 96 * (GetParam() ? 1 : 4);
  EXPECT_EQ(chains.size(), expanded >= kernels::least_chained_bytes(1) ? 2u : 0u)
      << testing::PrintToString(chains);
  std::vector<int> lengths;
  for (const StepInfo& step : engine_.steps()) {
    if (step.chain > 0) lengths.push_back(step.chain);
  }
  EXPECT_EQ(lengths, (std::vector<int>{3, 3}));
}

TEST_P(ChainedEngine, TunesNoStepThatRunsInAChain) {
  // An image of a smallest batch is chained on each of two threads; AMX chains none.
  if (kSize * kSize * 96 * (GetParam() ? 1 : 4) < kernels::least_chained_bytes(2)) {
    GTEST_SKIP() << "L2 is so large here that nothing is chained";
  }
  const CpuIsa isa = supports(CpuIsa::kAvx2) ? CpuIsa::kAvx2 : CpuIsa::kPortable;
  const TemporaryFile cache("chains.json");
  EngineBuilder builder = builder_of(GetParam());
  const Engine tuned =
      builder.with_cpu_isa(to_string(isa)).with_threads(2).with_timing_cache(cache.path()).build();
  const auto file = engine::EngineFile::load(tuned.bytes()).value();
  std::vector<std::string> with_tactics;
  for (const auto* step : *file->engine().plans()->Get(0)->steps()) {
    const auto* tactics = step->tactics();
    if (tactics != nullptr && tactics->size() > 0) with_tactics.push_back(step->name()->str());
  }
  EXPECT_THAT(with_tactics, testing::ElementsAre("first"));
}

INSTANTIATE_TEST_SUITE_P(Types, ChainedEngine, testing::Bool(),
                         [](const auto& type) { return type.param ? "Int8" : "Float"; });

}  // namespace
}  // namespace xinfer
