// Timed tactics of the plan for the CPU: stored, never decisive for results, ignored elsewhere.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>

#include "digits.h"
#include "engine/engine_file.h"
#include "xinfer/core/device.h"
#include "xinfer/core/error.h"

namespace xinfer {
namespace {

namespace fb = engine::fb;

Engine tuned_engine(const std::filesystem::path& cache) {
  return digits_builder().with_threads(2).with_timing_cache(cache).build();
}

/// The engine with its plan changed.
template <typename Change>
Engine changed(const Engine& engine, const Change& change) {
  const auto file = engine::EngineFile::load(engine.bytes()).value();
  fb::EngineT unpacked;
  file->engine().UnPackTo(&unpacked);
  change(*unpacked.plans.at(0));
  engine::BlobWriter blobs;
  blobs.add(file->blobs());
  const std::string bytes = engine::serialize(unpacked, blobs);
  return Engine::load(std::as_bytes(std::span(bytes)));
}

std::vector<float> outputs(const Engine& engine, int threads, std::int64_t batch_size = 32) {
  ContextOptions options;
  options.threads = threads;
  Context context(engine, options);
  SampleSet samples = digits("eval", batch_size);
  SampleBatch batch;
  std::vector<float> values;
  while (samples.next(batch)) {
    const Tensor y = context.infer(batch.inputs[0]);
    values.insert(values.end(), y.values<float>().begin(), y.values<float>().end());
  }
  return values;
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::size_t stored_tactics(const Engine& engine) {
  const auto file = engine::EngineFile::load(engine.bytes()).value();
  std::size_t count = 0;
  for (const fb::Step* step : *file->engine().plans()->Get(0)->steps()) {
    if (step->tactics() != nullptr) count += step->tactics()->size();
  }
  return count;
}

TEST(Tuning, StoresTacticsThatDoNotChangeResults) {
  const TemporaryFile cache("tactics.json");
  const Engine plain = digits_builder().build();
  EXPECT_EQ(stored_tactics(plain), 0u);
  const Engine tuned = tuned_engine(cache.path());
  EXPECT_GT(stored_tactics(tuned), 0u);
  for (const int threads : {1, 2}) {
    for (const std::int64_t batch : {1, 32}) {
      EXPECT_EQ(outputs(tuned, threads, batch), outputs(plain, threads, batch)) << threads;
    }
  }
}

TEST(Tuning, AFullTimingCacheGivesEqualBytes) {
  const TemporaryFile cache("full.json");
  const std::string expected = bytes_of(tuned_engine(cache.path()));
  EXPECT_EQ(bytes_of(tuned_engine(cache.path())), expected);
  EngineBuilder untimed = digits_builder();
  untimed.with_threads(2).with_timing_cache(cache.path()).without_tuning();
  EXPECT_EQ(bytes_of(untimed.build()), expected);
}

/// The timing cache at `path`, as text, with one decision changed to another that can be run.
std::string with_another_decision(const std::filesystem::path& path) {
  const auto known_tactics = [&] {
    EngineBuilder untimed = digits_builder();
    return stored_tactics(untimed.with_threads(2).with_timing_cache(path).without_tuning().build());
  };
  const std::string timed = text_of(path);
  const std::size_t all = known_tactics();
  const std::regex parts("parts [0-9]+x[0-9]+");
  for (std::sregex_iterator it(timed.begin(), timed.end(), parts), end; it != end; ++it) {
    for (const char* other : {"parts 1x1", "parts 2x1", "parts 1x2"}) {
      std::string changed = timed;
      changed.replace(static_cast<std::size_t>(it->position()), it->str().size(), other);
      write_text(path, changed);
      if (it->str() != other && known_tactics() == all) return changed;
    }
  }
  ADD_FAILURE() << "no layer has two tactics";
  return timed;
}

/// Of builds that time the same layers beside each other, the first decides for all.
TEST(Tuning, DecisionsOfABuildBesideThisOneAreTaken) {
  const TemporaryFile cache("beside.json");
  const std::string own = bytes_of(tuned_engine(cache.path()));
  const std::string others = with_another_decision(cache.path());
  write_text(cache.path(), others);
  const std::string expected = bytes_of(tuned_engine(cache.path()));
  EXPECT_NE(expected, own);
  std::filesystem::remove(cache.path());
  EngineBuilder builder = digits_builder();
  builder.with_threads(2).with_timing_cache(cache.path());
  builder.with_progress([&](const BuildProgress& progress) {
    if (progress.stage == "tune cpu" && progress.done == progress.total) {
      write_text(cache.path(), others);
    }
  });
  EXPECT_EQ(bytes_of(builder.build()), expected);
}

TEST(Tuning, WithoutTimingAnEmptyCacheLeavesTheCostModel) {
  const TemporaryFile cache("none.json");
  EngineBuilder builder = digits_builder();
  builder.with_timing_cache(cache.path()).without_tuning();
  EXPECT_EQ(stored_tactics(builder.build()), 0u);
  EXPECT_FALSE(std::filesystem::exists(cache.path()));
}

void expect_refused(const Engine& engine, int threads, std::int64_t batch_size) {
  try {
    outputs(engine, threads, batch_size);
    ADD_FAILURE() << "a broken tactic was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIncompatibleEngine);
    EXPECT_THAT(error.what(), testing::HasSubstr("a tactic that does not fit its step"));
  }
}

/// Tactics that no kernel can run: ignored on another processor, an error on the one that they are
/// said to have been timed on.
TEST(Tuning, TacticsHoldOnTheProcessorTheyWereTimedOn) {
  const TemporaryFile cache("elsewhere.json");
  const Engine tuned = tuned_engine(cache.path());
  const auto break_tactics = [](fb::PlanT& plan) {
    for (const auto& step : plan.steps) {
      for (const auto& tactic : step->tactics) tactic->tile_rows = 200;
    }
  };
  const Engine elsewhere = changed(tuned, [&](fb::PlanT& plan) {
    break_tactics(plan);
    plan.tuned_on = "another processor";
  });
  EXPECT_EQ(outputs(elsewhere, 1), outputs(tuned, 1));
  expect_refused(changed(tuned, break_tactics), /*threads=*/1, /*batch_size=*/1);
}

/// Tactics of one thread's chunk of the batch alone: the whole batch would run without them, but
/// what is wrong with the engine must not stay unsaid.
TEST(Tuning, WhatIsWrongWithAChunkIsReported) {
  const TemporaryFile cache("chunk.json");
  const Engine tuned = tuned_engine(cache.path());
  int broken = 0;
  const Engine damaged = changed(tuned, [&](fb::PlanT& plan) {
    for (const auto& step : plan.steps) {
      for (const auto& tactic : step->tactics) {
        if (tactic->threads != 1 || tactic->batch == 32) continue;
        tactic->tile_rows = 200;
        ++broken;
      }
    }
  });
  ASSERT_GT(broken, 0);
  EXPECT_NO_THROW(outputs(damaged, /*threads=*/3, /*batch_size=*/2));
  expect_refused(damaged, /*threads=*/2, /*batch_size=*/32);
}

}  // namespace
}  // namespace xinfer
