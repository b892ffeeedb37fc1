// What a build decided, as engines and reports carry it.
#pragma once

#include <vector>

#include "calibrate/ranges.h"
#include "engine/engine_file.h"
#include "ir/graph.h"
#include "passes/precision_plan.h"
#include "xinfer/core/engine.h"

namespace xinfer::compile {

/// Records in the properties that the engine's input is u8, and the model's own layout.
void describe_image_input(const ir::ConvertImage& conversion, engine::fb::EngineT& engine);

/// Model name, version, one report a node of the simplified graph, calibration properties.
engine::fb::EngineT describe_build(const ir::Graph& graph, const passes::PrecisionPlan& plan,
                                   const calibrate::Ranges& ranges);

/// The node reports in the words of the public headers.
std::vector<LayerInfo> layers_of(const engine::fb::EngineT& engine);

}  // namespace xinfer::compile
