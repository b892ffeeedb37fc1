// Attention as one launch: recognised among the common lowering's steps.
#include <cstring>

#include "kernels/elementwise/kinds.h"
#include "lower/cuda/cuda_fusions.h"

namespace xinfer::lower {
namespace {

using kernels::cuda::AttentionProblem;
using kernels::cuda::AttentionStrides;
using kernels::cuda::Operand;

/// A tensor of three axes behind the batch, perhaps seen through a transpose that goes away.
struct HeadView {
  TensorId id = kNoTensor;
  DType dtype = DType::kFloat32;
  ir::Dim batch;
  std::int64_t image = 0;
  std::vector<std::int64_t> dims, strides;
  const fb::StepT* transpose = nullptr;
};

std::optional<HeadView> view_of(const CudaLowering& cuda, const StepUses& uses, TensorId id) {
  HeadView view;
  const fb::StepT* writer = uses.producer(id);
  const auto* transpose = writer == nullptr ? nullptr : writer->params.AsTranspose();
  const bool through =
      transpose != nullptr && transpose->perm[0] == 0 && uses.only_reader(id) != nullptr;
  const Result<CudaTensor> tensor = cuda.tensor(through ? writer->inputs[0] : id);
  if (!tensor.ok() || tensor->dims.size() != 3) return std::nullopt;
  view.id = tensor->id;
  view.dtype = tensor->dtype;
  view.batch = tensor->batch;
  view.image = tensor->image_stride();
  view.transpose = through ? writer : nullptr;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t axis = through ? transpose->perm[i + 1] - 1 : i;
    view.dims.push_back(tensor->dims[axis]);
    view.strides.push_back(tensor->stride(axis));
  }
  return view;
}

/// The factor that a product applies to its sums; nothing if it adds or does more.
std::optional<float> product_factor(const CudaLowering& cuda, const fb::MatMulT& matmul) {
  const fb::EpilogueT& epilogue = *matmul.epilogue;
  if (!epilogue.steps.empty() || matmul.transpose_a) return std::nullopt;
  for (const float bias : cuda.values_of<float>(epilogue.bias)) {
    if (bias != 0.0f) return std::nullopt;
  }
  const std::span<const float> multiplier = cuda.values_of<float>(epilogue.multiplier);
  return multiplier.empty() ? 1.0f : multiplier.front();
}

/// The factor of a multiplication or division by one constant number.
std::optional<float> constant_factor(const CudaLowering& cuda, const fb::StepT& step) {
  const auto* binary = step.params.AsBinary();
  if (binary == nullptr || binary->clip || !cuda.is_constant(step.inputs[1])) return std::nullopt;
  const auto bytes = cuda.constant_bytes(step.inputs[1]);
  if (bytes.size() != sizeof(float)) return std::nullopt;
  float value = 0;
  std::memcpy(&value, bytes.data(), sizeof(value));
  switch (static_cast<kernels::Binary>(binary->function)) {
    case kernels::Binary::kMul:
      return value;
    case kernels::Binary::kDiv:
      return 1.0f / value;
    default:
      return std::nullopt;
  }
}

/// Adds the scores' side: both operands of the first product, and the factor.
bool add_scores(const CudaLowering& cuda, const StepUses& uses, const fb::StepT& softmax,
                FusedAttention& fused) {
  AttentionProblem& p = fused.problem;
  // Aliases: a product may have absorbed the factor (lower/absorbed_scaling.h).
  const fb::StepT* step = uses.producer_of_bytes(softmax.inputs[0]);
  if (step == nullptr || uses.only_reader_of_bytes(softmax.inputs[0]) != &softmax) return false;
  if (const std::optional<float> factor = constant_factor(cuda, *step)) {
    p.factor = *factor;
    fused.steps.push_back(step);
    const TensorId scores = step->inputs[0];
    if (uses.only_reader(scores) != step) return false;
    step = uses.producer(scores);
  }
  const auto* product = step == nullptr ? nullptr : step->params.AsMatMul();
  const auto factor = product == nullptr ? std::nullopt : product_factor(cuda, *product);
  if (!factor) return false;
  const auto q = view_of(cuda, uses, step->inputs[0]), k = view_of(cuda, uses, step->inputs[1]);
  if (!q || !k || q->dtype != k->dtype || q->batch != k->batch) return false;
  const std::size_t token = product->transpose_b ? 1 : 2, element = product->transpose_b ? 2 : 1;
  if (q->strides[2] != 1 || k->strides[element] != 1 || q->dims[0] != k->dims[0]) return false;
  p.factor *= *factor;
  p.scores = q->dtype;
  p.heads = q->dims[0];
  p.queries = q->dims[1];
  p.dim = q->dims[2];
  p.keys = k->dims[token];
  p.q = {q->image, q->strides[0], q->strides[1]};
  p.k = {k->image, k->strides[0], k->strides[token]};
  fused.q = q->id;
  fused.k = k->id;
  fused.steps.push_back(step);
  for (const fb::StepT* transpose : {q->transpose, k->transpose}) {
    if (transpose != nullptr) fused.steps.push_back(transpose);
  }
  return true;
}

/// Adds what becomes of the result: quantised, heads beside each other, in either order.
bool add_output(const CudaLowering& cuda, const StepUses& uses, TensorId result,
                FusedAttention& fused) {
  AttentionProblem& p = fused.problem;
  bool tokens_first = false, quantised = false;
  for (const fb::StepT* next = uses.only_reader(result); next != nullptr;
       next = uses.only_reader(result)) {
    const auto* transpose = next->params.AsTranspose();
    const auto* quantise = next->params.AsQuantize();
    if (!tokens_first && transpose != nullptr &&
        transpose->perm == std::vector<std::uint32_t>{0, 2, 1, 3}) {
      tokens_first = true;
    } else if (!quantised && quantise != nullptr &&
               quantise->perm == std::vector<std::uint32_t>{0, 1, 2, 3}) {
      quantised = true;
    } else {
      break;
    }
    fused.steps.push_back(next);
    result = next->outputs[0];
  }
  const Result<CudaTensor> y = cuda.tensor(result);
  if (!y.ok() || y->dims.size() != 3 || y->dims[2] != p.dim) return false;
  p.output = y->dtype;
  p.y_scale = y->is_int8() ? y->scale : 1.0f;
  p.y = {y->image_stride(), y->stride(tokens_first ? 1 : 0), y->stride(tokens_first ? 0 : 1)};
  fused.y = result;
  return true;
}

}  // namespace

