// Runs an engine whose dimensions beside the batch are dynamic on a GPU, where kernels have these
// as constants: a program for every set of sizes, each with a plan of its own.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/executor.h"
#include "runtime/plan_maker.h"

namespace xinfer::runtime {

/// Whether the file has plans for GPUs that are for one set of sizes each.
bool has_sized_plans(const engine::EngineFile& file);

/// The sizes that a plan is for; empty: any.
PlanSizes sizes_of(const engine::fb::Plan& plan);

class SizedProgram final : public Executor {
 public:
  /// With the usual sizes bound. Fails as CudaProgram::create does.
  static Result<std::unique_ptr<SizedProgram>> create(
      std::shared_ptr<const engine::EngineFile> file, int ordinal);

  /// Takes the plan for the shapes' sizes, or has it made (plan_maker). Fails with unsupported,
  /// naming the sizes that there are plans for, if there is none and nobody to make it.
  Status bind_shapes(std::span<const Shape> shapes) override;

  const std::vector<Shape>& output_shapes() const override { return current_->output_shapes(); }
  Status run(std::span<const void* const> inputs, std::span<void* const> outputs) override {
    return current_->run(inputs, outputs);
  }
  Status enqueue(std::span<const CallerMemory> inputs, std::span<const CallerMemory> outputs,
                 std::optional<void*> stream) override {
    return current_->enqueue(inputs, outputs, stream);
  }
  Status synchronize() override { return current_->synchronize(); }
  Status run_observed(std::span<const void* const> inputs, std::span<void* const> outputs,
                      const Observer& observer) override {
    return current_->run_observed(inputs, outputs, observer);
  }
  Status run_profiled(std::span<const void* const> inputs, std::span<void* const> outputs,
                      std::vector<StepTime>& times) override {
    return current_->run_profiled(inputs, outputs, times);
  }
  Result<double> run_resident(std::span<const void* const> inputs, std::span<void* const> outputs,
                              int runs) override {
    return current_->run_resident(inputs, outputs, runs);
  }
  const engine::fb::Plan& plan() const override { return current_->plan(); }
  int threads() const override { return current_->threads(); }
  std::string device() const override { return current_->device(); }
  /// Of all programs that are kept.
  std::size_t memory_bytes() const override;

 private:
  /// Sizes bound last are kept, so that alternating sizes are free; each has weights and
  /// activations of its own.
  static constexpr std::size_t kMostPrograms = 8;

  struct Sized {
    std::unique_ptr<Executor> program;
    std::uint64_t last_bound = 0;
  };

  SizedProgram(std::shared_ptr<const engine::EngineFile> file, int ordinal)
      : file_(std::move(file)), ordinal_(ordinal) {}

  Result<PlanSizes> sizes_of_shapes(std::span<const Shape> shapes) const;
  Result<std::unique_ptr<Executor>> make_program(const PlanSizes& sizes) const;
  Status use(const PlanSizes& sizes);

  std::shared_ptr<const engine::EngineFile> file_;
  int ordinal_;
  std::string target_;  ///< of all its plans
  std::map<PlanSizes, Sized> programs_;
  Executor* current_ = nullptr;  ///< of programs_
  std::uint64_t bindings_ = 0;
};

}  // namespace xinfer::runtime
