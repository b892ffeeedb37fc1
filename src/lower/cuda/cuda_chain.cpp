// Pointwise convolutions that read what the launch before them makes: a kernel that computes both
// may take the place of the two. The first one keeps a launch of its own, which is left out at
// those batches.
#include <algorithm>
#include <iterator>

#include "kernels/cuda/chain_kernels.h"
#include "lower/cuda/cuda_weights.h"

namespace xinfer::lower {
namespace {

using kernels::cuda::ChainProblem;
using kernels::cuda::KernelSpec;
using kernels::cuda::Operand;

/// What the first layer's operands are called in the second one's launch. Its output is that one's
/// input.
Operand in_next_launch(Operand operand) {
  switch (operand) {
    case Operand::kInput:
      return Operand::kInput2;
    case Operand::kWeights:
      return Operand::kWeights2;
    case Operand::kMultiplier:
      return Operand::kMultiplier2;
    case Operand::kBias:
      return Operand::kBias2;
    default:
      return operand;
  }
}

bool replaces(const KernelSpec& spec) { return spec.replaces_previous > 0; }

}  // namespace

void remember_product(CudaLowering& cuda, const kernels::cuda::ConvProblem& problem,
                      const CudaLaunch& launch) {
  // Were it left out, nobody would do the work of the launch that it replaces.
  for (const BatchPoint& point : launch.points) {
    if (std::any_of(point.candidates.begin(), point.candidates.end(), replaces)) return;
  }
  LaunchedProduct product{problem, launch.batch, launch.outputs[0], {}};
  for (const auto& operand : launch.operands) product.operands.push_back(*operand);
  cuda.set_next_product(std::move(product));
}

void offer_chain(CudaLowering& cuda, const kernels::cuda::ConvProblem& problem,
                 CudaLaunch& launch) {
  const LaunchedProduct* before = cuda.product_before();
  if (before == nullptr || before->y != launch.inputs[0] || !(before->batch == launch.batch))
    return;
  const ChainProblem chain{before->problem, problem};
  const kernels::cuda::ConvTarget target = conv_target(cuda);
  bool offered = false;
  for (BatchPoint& point : launch.points) {
    std::vector<KernelSpec> specs = kernels::cuda::chain_candidates(
        chain, target, point.largest_batch, cuda.target().most_candidates);
    offered = offered || !specs.empty();
    point.candidates.insert(point.candidates.begin(), std::make_move_iterator(specs.begin()),
                            std::make_move_iterator(specs.end()));
  }
  if (!offered) return;
  for (const fb::CudaOperandT& operand : before->operands) {
    const auto name = static_cast<Operand>(operand.operand);
    if (name == Operand::kOutput) continue;
    if (operand.tensor == kNoTensor) {
      cuda.use(launch, in_next_launch(name), operand.blob);
    } else {
      cuda.read(launch, in_next_launch(name), operand.tensor,
                static_cast<std::int64_t>(operand.offset_bytes));
    }
  }
}

}  // namespace xinfer::lower
