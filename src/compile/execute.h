// Graphs run as they are, through the ordinary lowering and executor.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compile/cuda_plan.h"
#include "core/cpu_isa.h"
#include "core/status.h"
#include "engine/engine_file.h"
#include "ir/graph.h"
#include "lower/lower.h"
#include "passes/pipeline.h"
#include "runtime/plan_maker.h"
#include "xinfer/core/tensor.h"

namespace xinfer::compile {

/// How tactics of the plan for the CPU are found.
struct CpuTuning {
  CpuIsa isa = best_isa();
  int threads = 0;                     ///< 0: all processors
  bool time = true;                    ///< false: the timing cache alone
  std::filesystem::path timing_cache;  ///< read if it exists and, after timing, written
  builders::ProgressCallback progress;
};

/// The devices that an engine gets plans for.
struct EngineTargets {
  bool cpu = true;
  std::optional<CpuTuning> cpu_tuning;  ///< none: the cost model alone chooses
  std::vector<CudaBuild> cuda;
  lower::CudaBackend cuda_backend = lower::CudaBackend::kAuto;
  /// Of dimensions beside the batch: each set gets a plan for every GPU, which then carry none for
  /// any sizes (compile/sized_plans.h). Empty: no such dimension is dynamic.
  std::vector<runtime::PlanSizes> cuda_sizes;
};

/// Lowers a graph (no BatchNorm left) into an engine file in memory. `details` carries what the
/// caller wants in the metadata: model name, report, preprocessing; bindings and plans are added.
Result<std::string> make_engine_bytes(const ir::Graph& graph, const lower::SymbolRanges& symbols,
                                      engine::fb::EngineT details,
                                      const EngineTargets& targets = {});

/// Runs a lowered graph once on float or other inputs, in the order of graph.inputs().
Result<std::vector<Tensor>> execute(const ir::Graph& graph, const std::vector<Tensor>& inputs);

/// An evaluator for constant folding: runs the one node through execute().
passes::Evaluator node_evaluator();

}  // namespace xinfer::compile
