// Steps that can be run in several ways with the same result, for tune/.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "core/status.h"
#include "kernels/conv/tactic.h"
#include "runtime/step.h"

namespace xinfer::runtime {

/// A convolution or product of a bound plan. Holds addresses, as its steps do.
struct TunableStep {
  kernels::ConvShape shape;
  kernels::ConvType type = kernels::ConvType::kF32;
  std::function<Result<std::unique_ptr<Step>>(const kernels::ConvTactic&)> make;
};

/// Nothing for steps that run in one way.
Result<std::optional<TunableStep>> tunable_step(const StepSource& source);

/// Called for a tunable step: its number in the plan, and the pool it runs on.
using TuneStep = std::function<Status(unsigned index, const TunableStep& step, ThreadPool& pool)>;

}  // namespace xinfer::runtime
