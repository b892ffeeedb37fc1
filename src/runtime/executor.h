// What Context, calibration and profiling need of a plan's execution, whatever its device.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/cpu_isa.h"
#include "core/status.h"
#include "device/device_name.h"
#include "engine/engine_file.h"
#include "runtime/tensor_view.h"
#include "xinfer/core/tensor.h"

namespace xinfer::runtime {

/// Called after every step, and first for every input: the names of the graph values that a tensor
/// holds, and the tensor, in host memory. The view is valid during the call.
using Observer =
    std::function<Status(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>& names,
                         const TensorView& tensor)>;

/// A dense tensor of the caller: in host memory or, for executors of a GPU, in memory of that GPU.
struct CallerMemory {
  void* data = nullptr;
  bool on_gpu = false;
};

/// What stands for the kernel of a step that is left out.
inline constexpr const char* kLaterStep = "(later step)";

/// Microseconds and kernel of every step of one run, in the plan's order.
struct StepTime {
  double microseconds = 0;
  const char* kernel = "";
  double bytes = 0;       ///< inputs, outputs and weights, each once; 0: not counted
  bool left_out = false;  ///< nothing ran: the next step that is not left out did its work
};

/// Runs one plan. One execution at a time; any number of executors share an EngineFile. Inputs and
/// outputs are dense host memory of the bound shapes, in the engine's order.
class Executor {
 public:
  virtual ~Executor() = default;

  /// Binds input shapes, in the order of the engine's inputs. Free if they are bound already.
  /// Fails, naming input and dimension, if a shape does not fit the model or its profile.
  virtual Status bind_shapes(std::span<const Shape> shapes) = 0;
  /// Shapes of the outputs under the bound input shapes, ONNX axis order.
  virtual const std::vector<Shape>& output_shapes() const = 0;

  virtual Status run(std::span<const void* const> inputs, std::span<void* const> outputs) = 0;
  /// Enqueues a run on `stream` (a CUstream; null: the legacy default stream), or on a stream of
  /// the executor's own if none is given. Outputs and inputs in GPU memory, and page-locked ones,
  /// belong to the run until it is over; other inputs are taken before this returns. On the CPU the
  /// run is over when this returns; GPU memory and streams are refused there.
  virtual Status enqueue(std::span<const CallerMemory> inputs,
                         std::span<const CallerMemory> outputs, std::optional<void*> stream) = 0;
  /// Waits for everything that was enqueued.
  virtual Status synchronize() = 0;
  /// As run, calling `observer` (calibration) or filling `times` (profiles) as well.
  virtual Status run_observed(std::span<const void* const> inputs, std::span<void* const> outputs,
                              const Observer& observer) = 0;
  virtual Status run_profiled(std::span<const void* const> inputs, std::span<void* const> outputs,
                              std::vector<StepTime>& times) = 0;

  /// Runs that many times, back to back, on inputs brought to the device once and without bringing
  /// outputs back; returns the milliseconds that the runs took there.
  virtual Result<double> run_resident(std::span<const void* const> inputs,
                                      std::span<void* const> outputs, int runs) = 0;

  virtual const engine::fb::Plan& plan() const = 0;
  /// Host threads, the caller included.
  virtual int threads() const = 0;
  /// What computes: an instruction set or a GPU's name.
  virtual std::string device() const = 0;
  /// Bytes of activations and workspace.
  virtual std::size_t memory_bytes() const = 0;
};

struct ExecutorOptions {
  Device device;
  CpuIsa isa = best_isa();  ///< CPU only
  int threads = 0;          ///< CPU only; 0: all processors this process may use
};

/// An executor for the device; kAuto takes the CPU if the file has a plan for it, else a GPU.
Result<std::unique_ptr<Executor>> make_executor(std::shared_ptr<const engine::EngineFile> file,
                                                const ExecutorOptions& options);

/// The file's first plan for `target`; null if it holds none.
const engine::fb::Plan* find_plan(const engine::EngineFile& file, const std::string& target);

/// What the file was built for, each target once.
std::vector<std::string> targets_of(const engine::EngineFile& file);
/// "cpu, cuda:sm_90a".
std::string targets_text(const engine::EngineFile& file);

}  // namespace xinfer::runtime
