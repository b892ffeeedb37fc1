// Puts the fastest candidate of every launch first: from the timing cache, else by timing it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/status.h"
#include "jit/kernel_compiler.h"
#include "lower/cuda/lower_cuda.h"
#include "tune/timing_cache.h"

namespace xinfer::tune {

struct TuneOptions {
  int ordinal = -1;  ///< the GPU to time on; below 0: the timing cache alone
  jit::KernelBuild build;
  const jit::CubinCache* cubins = nullptr;
  TimingCache* timings = nullptr;
  std::filesystem::path timing_file;  ///< that keeps what was timed; empty: none
};

/// Reorders the candidates of `open` and adds what was timed to `timings` and to the file, whose
/// decisions win where a build beside this one has made them meanwhile.
Status tune(const TuneOptions& options, lower::OpenCudaPlan& open);

/// 32 hexadecimal digits over the candidates (kernels' sources, constants, tactics) and the batch.
/// The values of floats do not count: layers that differ in their scales alone share a decision.
Result<std::string> candidate_key(const lower::BatchPoint& point, const std::string& architecture);

/// The text with every float literal replaced by the same word.
std::string without_floats(std::string_view constants);

}  // namespace xinfer::tune
