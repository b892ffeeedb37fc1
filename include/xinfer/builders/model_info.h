// What a model file holds, before it is built.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "xinfer/core/engine.h"

namespace xinfer::builders {

/// A node of the model as imported.
struct NodeInfo {
  std::string name, op;
  std::vector<std::string> inputs, outputs;  ///< value names
  std::string output_type;                   ///< "float32[batch, 64, 112, 112]"
};

struct ModelInfo {
  std::string name;
  int opset = 0;
  /// min and max hold 1 and -1 where a dimension is dynamic.
  std::vector<BindingInfo> inputs, outputs;
  std::vector<NodeInfo> nodes;
  std::size_t weight_bytes = 0;
  std::vector<std::string> warnings;
  std::string text;  ///< the graph in xinfer's text form
};

/// Reads a model. `free_batch` as EngineBuilder::with_max_batch_size does. Throws Error.
ModelInfo inspect_model(const std::filesystem::path& path, bool free_batch = false);

/// ONNX operators that a model may use, by name. docs/supported-ops.md has their opsets and limits.
std::vector<std::string> supported_operators();

/// A value of a calibration cache.
struct RangeInfo {
  std::string name, calibrator;
  double threshold = 0;
  float scale = 0;
  double amax = 0, min = 0, max = 0, clip_share = 0;  ///< 0 where the cache does not say
};

struct CacheInfo {
  std::string algorithm, model_hash;
  std::uint64_t samples = 0;
  bool tensorrt = false;
  std::vector<RangeInfo> ranges;
};

/// Reads a calibration cache, ours or TensorRT's. Throws Error.
CacheInfo inspect_cache(const std::filesystem::path& path);

}  // namespace xinfer::builders
