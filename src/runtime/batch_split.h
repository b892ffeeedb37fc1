// Running a batch sample by sample instead of layer by layer.
//
// A layer's activations for one or two images stay in L2 for the next layer, those of 32 do not;
// and threads that work on images of their own never wait for one another. So a batch is cut into
// equal chunks that run through the whole plan one after the other, on every thread its own.
#pragma once

#include <cstdint>

#include "core/status.h"
#include "engine/engine_generated.h"

namespace xinfer::runtime {

/// Whether the plan computes every sample (index of the first axis) of its outputs from the same
/// sample of its inputs alone. False where that is not plain from the steps' parameters.
bool samples_are_independent(const engine::fb::Engine& engine, const engine::fb::Plan& plan);

/// What the choice of a chunk's size depends on.
struct BatchSplitProblem {
  std::int64_t batch = 1;
  int threads = 1;
  std::size_t weight_bytes = 0;
  std::size_t activation_bytes = 0;  ///< of one sample
  std::int64_t smallest_batch = 1;   ///< that the engine's profile allows
};

/// Samples of a chunk, a divisor of the batch that the profile allows as a batch; 0: the batch is
/// better run whole, by all threads together, or cannot be cut.
std::int64_t choose_chunk(const BatchSplitProblem& problem);

}  // namespace xinfer::runtime
