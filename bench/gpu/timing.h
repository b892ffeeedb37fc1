// Timing one bound kernel on the device: CUDA events around replays of a graph, buffers rotated so
// that activations do not stay in the L2 cache.
#pragma once

#include <vector>

#include "core/status.h"
#include "device/cuda_memory.h"
#include "device/cuda_stream.h"
#include "kernels/cuda/bound_kernel.h"
#include "layers.h"

namespace xinfer::gpu {

/// Device tensors of one layer: several sets of activations, one of weights. Random, not zero.
class LayerBuffers {
 public:
  /// As many sets as hold `rotate_bytes` of activations, 1 at least.
  static Result<LayerBuffers> create(const kernels::cuda::ConvProblem& problem, std::int64_t batch,
                                     double rotate_bytes);
  std::size_t sets() const { return addresses_.size(); }
  const kernels::cuda::OperandAddresses& addresses(std::size_t set) const {
    return addresses_[set];
  }
  std::size_t output_bytes() const { return output_bytes_; }

 private:
  std::vector<cuda::Buffer> buffers_;
  std::vector<kernels::cuda::OperandAddresses> addresses_;
  std::size_t output_bytes_ = 0;
};

struct LayerTime {
  double median_us = 0;  ///< of one launch, in a burst of a few milliseconds
  double spread = 0;     ///< (highest - lowest) / median of the repeats
};

/// Launches the kernels in order, again and again, for about `total_ms` each of 7 times.
Result<LayerTime> time_launches(const std::vector<kernels::cuda::BoundKernel>& launches,
                                const cuda::Stream& stream, double total_ms);

/// Operations (two a multiply-accumulate) and bytes (each tensor once) of a layer.
double operations(const kernels::cuda::ConvProblem& problem, std::int64_t batch);
double bytes_moved(const kernels::cuda::ConvProblem& problem, std::int64_t batch);

}  // namespace xinfer::gpu
