// From an ONNX model to an engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "xinfer/builders/calibrator.h"
#include "xinfer/builders/precision.h"
#include "xinfer/core/engine.h"

namespace xinfer::builders {

class Network;

/// Where a build stands. `total` is 0 where it is not known.
struct BuildProgress {
  std::string stage;  ///< "import", "calibrate", "compile", "write"
  std::int64_t done = 0;
  std::int64_t total = 0;
};

/// Called on the building thread; an exception ends the build and reaches its caller.
using ProgressCallback = std::function<void(const BuildProgress&)>;

/// What a build did.
struct BuildReport {
  std::vector<LayerInfo> layers;
  double int8_mac_share = 0;             ///< of convolutions and matrix products, 0..1
  std::int64_t calibration_samples = 0;  ///< 0 if ranges came from a cache
  double calibration_seconds = 0;
  double total_seconds = 0;
  std::size_t engine_bytes = 0;
  std::vector<std::string> warnings;

  int layers_in(const std::string& precision) const;
};

/// What to do with a calibration cache whose values differ from the model's.
enum class CacheMismatch { kRefuse, kPartial };

struct QuantizeOptions {
  /// s8 for every activation and float32 biases, which TensorRT needs. Off: u8 for activations that
  /// are never negative (one more bit) and int32 biases, which ONNX Runtime and OpenVINO fuse.
  bool for_tensorrt = false;
};

/// Builds engines. Setters return the builder, so that they chain; `build` may be called again.
/// All functions throw Error.
class EngineBuilder {
 public:
  EngineBuilder();
  ~EngineBuilder();
  EngineBuilder(EngineBuilder&&) noexcept;
  EngineBuilder& operator=(EngineBuilder&&) noexcept;

  /// The model: a file, or its bytes (copied). Read at `build`.
  EngineBuilder& from_onnx(const std::filesystem::path& path);
  EngineBuilder& from_onnx(std::span<const std::byte> bytes);
  /// A network that was built by hand or changed, with its demands (copied).
  EngineBuilder& from_network(const Network& network);

