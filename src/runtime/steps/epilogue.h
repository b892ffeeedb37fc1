// From the plan's epilogue table to the kernels'.
#pragma once

#include "core/status.h"
#include "kernels/epilogue.h"
#include "runtime/steps/families.h"

namespace xinfer::runtime {

/// Addresses of residuals are those bound now. `channels` is the number of output channels that
/// multiplier and bias must cover; INT8 accumulators need both.
Result<kernels::Epilogue> make_epilogue(const StepSource& source, const fb::Epilogue& params,
                                        std::int64_t channels, bool int8);

}  // namespace xinfer::runtime
