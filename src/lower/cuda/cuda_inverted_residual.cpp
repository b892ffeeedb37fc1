// Inverted residual blocks: expansion, depthwise convolution and projection in one launch where
// that is faster. The first layers keep launches of their own, which are left out at those batches.
#include <iterator>

#include "kernels/cuda/inverted_residual_kernels.h"
#include "lower/cuda/cuda_fusions.h"
#include "lower/cuda/cuda_weights.h"

namespace xinfer::lower {
namespace {

using kernels::cuda::ConvProblem;
using kernels::cuda::InvertedResidualProblem;
using kernels::cuda::LayerConstants;
using kernels::cuda::Operand;

/// Whether `second` directly follows `first` and alone reads what that writes.
bool is_pair(const StepUses& uses, const fb::StepT& first, const fb::StepT& second) {
  return first.params.AsConv() != nullptr && first.outputs.size() == 1 &&
         uses.only_reader(first.outputs[0]) == &second && second.inputs[0] == first.outputs[0];
}

bool is_depthwise_3x3(const fb::StepT& step) {
  const auto* conv = step.params.AsConv();
  return conv != nullptr && conv->groups > 1 && conv->groups == conv->in_channels &&
         conv->kernel == std::vector<std::int64_t>{3, 3};
}

bool is_pointwise(const fb::StepT& step) {
  const auto* conv = step.params.AsConv();
  return conv != nullptr && conv->groups == 1 && conv->kernel == std::vector<std::int64_t>{1, 1};
}

/// The problem of an inner layer, whose epilogue has no operands of its own.
Result<ConvProblem> inner_problem(const CudaLowering& cuda, const fb::StepT& step) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(step.inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(step.outputs[0]));
  const fb::ConvT& conv = *step.params.AsConv();
  ConvProblem problem;
  problem.shape = conv_shape(conv, x, y);
  problem.shape.x_pixel_stride = x.pitch;
  problem.shape.y_pixel_stride = y.pitch;
  problem.input = x.dtype;
  problem.epilogue.output_dtype = y.dtype;
  problem.epilogue.multiplier = x.is_int8() ? &kPresent : nullptr;
  problem.epilogue.bias = &kPresent;
  for (const auto& part : conv.epilogue->steps) {
    if (part->kind != fb::EpilogueKind::Clip ||
        problem.epilogue.step_count == kernels::kMaxEpilogueSteps) {
      return unsupported("an inner layer whose epilogue is not a clip");
    }
    kernels::EpilogueStep& clip = problem.epilogue.steps[problem.epilogue.step_count++];
    clip.kind = kernels::EpilogueStep::Kind::kClip;
    clip.low = part->low;
    clip.high = part->high;
  }
  return problem;
}

/// The layer's constants; `zeros` serves as its bias if it has none.
LayerConstants constants_of(const CudaLowering& cuda, const fb::StepT& step,
                            std::vector<float>& zeros) {
  const fb::ConvT& conv = *step.params.AsConv();
  zeros.assign(static_cast<std::size_t>(conv.out_channels), 0.0f);
  const fb::EpilogueT& epilogue = *conv.epilogue;
  return {cuda.rows_of(conv.weights), cuda.values_of<float>(epilogue.multiplier),
          epilogue.bias.size() == 0 ? std::span<const float>(zeros)
                                    : cuda.values_of<float>(epilogue.bias)};
}

}  // namespace

std::map<const fb::StepT*, InvertedResidual> find_inverted_residuals(const Lowering& lowering) {
  std::map<const fb::StepT*, InvertedResidual> found;
  const StepUses uses(lowering);
  const auto& steps = lowering.plan().steps;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    const fb::StepT &filter = *steps[i - 1], &project = *steps[i];
    if (!is_pointwise(project) || !is_depthwise_3x3(filter) || !is_pair(uses, filter, project)) {
      continue;
    }
    InvertedResidual block{nullptr, &filter};
    if (i > 1 && is_pointwise(*steps[i - 2]) && is_pair(uses, *steps[i - 2], filter)) {
      block.expand = steps[i - 2].get();
    }
    found.emplace(&project, block);
  }
  return found;
}

Status offer_inverted_residual(CudaLowering& cuda, const fb::StepT& step,
                               const ConvProblem& project, CudaLaunch& launch) {
  const InvertedResidual* block = cuda.inverted_residual_before(step);
  if (block == nullptr || launch.inputs[0] != step.inputs[0]) return {};
  const Result<ConvProblem> filter = inner_problem(cuda, *block->filter);
  if (!filter.ok() || cuda.stem_block(block->first().inputs[0]) != 1) return {};
  InvertedResidualProblem problem;
  problem.filter = *filter;
  problem.project = project;
  if (block->expand != nullptr) {
    const Result<ConvProblem> expand = inner_problem(cuda, *block->expand);
    if (!expand.ok()) return {};
    problem.expand = *expand;
  }
  const int most = cuda.target().most_candidates;
  bool offered = false;
  for (BatchPoint& point : launch.points) {
    auto [specs, first] = kernels::cuda::inverted_residual_candidates(problem, conv_target(cuda),
                                                                      point.largest_batch, most);
    if (!first && most == 1) continue;  // nothing will be timed
    offered = offered || !specs.empty();
    point.candidates.insert(first ? point.candidates.begin() : point.candidates.end(),
                            std::make_move_iterator(specs.begin()),
                            std::make_move_iterator(specs.end()));
  }
  if (!offered) return {};
  std::vector<float> zeros, more_zeros;
  LayerConstants expand;
  if (block->expand != nullptr) expand = constants_of(cuda, *block->expand, zeros);
  const std::vector<std::byte> packed = kernels::cuda::pack_inverted_residual(
      problem, expand, constants_of(cuda, *block->filter, more_zeros),
      cuda.rows_of(step.params.AsConv()->weights));
  cuda.use(launch, Operand::kWeights2, cuda.blobs().add(std::span<const std::byte>(packed)));
  cuda.read(launch, Operand::kInput2, block->first().inputs[0]);
  return {};
}

}  // namespace xinfer::lower
