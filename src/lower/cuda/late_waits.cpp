#include "lower/cuda/late_waits.h"

#include <algorithm>
#include <tuple>

namespace xinfer::lower {
namespace {

namespace fb = engine::fb;
using kernels::cuda::KernelSpec;
using kernels::cuda::Operand;

/// Where a tensor's bytes lie: the same for everything that shares an owner.
auto place_of(const fb::PlanT& plan, std::int32_t id) {
  const fb::TensorT* tensor = plan.tensors[static_cast<std::size_t>(id)].get();
  if (tensor->view_of >= 0) tensor = plan.tensors[static_cast<std::size_t>(tensor->view_of)].get();
  return std::tuple(tensor->storage, tensor->binding, tensor->offset);
}

/// Whether a kernel that waits late reads the operand before it waits.
bool is_read_early(Operand operand) {
  return operand != Operand::kOutput && operand < Operand::kStep0;
}

/// Whether `step` reads nothing early that `before` writes.
bool may_overlap(const fb::PlanT& plan, const fb::StepT& before, const fb::StepT& step) {
  for (const auto& operand : step.params.AsCuda()->operands) {
    const bool early = is_read_early(static_cast<Operand>(operand->operand));
    if (operand->tensor < 0 || !early) continue;
    const auto read = place_of(plan, operand->tensor);
    for (const std::int32_t written : before.outputs) {
      if (written >= 0 && place_of(plan, written) == read) return false;
    }
  }
  return true;
}

bool have_same_batches(const OpenLaunch& a, const OpenLaunch& b) {
  return std::equal(
      a.points.begin(), a.points.end(), b.points.begin(), b.points.end(),
      [](const BatchPoint& p, const BatchPoint& q) { return p.largest_batch == q.largest_batch; });
}

}  // namespace

void choose_late_waits(OpenCudaPlan& open) {
  for (std::size_t i = 1; i < open.launches.size(); ++i) {
    OpenLaunch &before = open.launches[i - 1], &launch = open.launches[i];
    if (!have_same_batches(before, launch) ||
        !may_overlap(*open.plan, *open.plan->steps[i - 1], *open.plan->steps[i])) {
      continue;
    }
    for (std::size_t p = 0; p < launch.points.size(); ++p) {
      const KernelSpec& predecessor = before.points[p].candidates.front();
      KernelSpec& chosen = launch.points[p].candidates.front();
      const bool lets_start_late = predecessor.may_wait_late && !predecessor.waits_late;
      if (lets_start_late && chosen.may_wait_late) chosen = waiting_late(std::move(chosen));
    }
  }
}

}  // namespace xinfer::lower
