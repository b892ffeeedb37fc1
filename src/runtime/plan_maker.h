// Plans for sizes that an engine holds none for, made by whoever can compile.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "core/status.h"
#include "engine/engine_file.h"

namespace xinfer::runtime {

/// Sizes of dynamic dimensions beside the batch, by name.
using PlanSizes = std::map<std::string, std::int64_t>;

/// An engine for one GPU target of `file`, with these sizes fixed: its bytes. Called on the thread
/// that binds the shapes, from any number of them.
using PlanMaker = std::function<Result<std::string>(
    const engine::EngineFile& file, const std::string& target, const PlanSizes& sizes)>;

/// The one in use from now on; none: engines run at the sizes that they hold plans for. The runtime
/// has none of its own, since it has no compiler.
void set_plan_maker(PlanMaker maker);
PlanMaker plan_maker();

}  // namespace xinfer::runtime
