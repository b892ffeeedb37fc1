// Compiled engines and their execution.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "xinfer/core/dtype.h"
#include "xinfer/core/error.h"
#include "xinfer/core/tensor.h"

namespace xinfer {

namespace engine {
class EngineFile;
}

/// A named input or output of an engine.
struct BindingInfo {
  std::string name;
  DType dtype = DType::kFloat32;
  /// As the model has them, ONNX axis order: {"batch", "3", "224", "224"}.
  std::vector<std::string> dims;
  /// Shapes that the engine was built for (equal where a dimension is fixed).
  Shape min, opt, max;
};

/// What became of one node of the model.
struct LayerInfo {
  std::string name;       ///< the model's node name
  std::string op;         ///< "Conv", "MatMul", …
  std::string precision;  ///< "int8", "fp16" or "fp32"
  std::string reason;     ///< why, with the numbers behind it
  std::int64_t macs = 0;  ///< multiply-accumulates at batch 1
  std::string output;     ///< name of its first output value
  std::string output_dtype;
  float scale = 0;        ///< of the output, 0 if it is not quantised
  double threshold = 0;   ///< real values beyond it are clipped
  double clip_share = 0;  ///< share of the calibration values that were
};

/// The kernel that a GPU plan's step runs for some batches.
struct KernelInfo {
  std::string tactic;
  std::int64_t largest_batch = 0;  ///< the kernel before it, if there is one, serves smaller ones
  int registers = 0;               ///< of a thread; 0: the kernel is no cubin that can be read
  int local_bytes = 0;    ///< of a thread, in local memory: spilled registers, indexed arrays
  bool left_out = false;  ///< nothing is launched: a later step's kernel does this one's work
};

/// A kernel call of the engine's plan.
struct StepInfo {
  std::string name;
  std::string kind;                  ///< "Conv", "Gemm", "Transpose", …
  std::vector<KernelInfo> kernels;   ///< GPU plans: by rising batch
  std::vector<std::string> origins;  ///< the model's nodes that it computes
  std::string output_dtype;
  /// CPU plans: this many steps from this one on may run as one, some lines at a time; 0: alone.
  int chain = 0;
};

/// An immutable compiled model: plan and weights. Copies share it; any number of threads may use
/// one at the same time, each through a Context of its own.
class Engine {
 public:
  /// Maps and verifies a file. Throws Error: io_error, incompatible_engine (truncated, altered,
  /// foreign or newer file; the message says which).
  static Engine load(const std::filesystem::path& path);
  /// From memory of any alignment, which is copied.
  static Engine load(std::span<const std::byte> bytes);

  const std::vector<BindingInfo>& inputs() const;
  const std::vector<BindingInfo>& outputs() const;
  /// One entry a node of the simplified model.
  std::vector<LayerInfo> layers() const;
  /// Kernel calls of the plan for `target`, in order; of the first plan if none is named.
  std::vector<StepInfo> steps(const std::string& target = "") const;
  /// Targets it holds plans for: "cpu", "cuda:sm_90a", …
  std::vector<std::string> targets() const;
  /// Canonical --preprocess text stored at build; empty if none.
  std::string preprocess() const;
  std::string model_name() const;
  /// What the builder recorded: calibrator, number of samples, versions, …
  std::map<std::string, std::string> properties() const;
  /// Share of the multiply-accumulates of convolutions and matrix products that run in INT8.
  double int8_mac_share() const;
  /// Bytes of weights and tables, and of the activation arena at the largest shapes.
  std::size_t weight_bytes() const;
  std::size_t activation_bytes(const std::string& target = "") const;

  /// Bytes that somebody stored in the engine under a name; nothing if there are none.
  std::optional<std::span<const std::byte>> attachment(const std::string& name) const;
  /// This engine with bytes stored under a name, which it does not have yet: for tools. Running the
  /// engine takes no notice of them.
  Engine with_attachment(const std::string& name, std::span<const std::byte> content) const;

  /// The whole engine file.
  std::span<const std::byte> bytes() const;
  /// Writes the file whole or not at all.
  void save(const std::filesystem::path& path) const;

