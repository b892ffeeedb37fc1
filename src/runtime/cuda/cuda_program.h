// Runs one plan on a GPU: staging of the caller's host memory, launches captured as a graph.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "device/cuda_memory.h"
#include "device/cuda_stream.h"
#include "kernels/cuda/bound_kernel.h"
#include "runtime/bound_plan.h"
#include "runtime/cuda/cuda_engine.h"
#include "runtime/executor.h"

namespace xinfer::runtime {

struct CudaProgramOptions {
  int ordinal = 0;
};

class CudaProgram final : public Executor {
 public:
  static Result<std::unique_ptr<CudaProgram>> create(std::shared_ptr<const engine::EngineFile> file,
                                                     const CudaProgramOptions& options);
  ~CudaProgram() override;

  Status bind_shapes(std::span<const Shape> shapes) override;
  const std::vector<Shape>& output_shapes() const override { return bound_->plan.output_shapes(); }
  Status run(std::span<const void* const> inputs, std::span<void* const> outputs) override;
  Status run_observed(std::span<const void* const> inputs, std::span<void* const> outputs,
                      const Observer& observer) override;
  Status run_profiled(std::span<const void* const> inputs, std::span<void* const> outputs,
                      std::vector<StepTime>& times) override;
  Result<double> run_resident(std::span<const void* const> inputs, std::span<void* const> outputs,
                              int runs) override;

  const engine::fb::Plan& plan() const override { return engine_->plan(); }
  int threads() const override { return 1; }
  std::string device() const override { return engine_->device().name; }
  std::size_t memory_bytes() const override;

 private:
  /// Everything that belongs to one set of input shapes; kept, so that alternating shapes are free.
  struct Bound {
    BoundPlan plan;
    std::vector<kernels::cuda::BoundKernel> launches;
    std::vector<const char*> tactics;
    std::optional<cuda::Graph> graph;
  };
  /// The caller's memory on the device, and page-locked on the host.
  struct Staging {
    cuda::Buffer device;
    cuda::PinnedBuffer host;
  };

  CudaProgram(std::shared_ptr<const engine::EngineFile> file,
              std::shared_ptr<const CudaEngine> engine)
      : file_(std::move(file)), engine_(std::move(engine)) {}

  Status allocate();
  Result<std::unique_ptr<Bound>> make_bound(std::span<const Shape> shapes) const;
  Status make_launch(unsigned step, Bound& bound) const;
  Status launch(unsigned step) const;
  Status launch_all() const;
  Status copy_in(std::span<const void* const> inputs) const;
  Status copy_out(std::span<void* const> outputs) const;
  Status observe(unsigned tensor, const Observer& observer) const;
  std::size_t bytes_of_input(unsigned index) const;

  std::shared_ptr<const engine::EngineFile> file_;
  std::shared_ptr<const CudaEngine> engine_;
  cuda::Buffer arena_;
  std::vector<Staging> inputs_, outputs_;
  cuda::Stream stream_;
  std::map<std::vector<Shape>, std::unique_ptr<Bound>> by_shapes_;
  Bound* bound_ = nullptr;
};

}  // namespace xinfer::runtime
