#include "lower/cuda/cuda_lowering.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "lower/cuda/cuda_fusions.h"
#include "lower/handlers.h"
#include "lower/memory_plan.h"

namespace xinfer::lower {

using kernels::cuda::KernelSpec;
using kernels::cuda::Operand;

std::int64_t CudaTensor::stride(std::size_t axis) const {
  if (axis + 1 >= dims.size()) return 1;
  std::int64_t step = pitch;
  for (std::size_t i = axis + 1; i + 1 < dims.size(); ++i) step *= dims[i];
  return step;
}

CudaLowering::CudaLowering(Lowering& source, engine::BlobWriter& rows, const SymbolRanges& symbols,
                           const CudaTarget& target, engine::BlobWriter& blobs,
                           const NodePrecisions& precisions)
    : source_(source),
      rows_(rows),
      symbols_(symbols),
      precisions_(precisions),
      target_(target),
      blobs_(blobs) {}

// --- tensors ------------------------------------------------------------------------------------

Result<CudaTensor> CudaLowering::tensor(TensorId id) const {
  if (id == kNoTensor) return internal_error("a CUDA step without an operand");
  const ir::SymbolicShape& shape = source_.shape_of(id);
  CudaTensor result;
  result.id = id;
  result.dtype = static_cast<DType>(made(id).dtype);
  result.scale = made(id).scale;
  result.batch = shape.empty() ? ir::Dim(1) : shape[0];
  for (std::size_t axis = 1; axis < shape.size(); ++axis) {
    if (!shape[axis].is_constant()) {
      return unsupported("dimension {} of {} is dynamic; supported: the first, the batch", axis,
                         ir::to_string(shape));
    }
    result.dims.push_back(shape[axis].constant());
  }
  result.pitch = made(id).pixel_stride != 0 ? static_cast<std::int64_t>(made(id).pixel_stride)
                                            : result.channels();
  if (made(id).view_of >= 0) {
    XINFER_ASSIGN_OR_RETURN(const CudaTensor whole, tensor(made(id).view_of));
    result.pitch = whole.pitch;
    result.is_slice = true;
  }
  return result;
}

bool CudaLowering::is_constant(TensorId id) const {
  return made(id).storage == fb::Storage::Constant;
}

std::span<const std::byte> CudaLowering::rows_of(const fb::Blob& blob) const {
  const auto bytes = std::as_bytes(std::span(rows_.bytes()));
  return bytes.subspan(blob.offset(), blob.size());
}

std::span<const std::byte> CudaLowering::constant_bytes(TensorId id) const {
  std::size_t bytes = size_of(static_cast<DType>(made(id).dtype));
  for (const ir::Dim& dim : source_.shape_of(id)) {
    bytes *= static_cast<std::size_t>(dim.constant());
  }
  const auto kept = kept_constants_.find(id);
  const std::uint64_t offset = kept == kept_constants_.end() ? made(id).offset : kept->second;
  return std::as_bytes(std::span(rows_.bytes())).subspan(offset, bytes);
}

Result<std::int64_t> CudaLowering::constant_dim(std::uint32_t index) const {
  const fb::DimNode& node = source_.plan().dims[index];
  if (node.op() != fb::DimOp::Constant) return unsupported("a position that is dynamic");
  return node.value();
}

void CudaLowering::keep_constant(TensorId id) {
  if (!is_constant(id) || !kept_constants_.try_emplace(id, made(id).offset).second) return;
  made(id).offset = blobs_.add(constant_bytes(id)).offset();
}

std::int64_t CudaLowering::stem_block(TensorId id) const {
  const auto it = stem_blocks_.find(id);
  return it == stem_blocks_.end() ? 1 : it->second;
}

TensorId CudaLowering::averaged_before(const fb::StepT& step) const {
  const auto it = averaged_.find(&step);
  return it == averaged_.end() ? kNoTensor : it->second;
}

const InvertedResidual* CudaLowering::inverted_residual_before(const fb::StepT& step) const {
  const auto it = inverted_residuals_.find(&step);
  if (it == inverted_residuals_.end()) return nullptr;
  // Another launch, a copy, may stand between them.
  const InvertedResidual& block = it->second;
  const auto is_launch = [&](std::size_t before, const fb::StepT& of) {
    return steps_.size() >= before && steps_[steps_.size() - before]->name == of.name;
  };
  const bool follows =
      is_launch(1, *block.filter) && (block.expand == nullptr || is_launch(2, *block.expand));
  return follows ? &block : nullptr;
}

TensorId CudaLowering::rearranged(TensorId id) {
  const auto [it, added] = rearranged_.try_emplace(id, kNoTensor);
  if (!added) return it->second;
  const std::int64_t block = stem_block(id);
  const ir::SymbolicShape& shape = source_.shape_of(id);  // [N, H, W, C]
  const std::int64_t height = shape[1].constant(), width = shape[2].constant();
  const std::int64_t channels = shape[3].constant() * block * block;
  const auto dtype = static_cast<DType>(made(id).dtype);
  const TensorId blocks = source_.add_tensor(
      dtype, made(id).scale,
      {shape[0], (height + block - 1) / block, (width + block - 1) / block, channels});
  made(blocks).pixel_stride = static_cast<std::uint64_t>(aligned_pitch(channels, dtype));
  it->second = blocks;
  return blocks;
}

void CudaLowering::forget_unused_tensors() {
  std::vector<bool> used(source_.plan().tensors.size(), false);
  for (const auto& step : steps_) {
    for (const auto* operands : {&step->inputs, &step->outputs}) {
      for (const TensorId id : *operands) used[static_cast<std::size_t>(id)] = true;
    }
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    fb::TensorT& tensor = *source_.plan().tensors[i];
    const bool inside = tensor.storage == fb::Storage::Arena;
    if (used[i] || (!inside && tensor.storage != fb::Storage::Constant)) continue;
    tensor.storage = fb::Storage::Arena;  // a constant's bytes were not kept
    tensor.dims = {source_.dim(0)};       // it has no place in the arena
    tensor.pixel_stride = 0;
  }
}

// --- launches -----------------------------------------------------------------------------------

void CudaLowering::add_operand(CudaLaunch& launch, Operand operand, TensorId id,
                               std::int64_t offset_bytes) {
  auto made_operand = std::make_unique<fb::CudaOperandT>();
  made_operand->operand = static_cast<std::uint8_t>(operand);
  made_operand->tensor = id;
  made_operand->offset_bytes = static_cast<std::uint64_t>(offset_bytes);
  launch.operands.push_back(std::move(made_operand));
}

void CudaLowering::read(CudaLaunch& launch, Operand operand, TensorId id,
                        std::int64_t offset_bytes) {
  keep_constant(id);
  launch.inputs.push_back(id);
  add_operand(launch, operand, id, offset_bytes);
}

void CudaLowering::write(CudaLaunch& launch, Operand operand, TensorId id,
                         std::int64_t offset_bytes) {
  launch.outputs.push_back(id);
  add_operand(launch, operand, id, offset_bytes);
}

void CudaLowering::use(CudaLaunch& launch, Operand operand, const fb::Blob& blob) const {
  auto made_operand = std::make_unique<fb::CudaOperandT>();
  made_operand->operand = static_cast<std::uint8_t>(operand);
  made_operand->blob = blob;
  launch.operands.push_back(std::move(made_operand));
}

OperandExtent CudaLowering::extent_of(const fb::CudaOperandT& operand) const {
  OperandExtent extent;
  extent.operand = static_cast<Operand>(operand.operand);
  extent.bytes = operand.blob.size();
  if (operand.tensor == kNoTensor) return extent;
  const Result<CudaTensor> found = tensor(operand.tensor);
  if (!found.ok()) return extent;
  extent.bytes = static_cast<std::size_t>(found->image_stride()) * size_of(found->dtype);
  extent.per_image = true;
  return extent;
}

void CudaLowering::set_next_product(LaunchedProduct product) {
  product_ = std::move(product);
  product_launch_ = launches_.size();
}

const LaunchedProduct* CudaLowering::product_before() const {
  const bool latest = product_ && product_launch_ + 1 == launches_.size();
  return latest && !precisions_.empty() ? &*product_ : nullptr;
}

std::vector<std::int64_t> CudaLowering::batch_points(const ir::Dim& batch) const {
  ir::Bindings largest;
  for (const auto& [name, range] : symbols_) largest[name] = range.max;
  const Result<std::int64_t> most = batch.evaluate(largest);
  if (!most.ok() || batch.is_constant()) return {most.ok() ? *most : 1};
  std::vector<std::int64_t> points;
  for (const std::int64_t point : {1, 8, 32, 128}) {
    if (point < *most) points.push_back(point);
  }
  points.push_back(*most);
  return points;
}

Status CudaLowering::emit(const fb::StepT& step, CudaLaunch launch, KernelSpec spec) {
  launch.points.resize(1);
  launch.points[0].largest_batch = batch_points(launch.batch).back();
  launch.points[0].candidates.push_back(std::move(spec));
  return emit(step, std::move(launch));
}

Status CudaLowering::emit(const fb::StepT& step, CudaLaunch launch) {
  OpenLaunch open;
  open.points = std::move(launch.points);
  for (const auto& operand : launch.operands) open.operands.push_back(extent_of(*operand));
  fb::CudaT params;
  params.family = launch.family.empty() ? fb::EnumNameParams(step.params.type) : launch.family;
  params.batch = source_.dim(launch.batch);
  params.operands = std::move(launch.operands);
  auto made_step = std::make_unique<fb::StepT>();
  made_step->name = launch.name.empty() ? step.name : launch.name;
  made_step->origins = step.origins;
  made_step->inputs = std::move(launch.inputs);
  made_step->outputs = std::move(launch.outputs);
  made_step->params.Set(std::move(params));
  steps_.push_back(std::move(made_step));
  launches_.push_back(std::move(open));
  return {};
}

// --- steps --------------------------------------------------------------------------------------

/// Whether the tensor has no elements, whatever the batch.
bool CudaLowering::is_empty(TensorId id) const {
  if (id == kNoTensor) return true;
  const ir::SymbolicShape& shape = source_.shape_of(id);
  return std::find(shape.begin(), shape.end(), ir::Dim(0)) != shape.end();
}

Status CudaLowering::lower_step(const fb::StepT& step) {
  const auto no_elements = [this](TensorId id) { return is_empty(id); };
  if (std::all_of(step.outputs.begin(), step.outputs.end(), no_elements)) return Status();
  const auto lower = [&](const auto* params) { return lower_cuda_step(*this, step, *params); };
  switch (step.params.type) {
    case fb::Params::Conv:
      return lower(step.params.AsConv());
    case fb::Params::Gemm:
      return lower(step.params.AsGemm());
    case fb::Params::MatMul:
      return lower(step.params.AsMatMul());
    case fb::Params::Unary:
      return lower(step.params.AsUnary());
    case fb::Params::Binary:
      return lower(step.params.AsBinary());
    case fb::Params::Clip:
      return lower(step.params.AsClip());
    case fb::Params::Cast:
      return lower(step.params.AsCast());
    case fb::Params::Select:
      return lower(step.params.AsSelect());
    case fb::Params::Softmax:
      return lower(step.params.AsSoftmax());
    case fb::Params::LayerNorm:
      return lower(step.params.AsLayerNorm());
    case fb::Params::Pool:
      return lower(step.params.AsPool());
    case fb::Params::Reduce:
      return lower(step.params.AsReduce());
    case fb::Params::ArgReduce:
      return lower(step.params.AsArgReduce());
    case fb::Params::Resize:
      return lower(step.params.AsResize());
    case fb::Params::Quantize:
      return lower(step.params.AsQuantize());
    case fb::Params::ConvertImage:
      return lower(step.params.AsConvertImage());
    case fb::Params::ByteTable:
      return lower(step.params.AsByteTable());
    case fb::Params::QuantizedBinary:
      return lower(step.params.AsQuantizedBinary());
    case fb::Params::Transpose:
      return lower(step.params.AsTranspose());
    case fb::Params::Slice:
      return lower(step.params.AsSlice());
    case fb::Params::Concat:
      return lower(step.params.AsConcat());
    case fb::Params::Pad:
      return lower(step.params.AsPad());
    case fb::Params::Gather:
      return lower(step.params.AsGather());
    case fb::Params::Expand:
      return lower(step.params.AsExpand());
    default:
      return unsupported("there is no CUDA kernel for this op yet");
  }
}

void CudaLowering::drop(const std::set<const fb::StepT*>& steps) {
  std::erase_if(source_.plan().steps, [&](const auto& step) { return steps.contains(step.get()); });
}

std::map<const fb::StepT*, FusedAttention> CudaLowering::find_attentions() {
  std::map<const fb::StepT*, FusedAttention> found;
  const StepUses uses(source_);
  std::vector<MergedProjections> merged;
  for (const auto& step : source_.plan().steps) {
    auto attention = match_attention(*this, uses, *step);
    if (!attention) continue;
    if (auto projections = merge_projections(source_, rows_, uses, *attention)) {
      merged.push_back(*std::move(projections));
    }
    const fb::StepT* last = attention->steps.back();
    found.emplace(last, *std::move(attention));
  }
  auto& steps = source_.plan().steps;
  for (MergedProjections& projections : merged) {
    for (auto& step : steps) {
      if (step.get() == projections.replaced.front()) step = std::move(projections.step);
    }
    drop({projections.replaced.begin() + 1, projections.replaced.end()});
  }
  return found;
}

Status CudaLowering::run() {
  choose_halves(source_, precisions_);
  if (!precisions_.empty()) {  // otherwise every value stays observable, for calibration
    drop(cancel_transposes(source_));
    drop(absorb_expansions(source_));
    drop(absorb_quantisers(source_));
    write_concat_slices(source_, cuda_slice_rules());
  }
  choose_pitches(source_);
  stem_blocks_ = find_stems(source_, *this);
  if (!precisions_.empty()) {
    averaged_ = find_averaged_products(source_, *this);
    inverted_residuals_ = find_inverted_residuals(source_);
  }
  const std::map<const fb::StepT*, FusedAttention> attentions = find_attentions();
  const std::vector<FusedStem> found_stems =
      precisions_.empty() ? std::vector<FusedStem>() : find_fused_stems(source_, *this);
  std::map<const fb::StepT*, const fb::StepT*> joined_operands;
  if (!precisions_.empty()) joined_operands = find_joined_operands(source_, *this);
  std::vector<std::unique_ptr<fb::StepT>> common = std::move(source_.plan().steps);
  DroppedSteps dropped;
  for (const auto& [last, attention] : attentions) {
    dropped.insert(attention.steps.begin(), attention.steps.end());
  }
  std::map<const fb::StepT*, FusedStem> stems;
  for (const FusedStem& stem : found_stems) {
    dropped.insert({stem.convert, stem.conv});
    stems.emplace(stem.last(), stem);
  }
  for (const auto& [step, joined] : joined_operands) dropped.insert(joined);
  const auto lower = [&](const fb::StepT& step) {
    const auto attention = attentions.find(&step);
    if (attention != attentions.end()) return lower_attention(*this, attention->second);
    const auto stem = stems.find(&step);
    if (stem != stems.end()) return lower_fused_stem(*this, stem->second);
    const auto joined = joined_operands.find(&step);
    if (joined != joined_operands.end()) return lower_joined_operand(*this, step, *joined->second);
    return dropped.contains(&step) ? Status() : lower_step(step);
  };
  for (const auto& step : common) {
    Status status = lower(*step);
    if (status.ok()) continue;
    return std::move(status).with_context(fmt::format(
        "{}: step \"{}\" ({})", target_.name(), step->name, fb::EnumNameParams(step->params.type)));
  }
  forget_unused_tensors();
  source_.plan().steps = std::move(steps_);
  source_.plan().target = target_.name();
  return {};
}

}  // namespace xinfer::lower