 private:
  friend class Context;
  struct State;
  explicit Engine(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  static Engine from_file(std::shared_ptr<const engine::EngineFile> file);
  std::shared_ptr<const State> state_;
};

struct ContextOptions {
  /// Threads of this context, the caller included; 0 = every processor the process may use.
  int threads = 0;
  /// "auto", "portable", "avx2", "avxvnni", "avx512vnni" or "amx".
  std::string cpu_isa = "auto";
  /// "auto" (the CPU if the engine was built for it, else the first GPU), "cpu", "cuda", "cuda:1".
  std::string device = "auto";
};

/// A dense tensor of the caller, who keeps its elements alive until the run is over: an input or an
/// output in host memory or in memory of the context's GPU.
struct IoTensor {
  DType dtype = DType::kFloat32;
  Shape shape;
  void* data = nullptr;  ///< not written through for inputs
  bool on_gpu = false;   ///< `data` is a device pointer (CUdeviceptr) of the context's GPU
};

/// Time of one step of one run.
struct StepProfile {
  std::string name;
  std::string kind;
  std::string kernel;  ///< the variant that ran; "" where there is one only
  double microseconds = 0;
  /// What it has to move at least, each once: inputs, outputs, weights. A CPU's caches hold much of
  /// it.
  double bytes = 0;
  bool left_out = false;  ///< nothing ran: the next step that is not left out did its work
};

/// Receives a value of the model while a run goes on: its name in the model and its real values as
/// float32 (quantised values dequantised), in the order of axes that the engine keeps in memory.
using ValueCallback = std::function<void(const std::string& name, const Tensor& values)>;

/// Executes an engine. Belongs to one thread at a time. Owns its activations and thread pool;
/// worker threads sleep between runs.
class Context {
 public:
  explicit Context(Engine engine, const ContextOptions& options = {});
  ~Context();
  Context(Context&&) noexcept;
  Context& operator=(Context&&) noexcept;

  const Engine& engine() const;

  /// Runs and returns new output tensors, in the order of `Engine::outputs`. Inputs in the order of
  /// `Engine::inputs`, dense, of the binding's dtype. Throws Error(invalid_argument) naming the
  /// input whose dtype or shape does not fit.
  std::vector<Tensor> infer(std::span<const Tensor> inputs);
  /// As above for an engine with one input; returns its first output.
  Tensor infer(const Tensor& input);
  std::map<std::string, Tensor> infer(const std::map<std::string, Tensor>& inputs);

  /// Writes into tensors of the caller, which have the dtypes and shapes of `output_shapes`.
  /// Repeated with the same shapes it does not allocate, except for small objects where a batch is
  /// run piece by piece on several threads.
  void infer_into(std::span<const Tensor> inputs, std::span<Tensor> outputs);

  /// As above, on tensors in host memory or in memory of the context's GPU, which is used in place
  /// (copied on the device if it is not 16-byte aligned). Waits for nothing that the caller's own
  /// streams have to do: inputs must be there.
  void infer_into(std::span<const IoTensor> inputs, std::span<const IoTensor> outputs);

  /// Enqueues a run and returns. On `stream` (a CUstream or cudaStream_t of the GPU's current
  /// context, as it is; null: the legacy default stream) it takes its place behind the stream's
  /// work; without one it runs on a stream of the context's own, see `synchronize`. Runs of one
  /// context follow each other whatever their streams. Tensors in GPU memory, and page-locked ones,
  /// belong to the run until it is over; other host inputs have been read when this returns, and
  /// for other host outputs it waits. On a CPU the run is over when this returns; GPU memory and
  /// streams are refused. Throws as `infer`, and device_error naming the step that failed to
  /// launch.
  void infer_async(std::span<const IoTensor> inputs, std::span<const IoTensor> outputs);
  void infer_async(std::span<const IoTensor> inputs, std::span<const IoTensor> outputs,
                   void* stream);
  /// Waits for the runs that were enqueued. Throws device_error if one of them failed.
  void synchronize();

  /// Shapes of the outputs for these input shapes.
  std::vector<Shape> output_shapes(std::span<const Shape> inputs);

  /// Runs once with a clock around every step.
  std::vector<StepProfile> profile(std::span<const Tensor> inputs);

  /// Runs once and hands out every float32 or quantised value that the engine computes. Values that
  /// fusion removed do not exist. An exception from the callback ends the run.
  std::vector<Tensor> infer_observed(std::span<const Tensor> inputs, const ValueCallback& callback);

  /// Runs that many times on the inputs of the last run, whose tensors must still exist, and leaves
  /// the outputs on the device; returns the milliseconds that it took there.
  double run_resident(int runs);

  int threads() const;
  /// The instruction set in use; "" on a GPU.
  std::string cpu_isa() const;
  /// The engine's plan in use: "cpu", "cuda:sm_90a".
  std::string target() const;
  /// What computes: an instruction set ("avx512vnni") or a GPU's name.
  std::string device() const;
  /// Bytes of activations and workspace that this context holds.
  std::size_t memory_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// An engine file with a context of its own: the short way to run one.
class InferenceEngine {
 public:
  explicit InferenceEngine(const std::filesystem::path& path, const ContextOptions& options = {})
      : context_(Engine::load(path), options) {}

  const Engine& engine() const { return context_.engine(); }
  Tensor infer(const Tensor& input) { return context_.infer(input); }
  std::vector<Tensor> infer(std::span<const Tensor> inputs) { return context_.infer(inputs); }
  std::map<std::string, Tensor> infer(const std::map<std::string, Tensor>& inputs) {
    return context_.infer(inputs);
  }

 private:
  Context context_;
};

}  // namespace xinfer
