#include "runtime/cuda/launch_graph.h"

#include <utility>

namespace xinfer::runtime {

using kernels::cuda::BoundKernel;

void LaunchGraph::add(std::optional<BoundKernel> launch, std::string step, const char* tactic) {
  launches_.push_back({std::move(launch), std::move(step), tactic});
}

void LaunchGraph::replace(std::size_t index, std::optional<BoundKernel> launch) {
  launches_[index].kernel = std::move(launch);
  launches_[index].stale = true;
}

Status LaunchGraph::launch(const cuda::Stream& stream, const cuda::Stream& capture_stream) {
  if (!graph_) {
    XINFER_RETURN_IF_ERROR(capture(capture_stream));
  } else {
    XINFER_RETURN_IF_ERROR(update_stale());
  }
  return graph_->launch(stream);
}

Status LaunchGraph::launch_single(std::size_t index, const cuda::Stream& stream) const {
  const Launch& launch = launches_[index];
  if (!launch.kernel) return Status();
  return launch.kernel->launch(stream).with_context("step \"" + launch.step + "\"");
}

Status LaunchGraph::capture(const cuda::Stream& stream) {
  const auto enqueue = [&]() -> Status {
    for (std::size_t i = 0; i < launches_.size(); ++i) {
      if (!has(i)) continue;
      XINFER_RETURN_IF_ERROR(launch_single(i, stream));
      XINFER_ASSIGN_OR_RETURN(launches_[i].node, stream.last_captured_node());
    }
    return Status();
  };
  XINFER_ASSIGN_OR_RETURN(graph_, cuda::Graph::capture(stream, enqueue));
  for (Launch& launch : launches_) launch.stale = false;
  return Status();
}

Status LaunchGraph::update_stale() {
  for (Launch& launch : launches_) {
    if (!launch.stale || !launch.kernel) continue;
    Status status = launch.kernel->update(*graph_, launch.node);
    if (!status.ok()) return std::move(status).with_context("step \"" + launch.step + "\"");
    launch.stale = false;
  }
  return Status();
}

}  // namespace xinfer::runtime
