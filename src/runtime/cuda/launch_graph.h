// The kernel launches of a plan at one set of shapes, captured as a CUDA graph. When only addresses
// of inputs and outputs change, the nodes that hold them are updated, and nothing is captured
// again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/status.h"
#include "device/cuda_stream.h"
#include "kernels/cuda/bound_kernel.h"

namespace xinfer::runtime {

class LaunchGraph {
 public:
  /// Appends a launch; none if a later one does its work. `step` is its name in errors, `tactic`
  /// its kernel's in profiles.
  void add(std::optional<kernels::cuda::BoundKernel> launch, std::string step, const char* tactic);
  /// Replaces launch `index` by the same kernel at the same batch with other addresses.
  void replace(std::size_t index, std::optional<kernels::cuda::BoundKernel> launch);

  /// Enqueues all launches as one graph. The first call captures it on `capture_stream`, which must
  /// not be the legacy default stream: that one cannot be captured.
  Status launch(const cuda::Stream& stream, const cuda::Stream& capture_stream);
  /// Enqueues one launch by itself, if there is one.
  Status launch_single(std::size_t index, const cuda::Stream& stream) const;

  std::size_t size() const { return launches_.size(); }
  /// Whether there is a launch `index`, or only a place for it.
  bool has(std::size_t index) const { return launches_[index].kernel.has_value(); }
  const char* tactic(std::size_t index) const { return launches_[index].tactic; }

 private:
  struct Launch {
    std::optional<kernels::cuda::BoundKernel> kernel;
    std::string step;
    const char* tactic = "";
    cuda::GraphNodeHandle node = nullptr;
    bool stale = false;  ///< the graph's node holds former addresses
  };

  Status capture(const cuda::Stream& stream);
  Status update_stale();

  std::vector<Launch> launches_;
  std::optional<cuda::Graph> graph_;
};

}  // namespace xinfer::runtime
