// Calibration on a GPU: the float plan runs there in batches, observed where its values are.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "calibrate/cuda/gpu_observer.h"
#include "calibrate/observer.h"
#include "compile/cuda_plan.h"
#include "core/status.h"
#include "ir/graph.h"
#include "lower/lower.h"
#include "runtime/cuda/cuda_program.h"
#include "xinfer/core/tensor.h"

namespace xinfer::compile {

class GpuCalibration {
 public:
  /// Lowers and compiles `graph` (simplified, float, unfused) for the GPU that `build` names, whose
  /// ranges of symbols are `symbols`. `fixed_batch` is the model's own, 0 if it is dynamic. Fails
  /// with `unsupported`, naming the layer, if the GPU has no kernel for one.
  static Result<std::unique_ptr<GpuCalibration>> create(const ir::Graph& graph,
                                                        lower::SymbolRanges symbols,
                                                        std::int64_t fixed_batch,
                                                        const CudaBuild& build);

  ~GpuCalibration();

  /// Enqueues all samples of a batch, numbered from `first_sample`, whose tensors (model order)
  /// have been read when this returns.
  Status run(const std::vector<Tensor>& inputs, std::int64_t first_sample);

  /// Waits, and hands everything that was observed to the collector.
  Status finish(calibrate::RangeCollector& collector);

  /// Has the largest magnitude of every channel kept as well.
  void observe_channels(const std::string& name, std::int64_t channels) {
    observer_->observe_channels(name, channels);
  }

 private:
  GpuCalibration(std::unique_ptr<runtime::CudaProgram> program, calibrate::GpuObserver observer,
                 std::int64_t fixed_batch)
      : program_(std::move(program)), observer_(std::move(observer)), fixed_batch_(fixed_batch) {}
  Status run_part(const std::vector<Tensor>& inputs, std::int64_t first, std::int64_t count,
                  std::int64_t first_sample);

  std::unique_ptr<runtime::CudaProgram> program_;
  std::optional<calibrate::GpuObserver> observer_;
  std::int64_t fixed_batch_;
};

}  // namespace xinfer::compile
