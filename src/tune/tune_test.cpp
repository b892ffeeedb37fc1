#include "tune/tune.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>
#include <vector>

#include "tune/shipped_timings.h"

namespace xinfer::tune {
namespace {

std::filesystem::path fresh_file(const char* name) {
  std::filesystem::path path = std::filesystem::path(testing::TempDir()) / name;
  std::filesystem::remove(path);
  return path;
}

TEST(TimingCache, ComesBackFromAFile) {
  const auto path = fresh_file("timings.json");
  TimingCache cache;
  cache.add("NVIDIA H200", "sm_90a", "k1", {"mma_64x64x64", 12.5});
  ASSERT_TRUE(cache.save(path).ok());
  const TimingCache loaded = TimingCache::load(path).value();
  const auto found = loaded.find("NVIDIA H200", "sm_90a", "k1");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->tactic, "mma_64x64x64");
  EXPECT_EQ(found->microseconds, 12.5);
  EXPECT_FALSE(loaded.find("NVIDIA H100", "sm_90a", "k1").has_value());
  EXPECT_TRUE(loaded.find("", "sm_90a", "k1").has_value());
  EXPECT_FALSE(loaded.find("", "sm_80", "k1").has_value());
}

TEST(TimingCache, MergesWithWhatTheFileHolds) {
  const auto path = fresh_file("merged.json");
  TimingCache first, second;
  first.add("a", "sm_80", "k1", {"t1", 1});
  second.add("a", "sm_80", "k2", {"t2", 2});
  ASSERT_TRUE(first.save(path).ok());
  ASSERT_TRUE(second.save(path).ok());
  EXPECT_EQ(TimingCache::load(path).value().size(), 2u);
}

TEST(TimingCache, TheFirstDecisionInAFileStays) {
  const std::filesystem::path path = fresh_file("first.json");
  TimingCache first, second;
  first.add("H200", "sm_90a", "conv", {"a", 1.0});
  second.add("H200", "sm_90a", "conv", {"b", 0.9});
  ASSERT_TRUE(first.save(path).ok());
  second.add("H200", "sm_90a", "pool", {"c", 2.0});
  const TimingCache kept = second.save(path).value();
  EXPECT_EQ(TimingCache::load(path).value().find("H200", "sm_90a", "conv")->tactic, "a");
  EXPECT_EQ(kept.find("H200", "sm_90a", "conv")->tactic, "a");
  EXPECT_EQ(kept.size(), 2u);
  EXPECT_TRUE(kept.agrees_with(first));
  EXPECT_FALSE(kept.agrees_with(second));
}

TEST(TimingCache, ProcessesThatSaveBesideEachOtherLoseNothing) {
  const std::filesystem::path path = fresh_file("shared.json");
  constexpr int kWriters = 4, kEach = 25;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < kEach; ++i) {
        TimingCache cache;
        cache.add("H200", "sm_90a", fmt::format("{}.{}", writer, i), {"a", 1.0});
        EXPECT_TRUE(cache.save(path).ok());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(TimingCache::load(path).value().size(), std::size_t{kWriters * kEach});
}

TEST(TimingCache, RefusesOtherFiles) {
  const auto path = fresh_file("other.json");
  std::ofstream(path) << R"({"format": "xinfer.timing/1", "entries": [{"device": 1}]})";
  EXPECT_THAT(TimingCache::load(path).status().message(), testing::HasSubstr("no timing cache"));
  EXPECT_EQ(TimingCache::load(fresh_file("absent.json")).value().size(), 0u);
}

/// One launch with two candidates of one kernel source.
lower::OpenCudaPlan two_candidates() {
  lower::BatchPoint point;
  for (const char* tactic : {"expected", "better"}) {
    kernels::cuda::KernelSpec spec;
    spec.entry = "move";
    spec.source = "movement/cuda_move.cuh";
    spec.tactic = tactic;
    point.candidates.push_back(spec);
  }
  lower::OpenCudaPlan open;
  open.launches.push_back({{point}, {}});
  return open;
}

TEST(Tune, FloatsDoNotChangeADecision) {
  EXPECT_EQ(without_floats("constexpr float kScale = 0x1.8p-3f; int kN = 0x10;"),
            "constexpr float kScale = float; int kN = 0x10;");
  EXPECT_EQ(without_floats("{-0x1.5bp+4f, 0x0p+0f}"), "{-float, float}");
  lower::OpenCudaPlan first = two_candidates(), second = two_candidates(), other = two_candidates();
  first.launches[0].points[0].candidates[0].layer = "constexpr float kScale = 0x1p+0f;";
  second.launches[0].points[0].candidates[0].layer = "constexpr float kScale = 0x1.8p-3f;";
  other.launches[0].points[0].candidates[0].layer = "constexpr int kScale = 1;";
  const auto key = [](const lower::OpenCudaPlan& open) {
    return candidate_key(open.launches[0].points[0], "sm_90a").value();
  };
  EXPECT_EQ(key(first), key(second));
  EXPECT_NE(key(first), key(other));
}

TEST(TimingCache, ReadsWhatIsShipped) {
  for (const std::string_view text : shipped_timing_texts()) {
    EXPECT_TRUE(TimingCache::parse(text, "shipped").ok());
  }
}

TEST(Tune, TakesDecisionsFromTheCacheWithoutAGpu) {
  lower::OpenCudaPlan open = two_candidates();
  TimingCache timings;
  TuneOptions options;
  options.build.architecture = "sm_90a";
  options.timings = &timings;
  ASSERT_TRUE(tune(options, open).ok());
  EXPECT_EQ(open.launches[0].points[0].candidates[0].tactic, "expected");
  const std::string key = candidate_key(open.launches[0].points[0], "sm_90a").value();
  timings.add("NVIDIA H200", "sm_90a", key, {"better", 3});
  ASSERT_TRUE(tune(options, open).ok());
  EXPECT_EQ(open.launches[0].points[0].candidates[0].tactic, "better");
}

}  // namespace
}  // namespace xinfer::tune
