// Runs one plan on the CPU: binds shapes, lays tensors out in the arena, runs the steps in order.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/cpu_isa.h"
#include "core/status.h"
#include "core/thread_pool.h"
#include "engine/engine_file.h"
#include "runtime/step.h"
#include "runtime/tensor_view.h"
#include "xinfer/core/tensor.h"

namespace xinfer::runtime {

struct ProgramOptions {
  CpuIsa isa = best_isa();
  int threads = 0;  ///< 0: all processors this process may use
  /// Whether `run` may cut a batch into chunks, see batch_split.h.
  bool split_batch = true;
};

/// Called after every step, and first for every input: the names of the graph values that a tensor
/// holds, and the tensor. The view is valid during the call.
using Observer =
    std::function<Status(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>& names,
                         const TensorView& tensor)>;

/// Microseconds and kernel of every step of one run, in the plan's order.
struct StepTime {
  double microseconds = 0;
  const char* kernel = "";
};

/// One execution at a time; any number of programs share an EngineFile.
class Program {
 public:
  /// Uses the file's plan for "cpu". Fails if it has none, naming what it holds.
  static Result<std::unique_ptr<Program>> create(std::shared_ptr<const engine::EngineFile> file,
                                                 const ProgramOptions& options);

  /// Binds input shapes, in the order of the engine's inputs. Free if they are bound already.
  /// Fails, naming input and dimension, if a shape does not fit the model or its profile.
  Status bind_shapes(std::span<const Shape> shapes);

  /// Shapes of the outputs under the bound input shapes, ONNX axis order.
  const std::vector<Shape>& output_shapes() const { return output_shapes_; }

  /// Runs. `inputs` and `outputs` are dense memory of the bound shapes, in the engine's order.
  Status run(std::span<const void* const> inputs, std::span<void* const> outputs);

  /// As run, calling `observer` (calibration) or filling `times` (profiles) as well.
  Status run_observed(std::span<const void* const> inputs, std::span<void* const> outputs,
                      const Observer& observer);
  Status run_profiled(std::span<const void* const> inputs, std::span<void* const> outputs,
                      std::vector<StepTime>& times);

  const engine::EngineFile& file() const { return *file_; }
  const engine::fb::Plan& plan() const { return plan_; }
  int threads() const { return pool_.threads(); }
  CpuIsa isa() const { return options_.isa; }
  /// Bytes of arena and workspace; those of chunks of a batch count as a chunk's share.
  std::size_t memory_bytes() const;

 private:
  Program(std::shared_ptr<const engine::EngineFile> file, const engine::fb::Plan& plan,
          const ProgramOptions& options);

  Result<std::vector<std::int64_t>> solve_symbols(std::span<const Shape> shapes) const;
  Status place_tensors(std::span<const Shape> shapes);
  Status place_tensor(unsigned index);
  Status make_steps();
  Status make_lanes(std::span<const Shape> shapes);
  Status run_lanes(std::span<const void* const> inputs, std::span<void* const> outputs);
  Status set_addresses(std::span<const void* const> inputs, std::span<void* const> outputs);
  template <typename AfterStep>
  Status run_steps(AfterStep&& after_step);
  bool touches_bindings(unsigned step) const;

  std::shared_ptr<const engine::EngineFile> file_;
  const engine::fb::Plan& plan_;
  ProgramOptions options_;
  ThreadPool pool_;
  std::size_t arena_bytes_ = 0;
  std::size_t workspace_bytes_ = 0;
  std::shared_ptr<void> arena_;
  std::shared_ptr<void> workspace_;

  std::vector<Shape> bound_shapes_;
  std::vector<Shape> output_shapes_;
  std::vector<std::int64_t> dims_;
  std::vector<TensorView> tensors_;
  std::vector<std::unique_ptr<Step>> steps_;

  /// Where the batch is cut: a program of one thread for every thread, bound to a chunk.
  bool samples_independent_ = false;
  std::int64_t chunk_ = 0;  ///< samples; 0: the batch is not cut
  std::vector<std::unique_ptr<Program>> lanes_;
};

}  // namespace xinfer::runtime
