// GPU plans of models whose dimensions beside the batch are dynamic: kernels have these as
// constants, so that an engine holds a plan for every set of sizes.
#pragma once

#include <memory>
#include <vector>

#include "compile/execute.h"
#include "core/status.h"
#include "ir/graph.h"
#include "lower/lower.h"
#include "runtime/plan_maker.h"

namespace xinfer::compile {

/// The ranges of `symbols` that are no batch of an input.
lower::SymbolRanges ranges_beside_batch(const ir::Graph& graph, const lower::SymbolRanges& symbols);

/// The sizes that plans are made for: of the usual shapes, which come first, the smallest and the
/// largest, and of `shapes`, inputs by name. Fails for a shape that the model or its profile does
/// not have.
Result<std::vector<runtime::PlanSizes>> plan_sizes(
    const ir::Graph& graph, const lower::SymbolRanges& symbols,
    const std::vector<std::pair<std::string, Shape>>& shapes);

/// Adds the plans for the GPU `target` to `details`: one, or where `sizes` is not empty one for
/// each of them.
Status add_cuda_plans(const ir::Graph& graph, const lower::SymbolRanges& symbols,
                      const CudaBuild& target, const std::vector<runtime::PlanSizes>& sizes,
                      engine::BlobWriter& blobs, engine::fb::EngineT& details);

/// Lets the engine carry the graph, from which make_missing_plan makes plans for other sizes.
void attach_graph(const ir::Graph& graph, const EngineTargets& targets, engine::BlobWriter& blobs,
                  engine::fb::EngineT& details);

/// A runtime::PlanMaker: from the graph that the engine carries (compile/stored_graph.h), by the
/// cost model and the shipped decisions.
Result<std::string> make_missing_plan(const engine::EngineFile& file, const std::string& target,
                                      const runtime::PlanSizes& sizes);

}  // namespace xinfer::compile
