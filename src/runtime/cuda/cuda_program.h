// Runs one plan on a GPU, on memory of the GPU or of the host: a graph of launches for every set of
// input shapes, whose nodes follow the caller's addresses.
#pragma once

#include <functional>
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
#include "runtime/cuda/caller_slot.h"
#include "runtime/cuda/cuda_engine.h"
#include "runtime/cuda/launch_graph.h"
#include "runtime/executor.h"

namespace xinfer::runtime {

struct CudaProgramOptions {
  int ordinal = 0;
  const engine::fb::Plan* plan = nullptr;  ///< of the file; null: the one that fits the GPU best
};

class CudaProgram final : public Executor {
 public:
  static Result<std::unique_ptr<CudaProgram>> create(std::shared_ptr<const engine::EngineFile> file,
                                                     const CudaProgramOptions& options);
  ~CudaProgram() override;

  Status bind_shapes(std::span<const Shape> shapes) override;
  const std::vector<Shape>& output_shapes() const override { return bound_->plan.output_shapes(); }
  Status run(std::span<const void* const> inputs, std::span<void* const> outputs) override;
  Status enqueue(std::span<const CallerMemory> inputs, std::span<const CallerMemory> outputs,
                 std::optional<void*> stream) override;
  Status synchronize() override;
  Status run_observed(std::span<const void* const> inputs, std::span<void* const> outputs,
                      const Observer& observer) override;
  Status run_profiled(std::span<const void* const> inputs, std::span<void* const> outputs,
                      std::vector<StepTime>& times) override;
  Result<double> run_resident(std::span<const void* const> inputs, std::span<void* const> outputs,
                              int runs) override;

  /// Called when a tensor has got all its values: the names that it has, the tensor in memory of
  /// the device, and the stream on which work on it may be enqueued.
  using DeviceObserver = std::function<Status(
      const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>& names,
      const TensorView& tensor, const cuda::Stream& stream)>;
  /// Enqueues a run on host inputs, observed there; outputs stay there.
  Status run_observed_there(std::span<const void* const> inputs, const DeviceObserver& observer);

  const cuda::Context& context() const { return engine_->context(); }
  /// The stream of runs that are given none.
  const cuda::Stream& stream() const { return stream_; }

  const engine::fb::Plan& plan() const override { return engine_->plan(); }
  int threads() const override { return 1; }
  std::string device() const override { return engine_->device().name; }
  std::size_t memory_bytes() const override;

 private:
  /// Everything that belongs to one set of input shapes. The sets bound last are kept, so that
  /// alternating shapes are free.
  struct Bound {
    BoundPlan plan;
    std::vector<std::size_t> input_bytes;  ///< 0: nothing reads it
    std::vector<std::size_t> output_bytes;
    LaunchGraph launches;
    std::uint64_t last_bound = 0;  ///< of `bindings_`
  };
  static constexpr std::size_t kMostShapes = 64;

  CudaProgram(std::shared_ptr<const engine::EngineFile> file,
              std::shared_ptr<const CudaEngine> engine)
      : file_(std::move(file)), engine_(std::move(engine)) {}

  Status allocate();
  Result<std::unique_ptr<Bound>> make_bound(std::span<const Shape> shapes) const;
  Result<std::optional<kernels::cuda::BoundKernel>> make_launch(unsigned step,
                                                                const char*& tactic) const;
  Status make_room();
  std::string step_name(unsigned step) const;
  Status point_at(std::span<const void* const> inputs, std::span<void* const> outputs);

  Status begin(const cuda::Stream& stream);
  Status end(const cuda::Stream& stream);
  Status bring_in(std::span<const CallerMemory> inputs, const cuda::Stream& stream);
  Status place(std::span<const CallerMemory> outputs);
  Status bring_out(std::span<const CallerMemory> outputs, const cuda::Stream& stream, bool at_once);
  Status prepare(std::span<const void* const> inputs, std::span<void* const> outputs);
  Status finish(std::span<void* const> outputs);
  double bytes_moved(unsigned step) const;
  Status observe(unsigned tensor, const Observer& observer) const;

  std::shared_ptr<const engine::EngineFile> file_;
  std::shared_ptr<const CudaEngine> engine_;
  cuda::Buffer arena_;
  std::vector<CallerSlot> inputs_, outputs_;
  std::vector<const void*> in_;  ///< where kernels of this run read and write
  std::vector<void*> out_;
  cuda::Stream stream_;
  std::optional<cuda::Event> done_;                ///< the run enqueued last is over
  std::optional<cuda::StreamHandle> busy_stream_;  ///< where that was; empty if it is known to be
  std::map<std::vector<Shape>, std::unique_ptr<Bound>> by_shapes_;
  Bound* bound_ = nullptr;
  std::uint64_t bindings_ = 0;  ///< how often shapes other than the bound ones were bound
};

}  // namespace xinfer::runtime
