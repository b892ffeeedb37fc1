// Classifiers: the average over all pixels and the product that reads it, in one launch where that
// is faster. The average keeps a launch of its own, which is left out at those batches.
#include <iterator>

#include "kernels/cuda/average_product.h"
#include "kernels/cuda/pool_kernels.h"
#include "kernels/pool/kinds.h"
#include "kernels/reduce/kinds.h"
#include "kernels/reduce/reduce.h"
#include "lower/cuda/cuda_fusions.h"

namespace xinfer::lower {
namespace {

using kernels::cuda::AverageProductProblem;
using kernels::cuda::KernelSpec;
using kernels::cuda::Operand;

/// Whether the pool has one window, which is the whole of x, and is one launch: volumes take two.
bool has_one_window(const fb::PoolT& pool, const CudaTensor& x) {
  if (pool.kernel.size() > 2 || pool.kernel.size() + 1 != x.dims.size()) return false;
  for (std::size_t i = 0; i < pool.kernel.size(); ++i) {
    if (pool.kernel[i] != x.dims[i] || pool.pads_begin[i] != 0 || pool.pads_end[i] != 0 ||
        pool.dilations[i] != 1) {
      return false;
    }
  }
  return true;
}

/// Whether the step averages all pixels of x.
bool averages_pixels(const fb::StepT& step, const CudaTensor& x) {
  if (const auto* pool = step.params.AsPool()) {
    return static_cast<kernels::PoolKind>(pool->kind) == kernels::PoolKind::kAverage &&
           has_one_window(*pool, x);
  }
  const auto* reduce = step.params.AsReduce();
  return reduce != nullptr &&
         static_cast<kernels::ReduceKind>(reduce->kind) == kernels::ReduceKind::kMean &&
         reduces_pixels(*reduce, x.dims.size() + 1);
}

/// fl32(s_x / (s_y * pixels)) for INT8, as the average's own kernel has it.
float factor_of(const CudaTensor& x, const CudaTensor& mean) {
  kernels::cuda::PoolProblem pool;
  pool.shape.width = {x.pixels(), 1, x.pixels(), 1, 1, 0, 0};
  pool.types.x_scale = x.scale;
  pool.types.y_scale = mean.scale;
  pool.types.y_dtype = mean.dtype;
  return kernels::cuda::pool_factors(pool).back();
}

}  // namespace

std::map<const fb::StepT*, TensorId> find_averaged_products(const Lowering& lowering,
                                                            const CudaLowering& cuda) {
  std::map<const fb::StepT*, TensorId> found;
  const StepUses uses(lowering);
  const auto& steps = lowering.plan().steps;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    const fb::StepT &first = *steps[i - 1], &second = *steps[i];
    const bool multiplies = second.params.AsGemm() != nullptr || second.params.AsConv() != nullptr;
    if (!multiplies || first.inputs.empty() || first.outputs.size() != 1 ||
        uses.only_reader_of_bytes(first.outputs[0]) != &second ||
        lowering.owner(second.inputs[0]) != lowering.owner(first.outputs[0])) {
      continue;
    }
    const Result<CudaTensor> x = cuda.tensor(first.inputs[0]), y = cuda.tensor(second.outputs[0]);
    if (!x.ok() || !y.ok() || !averages_pixels(first, *x) || x->batch != y->batch) continue;
    found.emplace(&second, x->id);
  }
  return found;
}

void offer_average_product(CudaLowering& cuda, const fb::StepT& step,
                           const kernels::cuda::ConvProblem& product, CudaLaunch& launch) {
  const TensorId averaged = cuda.averaged_before(step);
  if (averaged == kNoTensor || cuda.target().capability < 90) return;
  const Result<CudaTensor> x = cuda.tensor(averaged), mean = cuda.tensor(step.inputs[0]);
  // Another launch, a copy, may stand between the two.
  if (!x.ok() || !mean.ok() || launch.inputs[0] != step.inputs[0]) return;
  AverageProductProblem problem;
  problem.product = product;
  problem.source = x->dtype;
  problem.pixels = x->pixels();
  problem.source_pixel_stride = x->pitch;
  if (x->is_int8()) problem.factor = factor_of(*x, *mean);
  bool offered = false;
  for (BatchPoint& point : launch.points) {
    std::vector<KernelSpec> specs = kernels::cuda::average_product_candidates(
        problem, point.largest_batch, cuda.target().most_candidates);
    offered = offered || !specs.empty();
    point.candidates.insert(point.candidates.begin(), std::make_move_iterator(specs.begin()),
                            std::make_move_iterator(specs.end()));
  }
  if (offered) cuda.read(launch, Operand::kInput2, averaged);
}

}  // namespace xinfer::lower
