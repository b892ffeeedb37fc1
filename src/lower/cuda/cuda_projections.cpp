// Products of one tensor with several constants, as one product: the projections of attention.
#include "lower/cuda/cuda_fusions.h"

namespace xinfer::lower {
namespace {

using kernels::cuda::AttentionStrides;

/// One operand of the attention and the product that makes it.
struct Projection {
  const fb::StepT* step = nullptr;
  const fb::GemmT* gemm = nullptr;
  TensorId* operand = nullptr;
  AttentionStrides* strides = nullptr;
  std::int64_t* offset = nullptr;
};

/// Fills in the product, if it does nothing else and its rows are the operand's tokens.
bool find_product(const Lowering& lowering, const StepUses& uses, Projection& part) {
  const TensorId owner = lowering.owner(*part.operand);
  part.step = uses.producer(owner);
  part.gemm = part.step == nullptr ? nullptr : part.step->params.AsGemm();
  if (part.gemm == nullptr || !part.gemm->epilogue->steps.empty() ||
      uses.only_reader_of_bytes(owner) == nullptr) {
    return false;
  }
  const fb::TensorT& tensor = *lowering.plan().tensors[static_cast<std::size_t>(owner)];
  return tensor.pixel_stride == 0 && lowering.shape_of(owner).size() == 3 &&
         part.strides->token == part.gemm->n;
}

template <typename T>
std::span<const T> values_in(const engine::BlobWriter& rows, const fb::Blob& blob) {
  const auto bytes = std::as_bytes(std::span(rows.bytes())).subspan(blob.offset(), blob.size());
  return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
}

/// One after the other; zeros for a part that has none, nothing if none has any.
fb::Blob join_tables(engine::BlobWriter& rows, const std::vector<Projection>& parts,
                     fb::Blob fb::EpilogueT::*table) {
  std::vector<float> joined;
  bool present = false;
  for (const Projection& part : parts) {
    const auto values = values_in<float>(rows, (*part.gemm->epilogue).*table);
    const std::size_t end = joined.size() + static_cast<std::size_t>(part.gemm->n);
    joined.insert(joined.end(), values.begin(), values.end());
    joined.resize(end, 0.0f);
    present = present || !values.empty();
  }
  return present ? rows.add(std::span<const float>(joined)) : fb::Blob();
}

}  // namespace

std::optional<MergedProjections> merge_projections(Lowering& lowering, engine::BlobWriter& rows,
                                                   const StepUses& uses,
                                                   FusedAttention& attention) {
  std::vector<Projection> parts(attention.problem.scores == DType::kFloat16 ? 3 : 2);
  parts[0].operand = &attention.q, parts[0].strides = &attention.problem.q;
  parts[0].offset = &attention.q_offset;
  parts[1].operand = &attention.k, parts[1].strides = &attention.problem.k;
  parts[1].offset = &attention.k_offset;
  if (parts.size() > 2) {
    parts[2].operand = &attention.v, parts[2].strides = &attention.problem.v;
    parts[2].offset = &attention.v_offset;
  }
  std::int64_t columns = 0;
  std::vector<std::byte> weights;
  MergedProjections merged;
  for (Projection& part : parts) {
    if (!find_product(lowering, uses, part) || part.step->inputs[0] != parts[0].step->inputs[0] ||
        part.gemm->k != parts[0].gemm->k || part.gemm->type != parts[0].gemm->type) {
      return std::nullopt;
    }
    const auto bytes = values_in<std::byte>(rows, part.gemm->weights);
    weights.insert(weights.end(), bytes.begin(), bytes.end());
    columns += part.gemm->n;
    merged.replaced.push_back(part.step);
  }
  fb::GemmT gemm;
  gemm.type = parts[0].gemm->type;
  gemm.n = columns;
  gemm.k = parts[0].gemm->k;
  gemm.epilogue = std::make_unique<fb::EpilogueT>();
  gemm.epilogue->multiplier = join_tables(rows, parts, &fb::EpilogueT::multiplier);
  gemm.epilogue->bias = join_tables(rows, parts, &fb::EpilogueT::bias);
  gemm.weights = rows.add(std::span<const std::byte>(weights));

  const TensorId first = parts[0].step->outputs[0];
  ir::SymbolicShape shape = lowering.shape_of(first);
  const std::int64_t tokens = shape[1].constant();
  shape.back() = ir::Dim(columns);
  const auto dtype =
      static_cast<DType>(lowering.plan().tensors[static_cast<std::size_t>(first)]->dtype);
  const TensorId result = lowering.add_tensor(dtype, 1.0f, shape);
  merged.step = std::make_unique<fb::StepT>();
  merged.step->name = parts[0].step->name;
  merged.step->inputs = {parts[0].step->inputs[0]};
  merged.step->outputs = {result};
  merged.step->params.Set(std::move(gemm));
  std::int64_t before = 0;
  for (const Projection& part : parts) {
    *part.operand = result;
    *part.offset = before;
    before += part.gemm->n;
    part.strides->token = columns;
    part.strides->image = tokens * columns;
    const auto& origins = part.step->origins;
    merged.step->origins.insert(merged.step->origins.end(), origins.begin(), origins.end());
  }
  return merged;
}

}  // namespace xinfer::lower