  /// INT8 with ranges from this calibrator (or from its cache).
  EngineBuilder& with_int8(std::shared_ptr<INT8Calibrator> calibrator);
  /// INT8 with ranges from the calibration cache alone.
  EngineBuilder& with_int8();
  /// FP16 where INT8 is not possible, on devices that have it.
  EngineBuilder& with_fp16();
  /// Largest batch. Also frees a model exported with a fixed batch of 1.
  EngineBuilder& with_max_batch_size(std::int64_t n);
  /// Shapes of an input: the smallest, the usual and the largest.
  EngineBuilder& with_profile(const std::string& input, Shape min, Shape opt, Shape max);
  /// A further shape that a GPU engine gets kernels for, where dimensions beside the batch are
  /// dynamic; the profile's usual, smallest and largest shape have theirs anyway. At other shapes
  /// within the profile an engine runs on a GPU in programs that can compile (make_missing_plans),
  /// and on a CPU everywhere. The batch of `shape` does not matter. `shape` is checked whatever the
  /// device; as the shapes of with_profile it is that of the model's input, with_u8_input or not.
  EngineBuilder& with_shape(const std::string& input, Shape shape);
  /// "cpu", "cuda" (the first GPU), "cuda:1", "cuda:sm_90a" (a GPU that need not be there), or
  /// several joined by commas: the engine then holds a plan for each. The default, "auto", is the
  /// first GPU if there is one that kernels can be compiled for, else the CPU.
  EngineBuilder& on(const std::string& device);
  /// Tensor core instructions of GPU kernels: "auto", "mma" or "wgmma" (sm_90a).
  EngineBuilder& with_cuda_backend(const std::string& backend);
  /// Timings of kernels: read if the file exists; what is timed is added to it. Tactics of the
  /// CPU's convolutions are timed only where a file is given; an engine that stores some runs by
  /// the cost model on other processors. Results do not depend on them.
  EngineBuilder& with_timing_cache(const std::filesystem::path& path);
  /// Kernels by the cost model (and the timing cache) alone; nothing is timed, a GPU that is there
  /// is not used.
  EngineBuilder& without_tuning();
  /// Read if the file exists, else written: ours if the name ends in .json, else TensorRT's text.
  EngineBuilder& with_calibration_cache(const std::filesystem::path& path,
                                        CacheMismatch mismatch = CacheMismatch::kRefuse);
  /// "auto", "entropy2", …: overrides the calibrator's own algorithm.
  EngineBuilder& with_calibration_algorithm(const std::string& algorithm);
  /// Layers whose node or output name matches the glob pattern keep this precision.
  EngineBuilder& keep(const std::string& pattern, Precision precision);
  /// Only layers that match one of the given patterns may be INT8.
  EngineBuilder& int8_only(const std::string& pattern);
  /// Range of a value by hand (TensorRT's dynamic range).
  EngineBuilder& with_range(const std::string& value, double low, double high);
  /// Stored in the engine, so that `run` and `eval` need none: the --preprocess text.
  EngineBuilder& with_preprocess(const std::string& text);
  /// The engine reads images as they are decoded, uint8 [N, H, W, C], instead of the float32 [N, C,
  /// H, W] or [N, H, W, C] of the model's only input: (pixel * scale - mean) / std of
  /// with_preprocess becomes part of its first layer, through a table of 256 entries a channel.
  /// Resize, crop and colour order remain the caller's (SampleSet does them). Calibration feeds the
  /// model's own float32 input as ever. Its property "u8_input" holds the model's layout, "nchw" or
  /// "nhwc". A model whose input is uint8 normalises it itself: with_preprocess then sets neither
  /// scale nor mean nor std. Quantised ONNX models have no such input (see quantize).
  EngineBuilder& with_u8_input();
  /// Threads for calibration; 0 = all processors. Does not change any result.
  EngineBuilder& with_threads(int threads);
  /// Instruction set for calibration; does not change any result.
  EngineBuilder& with_cpu_isa(const std::string& isa);
  EngineBuilder& with_progress(ProgressCallback callback);

  /// The model's inputs as the maximum batch leaves them. Reads the model, which the build then
  /// does not read again.
  std::vector<BindingInfo> inputs();

  Engine build();
  /// As build, writing the file whole or not at all.
  BuildReport build_and_save(const std::filesystem::path& path);
  /// Of the last build.
  const BuildReport& report() const;
  /// Calibrates only and writes the cache (name as in with_calibration_cache).
  BuildReport calibrate_and_save(const std::filesystem::path& cache);
  /// Calibrates only and returns the cache in TensorRT's text form. The calibrator's own cache is
  /// neither read nor written.
  std::string calibrate();
  /// The model with QuantizeLinear and DequantizeLinear where the build would be INT8, and its
  /// scales, as an ONNX file's bytes: for other runtimes. Batch norms are folded, the opset is 17.
  /// Throws invalid_argument with_u8_input: inputs stay those of the model.
  std::vector<std::byte> quantize(const QuantizeOptions& options = {});
  /// As quantize, writing the file whole or not at all.
  BuildReport quantize_and_save(const std::filesystem::path& path,
                                const QuantizeOptions& options = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The compiler of GPU kernels (NVRTC), or what is missing for building GPU engines and how to get
/// it.
std::string kernel_compiler_status();

/// Lets engines run on GPUs at sizes that they hold no kernels for, within their profiles: these
/// are compiled when the shapes are bound, which takes seconds the first time, and kept in the
/// user's cache folder. Made by the first EngineBuilder, by the Python module and by the xinfer
/// command; other programs that link the compiler call it once.
void make_missing_plans();

}  // namespace xinfer::builders

namespace xinfer {
using builders::BuildProgress;
using builders::BuildReport;
using builders::CallbackCalibrator;
using builders::DataLoaderCalibrator;
using builders::EngineBuilder;
using builders::INT8Calibrator;
}  // namespace xinfer
