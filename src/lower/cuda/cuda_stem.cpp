// First layers: strided convolutions of few channels, whose input is stored in blocks so that its
// pixels fill whole granules; where one kernel serves, the image's conversion and the max pooling
// around them are part of the launch.
#include "kernels/cuda/space_to_depth.h"
#include "kernels/cuda/stem_kernels.h"
#include "kernels/pool/kinds.h"
#include "lower/cuda/cuda_fusions.h"
#include "lower/cuda/cuda_weights.h"

namespace xinfer::lower {
namespace {

/// Steps that read each tensor's bytes, by owner.
std::map<TensorId, int> count_readers(const Lowering& lowering, const fb::PlanT& plan) {
  std::map<TensorId, int> readers;
  for (const auto& step : plan.steps) {
    for (const TensorId input : step->inputs) {
      if (input != kNoTensor) ++readers[lowering.owner(input)];
    }
  }
  return readers;
}

/// [N, spatial…, C] from [N, C, spatial…] float32 or from a u8 image, to INT8 or FP16: what can
/// store blocks.
bool makes_channels_last(const fb::StepT& step, const CudaTensor& x, const CudaTensor& y) {
  if (y.dtype == DType::kFloat32) return false;
  if (step.params.type == fb::Params::ConvertImage) return true;
  if (x.dtype != DType::kFloat32) return false;
  const auto* convert = step.params.AsQuantize();
  const auto* transpose = step.params.AsTranspose();
  if (convert == nullptr && transpose == nullptr) return false;
  return (convert != nullptr ? convert->perm : transpose->perm) ==
         std::vector<std::uint32_t>{0, 2, 3, 1};
}

/// Whether the step is a max pooling over two axes, without its second output.
bool is_max_pool(const fb::StepT& step) {
  const fb::PoolT& pool = *step.params.AsPool();
  return static_cast<kernels::PoolKind>(pool.kind) == kernels::PoolKind::kMax &&
         pool.kernel.size() == 2 && (step.outputs.size() == 1 || step.outputs[1] == kNoTensor);
}

/// The problem but for the steps of its epilogue.
Result<kernels::cuda::StemProblem> stem_problem(const CudaLowering& cuda, const FusedStem& stem) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(stem.conv->inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(stem.conv->outputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor out, cuda.tensor(stem.last()->outputs[0]));
  XINFER_ASSIGN_OR_RETURN(const DType type, product_type(cuda, *stem.conv, x.id));
  if (type != x.dtype || y.dtype != out.dtype) {
    return unsupported("types that change on the way through a stem");
  }
  kernels::cuda::StemProblem problem;
  problem.image_h = x.dims[0];
  problem.image_w = x.dims[1];
  problem.channels = x.dims[2];
  problem.block = cuda.stem_block(x.id);
  problem.factor = x.scale;
  problem.byte_image = stem.convert->params.type == fb::Params::ConvertImage;
  kernels::cuda::ConvProblem& conv = problem.conv;
  conv.shape = kernels::cuda::space_to_depth_shape(conv_shape(*stem.conv->params.AsConv(), x, y));
  conv.shape.y_pixel_stride = out.pitch;
  conv.input = x.dtype;
  conv.stored_channels = out.own_channels();
  conv.epilogue.output_dtype = y.dtype;
  conv.epilogue.multiplier = x.is_int8() ? &kPresent : nullptr;
  conv.epilogue.bias = &kPresent;
  if (stem.pool != nullptr) {
    problem.pool = pool_shape(*stem.pool->params.AsPool(), y, out);
  }
  return problem;
}

bool has_kernel(const CudaLowering& cuda, const FusedStem& stem) {
  for (const auto& part : stem.conv->params.AsConv()->epilogue->steps) {
    if (part->kind == fb::EpilogueKind::Residual) return false;
  }
  const Result<kernels::cuda::StemProblem> problem = stem_problem(cuda, stem);
  return problem.ok() && kernels::cuda::stem_candidates(*problem, conv_target(cuda), 1, 1).ok();
}

}  // namespace

std::vector<FusedStem> find_fused_stems(const Lowering& lowering, const CudaLowering& cuda) {
  const StepUses uses(lowering);
  std::vector<FusedStem> found;
  for (const auto& step : lowering.plan().steps) {
    if (step->params.type != fb::Params::Conv || cuda.stem_block(step->inputs[0]) == 1) continue;
    FusedStem stem{uses.producer(step->inputs[0]), step.get(), nullptr};
    if (stem.convert == nullptr) continue;
    const fb::StepT* reader = uses.only_reader(step->outputs[0]);
    if (reader != nullptr && reader->params.type == fb::Params::Pool && is_max_pool(*reader)) {
      stem.pool = reader;
      if (has_kernel(cuda, stem)) {
        found.push_back(stem);
        continue;
      }
      stem.pool = nullptr;
    }
    if (has_kernel(cuda, stem)) found.push_back(stem);
  }
  return found;
}

Status lower_fused_stem(CudaLowering& cuda, const FusedStem& stem) {
  XINFER_ASSIGN_OR_RETURN(kernels::cuda::StemProblem problem, stem_problem(cuda, stem));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor x, cuda.tensor(stem.conv->inputs[0]));
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(stem.conv->outputs[0]));
  const fb::ConvT& conv = *stem.conv->params.AsConv();
  CudaLaunch launch;
  launch.name = stem.conv->name;
  launch.family = "Stem";
  launch.batch = y.batch;
  cuda.read(launch, kernels::cuda::Operand::kInput, stem.convert->inputs[0]);
  if (const auto* image = stem.convert->params.AsConvertImage()) {
    cuda.use(launch, kernels::cuda::Operand::kInput2,
             cuda.blobs().add(cuda.rows_of(image->tables)));
  }
  for (const auto& part : conv.epilogue->steps) {
    XINFER_RETURN_IF_ERROR(
        add_epilogue_step(cuda, *stem.conv, *part, launch, problem.conv.epilogue));
  }
  cuda.write(launch, kernels::cuda::Operand::kOutput, stem.last()->outputs[0]);
  const std::vector<std::byte> weights = blocked_weights(
      conv_shape(conv, x, y), weights_of_type(cuda.rows_of(conv.weights), x.dtype), x.dtype);
  use_gemm_weights(cuda, problem.conv, *conv.epilogue, weights, launch);
  for (const std::int64_t batch : cuda.batch_points(launch.batch)) {
    XINFER_ASSIGN_OR_RETURN(auto candidates,
                            kernels::cuda::stem_candidates(problem, conv_target(cuda), batch,
                                                           cuda.target().most_candidates));
    launch.points.push_back({batch, std::move(candidates)});
  }
  fb::StepT step = *stem.last();
  for (const fb::StepT* part : {stem.convert, stem.conv}) {
    if (part == stem.last()) continue;
    step.origins.insert(step.origins.end(), part->origins.begin(), part->origins.end());
  }
  return cuda.emit(step, std::move(launch));
}

std::map<TensorId, std::int64_t> find_stems(const Lowering& lowering, const CudaLowering& cuda) {
  const fb::PlanT& plan = lowering.plan();
  const std::map<TensorId, int> readers = count_readers(lowering, plan);
  std::map<TensorId, bool> convertible;
  std::map<TensorId, std::int64_t> stems;
  for (const auto& step : plan.steps) {
    if (step->inputs.empty() || step->outputs.empty()) continue;
    const Result<CudaTensor> x = cuda.tensor(step->inputs[0]);
    const Result<CudaTensor> y = cuda.tensor(step->outputs[0]);
    if (!x.ok() || !y.ok()) continue;
    if (makes_channels_last(*step, *x, *y)) convertible[y->id] = true;
    const auto* conv = step->params.AsConv();
    if (conv == nullptr || conv->kernel.size() != 2 || !convertible.contains(x->id) ||
        readers.at(x->id) != 1) {
      continue;
    }
    const kernels::ConvShape shape = conv_shape(*conv, *x, *y);
    if (kernels::cuda::can_use_space_to_depth(shape)) stems[x->id] = shape.stride_h;
  }
  return stems;
}

}  // namespace xinfer::lower
