// Runs one plan on the CPU: binds shapes, lays tensors out in the arena, runs the steps in order.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/cpu_isa.h"
#include "core/status.h"
#include "core/thread_pool.h"
#include "engine/engine_file.h"
#include "runtime/bound_plan.h"
#include "runtime/executor.h"
#include "runtime/step.h"
#include "runtime/tunable_step.h"
#include "xinfer/core/tensor.h"

namespace xinfer::runtime {

struct ProgramOptions {
  CpuIsa isa = best_isa();
  int threads = 0;  ///< 0: all processors this process may use
  /// Whether `run` may cut a batch into chunks, see batch_split.h.
  bool split_batch = true;
  /// Whether chains of steps may run as one; never where a run is observed.
  bool chain_steps = true;
};

/// One execution at a time; any number of programs share an EngineFile.
class Program final : public Executor {
 public:
  /// Uses the file's plan for "cpu". Fails if it has none, naming what it holds.
  static Result<std::unique_ptr<Program>> create(std::shared_ptr<const engine::EngineFile> file,
                                                 const ProgramOptions& options);

  Status bind_shapes(std::span<const Shape> shapes) override;
  const std::vector<Shape>& output_shapes() const override { return bound_.output_shapes(); }
  Status run(std::span<const void* const> inputs, std::span<void* const> outputs) override;
  Status enqueue(std::span<const CallerMemory> inputs, std::span<const CallerMemory> outputs,
                 std::optional<void*> stream) override;
  Status synchronize() override { return {}; }
  Status run_observed(std::span<const void* const> inputs, std::span<void* const> outputs,
                      const Observer& observer) override;
  Status run_profiled(std::span<const void* const> inputs, std::span<void* const> outputs,
                      std::vector<StepTime>& times) override;
  Result<double> run_resident(std::span<const void* const> inputs, std::span<void* const> outputs,
                              int runs) override;

  /// Calls `tune` for every tunable step that runs by itself at the bound shapes, on the program
  /// that runs the steps: where the batch is cut, of one thread at a chunk's shapes. What they read
  /// holds a run's values. Steps of chains have no tactics to choose, and no values: what a chain
  /// passes on never lies in the arena.
  Status tune_steps(const TuneStep& tune);

  const engine::EngineFile& file() const { return *file_; }
  const engine::fb::Plan& plan() const override { return bound_.plan(); }
  int threads() const override { return pool_.threads(); }
  std::string device() const override { return to_string(options_.isa); }
  /// Bytes of arena and workspace; those of chunks of a batch count as a chunk's share.
  std::size_t memory_bytes() const override;

 private:
  Program(std::shared_ptr<const engine::EngineFile> file, const engine::fb::Plan& plan,
          const ProgramOptions& options);

  PlanMemory memory_of(const engine::fb::Plan& plan) const;
  StepSource source_of(unsigned step) const;
  /// Inputs, outputs and weights of what steps_[step] runs.
  double bytes_of(unsigned step) const;
  bool touches_bindings(unsigned first, unsigned count) const;
  Status prepare_observed_run();
  /// Steps of the chain that begins with `step`; 1 where none does or none may run.
  unsigned chain_length(unsigned step) const;
  Status make_steps();
  Status make_steps_from(unsigned first, unsigned count);
  Status make_lanes(std::span<const Shape> shapes);
  Status run_lanes(std::span<const void* const> inputs, std::span<void* const> outputs);
  Status set_addresses(std::span<const void* const> inputs, std::span<void* const> outputs);
  template <typename AfterStep>
  Status run_steps(AfterStep&& after_step);

  std::shared_ptr<const engine::EngineFile> file_;
  ProgramOptions options_;
  ThreadPool pool_;
  std::shared_ptr<void> arena_;
  std::size_t workspace_bytes_ = 0;
  std::shared_ptr<void> workspace_;
  BoundPlan bound_;
  std::vector<std::unique_ptr<Step>> steps_;
  /// Beside each of them the steps that it runs, itself the last: 1, a chain's length, or 0 where
  /// another one runs it.
  std::vector<unsigned> runs_;
  bool tactics_hold_ = false;  ///< the plan's tactics were timed on this processor

  /// Where the batch is cut: a program of one thread for every thread, bound to a chunk.
  bool samples_independent_ = false;
  std::int64_t chunk_ = 0;  ///< samples; 0: the batch is not cut
  std::vector<std::unique_ptr<Program>> lanes_;
};

}  // namespace xinfer::runtime
