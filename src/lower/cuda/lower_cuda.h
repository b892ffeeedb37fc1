// From the fused graph to a plan for a GPU: the same lowering as for the CPU, then kernels for its
// steps. Which of the candidate kernels each launch takes is open; tuning decides it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/status.h"
#include "engine/engine_file.h"
#include "ir/constraints.h"
#include "ir/graph.h"
#include "kernels/cuda/kernel_spec.h"
#include "lower/cuda/cuda_target.h"
#include "lower/lower.h"

namespace xinfer::lower {

/// Kernels that serve a launch for batches up to `largest_batch`, the one expected to be fastest
/// first.
struct BatchPoint {
  std::int64_t largest_batch = 1;
  std::vector<kernels::cuda::KernelSpec> candidates;
  bool left_out = false;  ///< a later launch's kernel does this one's work (replaced_launches.h)
};

/// How much memory an operand spans.
struct OperandExtent {
  kernels::cuda::Operand operand = kernels::cuda::Operand::kInput;
  std::size_t bytes = 0;  ///< of an image, or of all
  bool per_image = false;

  std::size_t bytes_at(std::int64_t batch) const {
    return per_image ? bytes * static_cast<std::size_t>(batch) : bytes;
  }
};

/// One launch whose kernels are still to be chosen.
struct OpenLaunch {
  std::vector<BatchPoint> points;
  std::vector<OperandExtent> operands;
};

/// A plan whose steps (fb::Cuda) have no variants yet: those of step i come from launches[i].
struct OpenCudaPlan {
  std::unique_ptr<engine::fb::PlanT> plan;
  std::vector<OpenLaunch> launches;
};

/// The planned precision of nodes, by the names that steps carry as their origins. Empty: float
/// layers are float32, and every value of the graph has a tensor of its own.
using NodePrecisions = std::map<std::string, ir::Precision>;

/// Lowers `graph` for the target, appending packed weights to `blobs`. FP16 nodes multiply FP16
/// (and add in float32), and values that only they and INT8 nodes touch are stored in FP16. Fails
/// as lower_cpu does, and with `unsupported`, naming node, op and reason, where a layer has no CUDA
/// kernel.
Result<OpenCudaPlan> lower_cuda(const ir::Graph& graph, const SymbolRanges& symbols,
                                const CudaTarget& target, engine::BlobWriter& blobs,
                                const NodePrecisions& precisions = {});

/// The engine's form of a compiled kernel.
std::unique_ptr<engine::fb::CudaKernelT> write_kernel(const kernels::cuda::KernelSpec& spec,
                                                      const engine::fb::Blob& cubin);

}  // namespace xinfer::lower
