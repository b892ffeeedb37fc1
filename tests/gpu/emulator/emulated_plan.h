// A whole plan for a GPU, launch by launch, on the processor.
#pragma once

#include <cstdint>
#include <vector>

#include "core/status.h"
#include "engine/engine_file.h"
#include "host_compiler.h"
#include "ir/dim.h"
#include "lower/cuda/lower_cuda.h"
#include "xinfer/core/tensor.h"

namespace xinfer::gpu::emulator {

/// Runs the first kernel of every launch on `inputs` with the graph's symbols bound, and writes
/// `outputs`, whose shapes and types are given. `blobs` are those that the plan was lowered with.
/// Fails, naming the launch, where emulated_output does.
Status emulate_plan(const lower::OpenCudaPlan& open, const engine::BlobWriter& blobs,
                    const ir::Bindings& symbols, const std::vector<Tensor>& inputs,
                    std::vector<Tensor>& outputs, const HostCompiler& compiler, std::uint64_t seed);

}  // namespace xinfer::gpu::emulator
