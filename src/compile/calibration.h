// Calibration: an ordinary float plan runs over the samples, observed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "calibrate/observer.h"
#include "calibrate/options.h"
#include "calibrate/ranges.h"
#include "compile/cuda_plan.h"
#include "core/cpu_isa.h"
#include "core/status.h"
#include "ir/graph.h"
#include "lower/lower.h"
#include "xinfer/builders/calibrator.h"
#include "xinfer/builders/engine_builder.h"

namespace xinfer::compile {

struct CalibrationOptions {
  calibrate::CalibratorOptions calibrator;
  CpuIsa isa = best_isa();
  int threads = 0;
  /// A GPU that is there (tune_on names it) to run the float plan on; else the CPU does.
  std::optional<CudaBuild> gpu;
  builders::ProgressCallback progress;  ///< may be empty
};

struct CalibrationResult {
  calibrate::Ranges ranges;
  std::vector<std::string> warnings;
  std::int64_t samples = 0;
};

/// Hash of a graph's structure and constants: what a calibration cache belongs to.
std::string model_hash(const ir::Graph& graph);

/// Names of the float values that calibration sees, inputs first, in execution order.
std::vector<std::string> float_value_names(const ir::Graph& graph);

/// Runs every batch of `calibrator` through `graph` (simplified, float, unfused). On the CPU
/// samples run one by one, a sample a thread, on a GPU several together: neither batch size nor
/// thread count changes any range. A model that the GPU has no kernels for runs on the CPU, with a
/// warning. Fails naming the input whose tensor does not fit, or the value where NaN or infinity
/// appears.
Result<CalibrationResult> run_calibration(const ir::Graph& graph,
                                          const lower::SymbolRanges& symbols,
                                          builders::INT8Calibrator& calibrator,
                                          const CalibrationOptions& options);

}  // namespace xinfer::compile
