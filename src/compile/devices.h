// What --device names, as targets of a build.
#pragma once

#include <string>

#include "compile/execute.h"
#include "core/status.h"
#include "lower/cuda/cuda_target.h"

namespace xinfer::compile {

/// "cpu", "cuda:sm_90a", or several joined by commas; "auto" is "cuda" where a GPU is there and its
/// kernels can be compiled, else "cpu". "cuda" and "cuda:1" build for the GPU that is
/// there; an architecture needs none. Fails, naming the device, if it is not there or not known.
Result<EngineTargets> parse_targets(const std::string& devices, lower::CudaBackend backend);

}  // namespace xinfer::compile
