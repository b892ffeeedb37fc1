// Where the ranges of a build come from: a cache file, the calibrator's own cache, or its samples.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "calibrate/ranges.h"
#include "compile/build.h"
#include "compile/cuda_plan.h"
#include "core/status.h"
#include "ir/graph.h"
#include "lower/lower.h"
#include "passes/precision_plan.h"

namespace xinfer::compile {

/// What ranges are looked for with; everything outlives the calls.
struct RangeSource {
  const BuildRequest& request;
  const ir::Graph& graph;  ///< simplified, float
  const lower::SymbolRanges& symbols;
  std::optional<CudaBuild> gpu;   ///< runs the samples, if there is one
  builders::BuildReport& report;  ///< gets warnings, and what calibration took
};

/// From a cache if the request names one that exists or its calibrator has one, else from samples,
/// which are then kept where the request says.
Result<calibrate::Ranges> find_ranges(const RangeSource& source);

/// From the calibrator's samples alone.
Result<calibrate::Ranges> calibrate_samples(const RangeSource& source);

/// The ranges that a scale can be made of; a warning for each of the others.
passes::RangeMap usable_ranges(const calibrate::Ranges& ranges, std::vector<std::string>& warnings);

/// Writes ranges to `path`: our JSON if it ends in .json, else TensorRT's text.
Status write_cache_file(const calibrate::Ranges& ranges, const std::filesystem::path& path);

}  // namespace xinfer::compile