std::optional<FusedAttention> match_attention(const CudaLowering& cuda, const StepUses& uses,
                                              const fb::StepT& softmax) {
  const auto* params = softmax.params.AsSoftmax();
  if (params == nullptr || params->log || params->axis != 3) return std::nullopt;
  FusedAttention fused;
  const fb::StepT* weighted = uses.only_reader(softmax.outputs[0]);
  const auto* product = weighted == nullptr ? nullptr : weighted->params.AsMatMul();
  if (product == nullptr || product->transpose_b || !cuda.is_half(softmax) ||
      !cuda.is_half(*weighted) || product_factor(cuda, *product) != 1.0f ||
      weighted->inputs[0] != softmax.outputs[0]) {
    return std::nullopt;
  }
  const auto v = view_of(cuda, uses, weighted->inputs[1]);
  if (!v || v->dtype != DType::kFloat16 || v->strides[2] != 1) return std::nullopt;
  if (!add_scores(cuda, uses, softmax, fused)) return std::nullopt;
  AttentionProblem& p = fused.problem;
  if (v->dims != std::vector<std::int64_t>{p.heads, p.keys, p.dim}) return std::nullopt;
  p.v = {v->image, v->strides[0], v->strides[1]};
  fused.v = v->id;
  if (v->transpose != nullptr) fused.steps.push_back(v->transpose);
  fused.steps.push_back(&softmax);
  if (!add_output(cuda, uses, weighted->outputs[0], fused)) return std::nullopt;
  if (!kernels::cuda::can_fuse_attention(p)) return std::nullopt;
  fused.steps.push_back(weighted);
  return fused;
}

Status lower_attention(CudaLowering& cuda, const FusedAttention& attention) {
  XINFER_ASSIGN_OR_RETURN(const CudaTensor y, cuda.tensor(attention.y));
  CudaLaunch launch;
  launch.family = "Attention";
  launch.batch = y.batch;
  const auto bytes = [](DType dtype) { return static_cast<std::int64_t>(size_of(dtype)); };
  const std::int64_t score_bytes = bytes(attention.problem.scores);
  cuda.read(launch, Operand::kInput, attention.q, attention.q_offset * score_bytes);
  cuda.read(launch, Operand::kInput2, attention.k, attention.k_offset * score_bytes);
  cuda.read(launch, Operand::kWeights, attention.v, attention.v_offset * bytes(DType::kFloat16));
  cuda.write(launch, Operand::kOutput, attention.y);
  for (const std::int64_t batch : cuda.batch_points(launch.batch)) {
    XINFER_ASSIGN_OR_RETURN(
        auto candidates,
        kernels::cuda::attention_candidates(attention.problem, batch, cuda.target().multiprocessors,
                                            cuda.target().most_candidates));
    launch.points.push_back({batch, std::move(candidates)});
  }
  fb::StepT step = *attention.steps.back();
  for (const fb::StepT* part : attention.steps) {
    if (part == attention.steps.back()) break;
    step.origins.insert(step.origins.end(), part->origins.begin(), part->origins.end());
  }
  return cuda.emit(step, std::move(launch));
}

}  // namespace xinfer::lower
