// Steps of the common lowering that become one launch on a GPU, or none.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "kernels/cuda/attention_kernels.h"
#include "lower/cuda/cuda_lowering.h"

namespace xinfer::lower {

/// Who writes and reads the tensors of a plan's steps.
class StepUses {
 public:
  explicit StepUses(const Lowering& lowering);

  /// The step that writes exactly this tensor; null if none does.
  const fb::StepT* producer(TensorId id) const;
  /// As producer, under whatever alias it writes them.
  const fb::StepT* producer_of_bytes(TensorId id) const { return producer(lowering_.owner(id)); }
  /// The only step that reads the tensor's bytes, if it reads them as `id`; else null.
  const fb::StepT* only_reader(TensorId id) const;
  /// As only_reader, under whatever alias it reads them.
  const fb::StepT* only_reader_of_bytes(TensorId id) const;

 private:
  const Lowering& lowering_;
  std::map<TensorId, const fb::StepT*> producers_;
  std::map<TensorId, std::vector<const fb::StepT*>> readers_;  // by owner
};

/// Steps that are left out because others do their work.
using DroppedSteps = std::set<const fb::StepT*>;

/// A transpose to channels first that is read through a reshape by a transpose back: both go, and
/// readers take the bytes as they were.
DroppedSteps cancel_transposes(Lowering& lowering);

/// Values repeated for every image that only a concatenation reads: it repeats them itself.
DroppedSteps absorb_expansions(Lowering& lowering);

/// Layer norms and softmaxes whose only reader quantises their result write INT8 themselves.
DroppedSteps absorb_quantisers(Lowering& lowering);

/// Attention that one kernel computes.
struct FusedAttention {
  kernels::cuda::AttentionProblem problem;
  TensorId q = kNoTensor, k = kNoTensor, v = kNoTensor, y = kNoTensor;
  std::int64_t q_offset = 0, k_offset = 0, v_offset = 0;  ///< elements before the first token's
  std::vector<const fb::StepT*> steps;  ///< all that it replaces, the last product last
};

/// The attention around the softmax `step`, if its products run in INT8 or FP16 and its values are
/// FP16; the transposes of heads around it and the quantisation of its result are part of it.
std::optional<FusedAttention> match_attention(const CudaLowering& cuda, const StepUses& uses,
                                              const fb::StepT& softmax);

/// The products with constants that make q and k (and v, where it has their type) from one tensor,
/// as one product of all their columns: what takes their place, and goes where the first was.
struct MergedProjections {
  std::vector<const fb::StepT*> replaced;
  std::unique_ptr<fb::StepT> step;
};

/// Merges them if nothing else reads their results; `attention` then reads parts of the merged one.
/// Joined weights are added to `rows`.
std::optional<MergedProjections> merge_projections(Lowering& lowering, engine::BlobWriter& rows,
                                                   const StepUses& uses, FusedAttention& attention);

Status lower_attention(CudaLowering& cuda, const FusedAttention& attention);

/// Whether one launch can join the parts of the concatenation `step`.
bool can_concatenate_in_one(const CudaLowering& cuda, const fb::StepT& step);
Status lower_concat_in_one(CudaLowering& cuda, const fb::StepT& step);

/// Functions of two float tensors of which one is joined of parts that nothing else reads whole
/// (a vision transformer's class token and patches, to which positions are added), with the
/// concatenation: one launch does both.
std::map<const fb::StepT*, const fb::StepT*> find_joined_operands(const Lowering& lowering,
                                                                  const CudaLowering& cuda);
Status lower_joined_operand(CudaLowering& cuda, const fb::StepT& step, const fb::StepT& joined);

/// An image's conversion, the convolution that alone reads it, and the max pooling that alone reads
/// that: one kernel computes them all.
struct FusedStem {
  const fb::StepT* convert = nullptr;
  const fb::StepT* conv = nullptr;
  const fb::StepT* pool = nullptr;  ///< null: none

  const fb::StepT* last() const { return pool != nullptr ? pool : conv; }
};

/// Those of the convolutions of find_stems that the kernel serves on this target.
std::vector<FusedStem> find_fused_stems(const Lowering& lowering, const CudaLowering& cuda);

Status lower_fused_stem(CudaLowering& cuda, const FusedStem& stem);

}  // namespace xinfer::lower
