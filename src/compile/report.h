// What a build decided, as engines and reports carry it.
#pragma once

#include "calibrate/ranges.h"
#include "engine/engine_file.h"
#include "ir/graph.h"
#include "passes/precision_plan.h"

namespace xinfer::compile {

/// Model name, version, one report a node of the simplified graph, calibration properties.
engine::fb::EngineT describe_build(const ir::Graph& graph, const passes::PrecisionPlan& plan,
                                   const calibrate::Ranges& ranges);

}  // namespace xinfer::compile
