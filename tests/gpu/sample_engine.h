// An engine for tests on the fake driver. Its kernels are stand-ins: nothing here needs NVRTC.
#pragma once

#include <cstdint>

#include "engine/engine_file.h"
#include "xinfer/core/engine.h"

namespace xinfer::testing_gpu {

inline constexpr std::int64_t kLargestBatch = 80;

/// What the second convolution's launch does at batch 1.
enum class LeftOut {
  kNothing,   ///< its own work
  kChained,   ///< the first one's work too, whose output it writes
  kReplaced,  ///< the first one's work too, whose output is never made
};

/// x [batch, 8, 16, 16] through two convolutions to y [batch, 16, 16, 16]: Transpose, Conv, Conv,
/// Transpose.
engine::fb::EngineT sample_engine(engine::BlobWriter& blobs, LeftOut left_out = LeftOut::kNothing);

Engine load(const engine::fb::EngineT& engine, const engine::BlobWriter& blobs);

inline Engine make_engine(LeftOut left_out = LeftOut::kNothing) {
  engine::BlobWriter blobs;
  return load(sample_engine(blobs, left_out), blobs);
}

}  // namespace xinfer::testing_gpu
