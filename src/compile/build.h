// The straight line from a model to an engine.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "calibrate/ranges.h"
#include "core/cpu_isa.h"
#include "core/status.h"
#include "ir/constraints.h"
#include "ir/graph.h"
#include "lower/cuda/cuda_target.h"
#include "xinfer/builders/engine_builder.h"

namespace xinfer::compile {

struct ShapeProfile {
  Shape min, opt, max;
};

/// A model as its file gives it, with a sentence for each oddity that was accepted.
struct ImportedModel {
  ir::Graph graph;
  std::vector<std::string> warnings;
};

struct BuildRequest {
  std::filesystem::path model_path;               ///< or
  std::vector<std::byte> model_bytes;             ///< if the path is empty; or
  std::shared_ptr<const ir::Graph> graph;         ///< if both are empty
  std::shared_ptr<const ImportedModel> imported;  ///< of that model, if it was read before
  bool int8 = false;
  bool fp16 = false;
  std::shared_ptr<builders::INT8Calibrator> calibrator;
  std::string algorithm;  ///< empty: the calibrator's own
  std::filesystem::path calibration_cache;
  calibrate::CacheMismatch cache_mismatch = calibrate::CacheMismatch::kRefuse;
  std::int64_t max_batch = 0;  ///< 0: not given
  std::map<std::string, ShapeProfile> profiles;
  std::vector<std::pair<std::string, Shape>> shapes;  ///< that GPU engines get plans for as well
  ir::Constraints constraints;
  std::vector<std::string> patterns;  ///< in `constraints`, as the user wrote them
  std::string preprocess;
  bool u8_input = false;  ///< the engine reads pixels, and normalises them as `preprocess` says
  std::string device = "auto";  ///< as parse_targets takes it
  lower::CudaBackend cuda_backend = lower::CudaBackend::kAuto;
  bool tuning = true;  ///< time kernels on a GPU that is there
  std::filesystem::path timing_cache;
  int threads = 0;
  CpuIsa isa = best_isa();
  builders::ProgressCallback progress;
};

struct BuildResult {
  std::string engine;  ///< the file's bytes
  builders::BuildReport report;
};

Result<ImportedModel> import_model(const BuildRequest& request);

Result<BuildResult> build(const BuildRequest& request);

/// Calibrates and returns the ranges, without building; report as far as it goes.
Result<calibrate::Ranges> calibrate_only(const BuildRequest& request,
                                         builders::BuildReport& report);

/// The Q/DQ model as EngineBuilder::quantize gives it.
Result<std::string> quantize(const BuildRequest& request, const builders::QuantizeOptions& options,
                             builders::BuildReport& report);

}  // namespace xinfer::compile
