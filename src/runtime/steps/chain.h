// Steps that run together, some lines at a time.
#pragma once

#include <memory>
#include <vector>

#include "runtime/step.h"

namespace xinfer::runtime {

/// The steps of a chain (Step.chain of the plan) as one, to be run in place of the last; null where
/// they are better run one by one.
Result<std::unique_ptr<Step>> make_chain_step(const std::vector<StepSource>& sources);

/// Stands for a step of a chain before its last: does nothing.
std::unique_ptr<Step> make_chained_step();

}  // namespace xinfer::runtime
