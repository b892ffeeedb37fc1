// ONNX models become graphs: the only door through which a model file enters.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/status.h"
#include "ir/graph.h"
#include "xinfer/core/tensor.h"

namespace xinfer {

/// Range of default-domain opsets that import_onnx reads. The operators' own ranges (registry.h)
/// are narrower where a definition changed: opsets below 7 hold little more than convolutions.
inline constexpr int kOldestOpset = 1;
inline constexpr int kNewestOpset = 28;

struct ImportOptions {
  /// Makes a model that was exported with a fixed batch of 1 serve any batch: the first dimension
  /// of every input becomes the symbol "batch", and a Reshape or Resize whose target says 1 for the
  /// batch is repaired where the place of the batch can be proven. Inputs whose first dimension is
  /// already dynamic stay as they are; one that is fixed to another number than 1 is refused.
  bool free_batch = false;
  /// Inputs that become constants, by name. Axes, shapes, pads and other operands that decide
  /// shapes must be known at import; a test suite that passes them as inputs gives them here.
  std::map<std::string, Tensor> constant_inputs;
};

/// Reads a model. Half-precision tensors (float16, bfloat16) are widened to float32, inputs and
/// outputs included. Shape arithmetic is folded: shapes in the graph are expressions over the
/// inputs' symbols. Errors: kInvalidModel for a broken file, kUnsupported naming up to ten nodes
/// with the reason. `warnings`, if given, receives one sentence for each oddity that was accepted.
/// Tensors kept in files beside the model are refused here; read such a model by its path.
Result<ir::Graph> import_onnx(std::span<const std::byte> bytes, const ImportOptions& options = {},
                              std::vector<std::string>* warnings = nullptr);

/// As above, from a file. External tensor data is read from the model's folder and below it only.
Result<ir::Graph> import_onnx(const std::filesystem::path& path, const ImportOptions& options = {},
                              std::vector<std::string>* warnings = nullptr);

}  // namespace xinfer
