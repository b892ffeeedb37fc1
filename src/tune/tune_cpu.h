// Puts the fastest tactic of every convolution and product into a plan for the CPU: from the timing
// cache, else by timing the candidates on this processor, in the plan's own buffers.
#pragma once

#include <functional>
#include <memory>

#include "core/cpu_isa.h"
#include "core/status.h"
#include "engine/engine_file.h"
#include "tune/timing_cache.h"

namespace xinfer::tune {

struct CpuTuneOptions {
  CpuIsa isa = best_isa();
  int threads = 0;   ///< tuned for one thread and for so many; 0: all processors
  bool time = true;  ///< false: the timing cache alone
  TimingCache* timings = nullptr;
  std::function<void(int done, int total)> progress;
};

/// What timing found, over all problems that were timed.
struct CpuTuneReport {
  int problems = 0;
  double expected_us = 0;  ///< with the cost model's tactics
  double fastest_us = 0;   ///< with those chosen
};

/// `file` is the engine as the cost model runs it, `plan` its plan for "cpu", which receives
/// tactics for the smallest, usual and largest shapes of the profile. A tactic other than the cost
/// model's is chosen where it is faster by more than timing varies.
Result<CpuTuneReport> tune_cpu(const CpuTuneOptions& options,
                               const std::shared_ptr<const engine::EngineFile>& file,
                               engine::fb::PlanT& plan);

}  // namespace xinfer::tune
