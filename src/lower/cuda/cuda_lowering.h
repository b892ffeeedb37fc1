// The state of one lowering to CUDA: the steps of the common lowering in, kernel launches out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/status.h"
#include "engine/engine_file.h"
#include "kernels/conv/conv.h"
#include "kernels/cuda/conv_problem.h"
#include "kernels/cuda/kernel_spec.h"
#include "kernels/epilogue.h"
#include "kernels/pool/pool.h"
#include "lower/concat_slices.h"
#include "lower/cuda/cuda_target.h"
#include "lower/cuda/lower_cuda.h"
#include "lower/lowering.h"

namespace xinfer::lower {

/// A tensor as kernels see it: a batch of images, everything but the batch constant.
struct CudaTensor {
  TensorId id = kNoTensor;
  DType dtype = DType::kFloat32;
  float scale = 0;
  ir::Dim batch;                   ///< the first axis
  std::vector<std::int64_t> dims;  ///< the others, in memory order
  std::int64_t pitch = 1;          ///< elements from one row of the last axis to the next
  bool is_slice = false;           ///< channels of a concatenation, whose rows `pitch` spans

  std::int64_t channels() const { return dims.empty() ? 1 : dims.back(); }
  /// Elements of a row that belong to the tensor: its channels and the padding behind them.
  std::int64_t own_channels() const { return is_slice ? channels() : pitch; }
  /// Rows of the last axis in an image.
  std::int64_t pixels() const {
    std::int64_t count = 1;
    for (std::size_t i = 0; i + 1 < dims.size(); ++i) count *= dims[i];
    return count;
  }
  bool is_int8() const { return dtype == DType::kInt8 || dtype == DType::kUInt8; }
  bool is_quantized() const { return is_int8() && scale != 0; }
  bool is_float() const { return dtype == DType::kFloat32 || dtype == DType::kFloat16; }
  /// Elements from one image to the next.
  std::int64_t image_stride() const { return dims.empty() ? 1 : pixels() * pitch; }
  /// Elements from one position of axis i (of `dims`) to the next.
  std::int64_t stride(std::size_t axis) const;
};

/// The tensor as one image, its first axis the first of `dims`. Fails where that is dynamic.
Result<CudaTensor> one_image(const CudaTensor& x);

/// Elements from the image of operand x that belongs to an image of y to the next one's: 0 if all
/// share one.
Result<std::int64_t> image_stride(const CudaTensor& x, const CudaTensor& y);

/// The lowest precision among the step's nodes; kInt8 where it has only INT8 nodes or none at all.
ir::Precision step_precision(const fb::StepT& step, const NodePrecisions& precisions);

/// A launch under construction.
struct CudaLaunch {
  std::string name;    ///< empty: the step's
  std::string family;  ///< empty: the step's
  ir::Dim batch;
  std::vector<TensorId> inputs, outputs;
  std::vector<std::unique_ptr<fb::CudaOperandT>> operands;
  std::vector<BatchPoint> points;
};

struct FusedAttention;

/// A convolution or product as it was launched.
struct LaunchedProduct {
  kernels::cuda::ConvProblem problem;
  ir::Dim batch;
  TensorId y = kNoTensor;
  std::vector<fb::CudaOperandT> operands;
};

/// The layers before the last one of an inverted residual block.
struct InvertedResidual {
  const fb::StepT* expand = nullptr;  ///< null: the block has none
  const fb::StepT* filter = nullptr;

  const fb::StepT& first() const { return expand != nullptr ? *expand : *filter; }
};

class CudaLowering {
 public:
  /// `source` has lowered its graph with WeightForm::kRows into `rows`.
  CudaLowering(Lowering& source, engine::BlobWriter& rows, const SymbolRanges& symbols,
               const CudaTarget& target, engine::BlobWriter& blobs,
               const NodePrecisions& precisions);

  /// Replaces the plan's steps by launches.
  Status run();
  std::vector<OpenLaunch> take_launches() { return std::move(launches_); }

  // --- for the handlers of the step kinds ---
  const CudaTarget& target() const { return target_; }
  engine::BlobWriter& blobs() { return blobs_; }

  /// Axes of the tensor, the first among them.
  std::size_t rank(TensorId id) const { return source_.shape_of(id).size(); }
  /// Fails, naming the dimension, if one beside the first is dynamic.
  Result<CudaTensor> tensor(TensorId id) const;
  /// As `tensor`, of type `dtype` in rows that start at 16-byte boundaries: a copy if need be.
  Result<CudaTensor> aligned_tensor(TensorId id, DType dtype, const fb::StepT& step);
  /// A new tensor of those axes, dense.
  Result<CudaTensor> add_tensor(DType dtype, float scale, const ir::Dim& batch,
                                const std::vector<std::int64_t>& dims);
  /// Where a kernel that knows no padding writes the dense form of y: y itself if it is dense.
  Result<CudaTensor> unpadded(const CudaTensor& y);
  /// The same for a kernel that moves elements of x as they are: of x's float type if y has the
  /// other one.
  Result<CudaTensor> unpadded_of_type(const CudaTensor& x, const CudaTensor& y);
  /// Copies what was written there to y, in y's type, unless it is y.
  Status pad_rows(const fb::StepT& step, const CudaTensor& written, const CudaTensor& y);
  /// x, or its elements in dense rows.
  Result<CudaTensor> dense_tensor(const CudaTensor& x, const fb::StepT& step);
  /// Whether the step's float layers compute in FP16.
  bool is_half(const fb::StepT& step) const {
    return step_precision(step, precisions_) == ir::Precision::kFp16;
  }
  /// Bytes of a blob of the common lowering.
  std::span<const std::byte> rows_of(const fb::Blob& blob) const;
  /// Those of a constant, also after a launch has read it.
  std::span<const std::byte> constant_bytes(TensorId id) const;
  bool is_constant(TensorId id) const;
  /// The value of an entry of Plan.dims; fails if it is dynamic.
  Result<std::int64_t> constant_dim(std::uint32_t index) const;
  template <typename T>
  std::span<const T> values_of(const fb::Blob& blob) const {
    const auto bytes = rows_of(blob);
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

  /// Adds an operand: a tensor that the launch reads or writes (offset in bytes), or a blob.
  void read(CudaLaunch& launch, kernels::cuda::Operand operand, TensorId id,
            std::int64_t offset_bytes = 0);
  void write(CudaLaunch& launch, kernels::cuda::Operand operand, TensorId id,
             std::int64_t offset_bytes = 0);
  void use(CudaLaunch& launch, kernels::cuda::Operand operand, const fb::Blob& blob) const;

  /// Above 1: the tensor is stored as blocks of that many pixels a side (find_stems), and
  /// `rearranged` is the tensor that holds it so.
  std::int64_t stem_block(TensorId id) const;
  TensorId rearranged(TensorId id);

  /// What the launch before the step averages over all pixels, if the step alone reads the
  /// average; else kNoTensor.
  TensorId averaged_before(const fb::StepT& step) const;
  /// The block whose projection the step is, if the launches of its other layers are the last
  /// ones so far; else null.
  const InvertedResidual* inverted_residual_before(const fb::StepT& step) const;

  /// The product that the next launch to be emitted computes, and the one that the latest launch
  /// does; null if it is no product that others may do the work of, or every value stays
  /// observable.
  void set_next_product(LaunchedProduct product);
  const LaunchedProduct* product_before() const;

  /// Batches for which kernels are chosen, rising; the last is the largest.
  std::vector<std::int64_t> batch_points(const ir::Dim& batch) const;
  /// One kernel for all batches.
  Status emit(const fb::StepT& step, CudaLaunch launch, kernels::cuda::KernelSpec spec);
  /// The launch with its points.
  Status emit(const fb::StepT& step, CudaLaunch launch);

 private:
  Status lower_step(const fb::StepT& step);
  bool is_empty(TensorId id) const;
  void drop(const std::set<const fb::StepT*>& steps);
  std::map<const fb::StepT*, FusedAttention> find_attentions();
  void add_operand(CudaLaunch& launch, kernels::cuda::Operand operand, TensorId id,
                   std::int64_t offset_bytes);
  void keep_constant(TensorId id);
  OperandExtent extent_of(const fb::CudaOperandT& operand) const;
  void forget_unused_tensors();
  fb::TensorT& made(TensorId id) const {
    return *source_.plan().tensors[static_cast<std::size_t>(id)];
  }

  Lowering& source_;
  engine::BlobWriter& rows_;
  const SymbolRanges& symbols_;
  const NodePrecisions& precisions_;
  CudaTarget target_;
  engine::BlobWriter& blobs_;
  std::vector<std::unique_ptr<fb::StepT>> steps_;
  std::vector<OpenLaunch> launches_;
  std::map<TensorId, std::uint64_t> kept_constants_;  ///< and where their bytes are in rows_
  std::map<TensorId, std::int64_t> stem_blocks_;
  std::map<TensorId, TensorId> rearranged_;
  std::map<const fb::StepT*, TensorId> averaged_;
  std::optional<LaunchedProduct> product_;
  std::size_t product_launch_ = 0;
  std::map<const fb::StepT*, InvertedResidual> inverted_residuals_;
};

/// One handler a step kind.
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ConvT& conv);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::GemmT& gemm);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::PoolT& pool);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ReduceT& reduce);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ArgReduceT& reduce);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ResizeT& resize);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::QuantizeT& convert);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ByteTableT& table);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ConvertImageT& convert);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::QuantizedBinaryT& op);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::TransposeT& transpose);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::SliceT& slice);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ConcatT& concat);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::PadT& pad);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::GatherT& gather);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ExpandT& expand);

Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::MatMulT& matmul);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::UnaryT& unary);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::BinaryT& binary);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::ClipT& clip);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::CastT& cast);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::SelectT& select);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::SoftmaxT& softmax);
Status lower_cuda_step(CudaLowering& cuda, const fb::StepT& step, const fb::LayerNormT& norm);

/// Adds the step of an epilogue to a kernel's, and its residual or table to the launch.
Status add_epilogue_step(CudaLowering& cuda, const fb::StepT& step, const fb::EpilogueStepT& from,
                         CudaLaunch& launch, kernels::Epilogue& epilogue);

/// Reductions of any axes.
Status emit_reduce(CudaLowering& cuda, const fb::StepT& step, const fb::ReduceT& reduce);

/// Gathers with any indices, and paddings by what is inside.
Status emit_gather(CudaLowering& cuda, const fb::StepT& step, const fb::GatherT& gather);
Status emit_repeating_pad(CudaLowering& cuda, const fb::StepT& step, const fb::PadT& pad);

/// Moves y's axis i from x's axis perm[i] (of `dims`, the batch stays).
Status emit_transpose(CudaLowering& cuda, const fb::StepT& step, const std::string& name,
                      const CudaTensor& x, const CudaTensor& y,
                      const std::vector<std::size_t>& perm);

/// Copies rows: x into y, which has the same dimensions and perhaps another pitch or float type.
Status emit_copy(CudaLowering& cuda, const fb::StepT& step, const std::string& name,
                 const CudaTensor& x, const CudaTensor& y);

/// x into y with the axes of `perm`, and with y's type: between channels first and channels last.
/// False if the convert kernel does not know the permutation.
Result<bool> emit_convert(CudaLowering& cuda, const fb::StepT& step,
                          const std::vector<std::uint32_t>& perm, const CudaTensor& x,
                          const CudaTensor& y);

/// The convolution's shape, its tensors' part included, but for their pitches.
kernels::ConvShape conv_shape(const fb::ConvT& conv, const CudaTensor& x, const CudaTensor& y);

/// The pooling's axes, one or two.
kernels::PoolShape pool_shape(const fb::PoolT& pool, const CudaTensor& x, const CudaTensor& y);

/// INT8 or FP16 inputs of few channels whose only reader is a strided convolution, with the block
/// size that turns it into one of stride 1 (kernels/cuda/space_to_depth.h).
std::map<TensorId, std::int64_t> find_stems(const Lowering& lowering, const CudaLowering& cuda);

/// Whether exactly the axes between the first and the last are reduced: [N, spatial…, C].
bool reduces_pixels(const fb::ReduceT& reduce, std::size_t rank);

/// Products with constant weights that follow an average over all pixels and alone read it, with
/// what is averaged: one kernel may do both (kernels/cuda/average_product.h).
std::map<const fb::StepT*, TensorId> find_averaged_products(const Lowering& lowering,
                                                            const CudaLowering& cuda);

/// Offers that kernel for the launch of the product `step`, before its other candidates.
void offer_average_product(CudaLowering& cuda, const fb::StepT& step,
                           const kernels::cuda::ConvProblem& product, CudaLaunch& launch);

/// Lets the launch after this one's offer to do its work too, unless it may do another's itself.
/// The launch has its points.
void remember_product(CudaLowering& cuda, const kernels::cuda::ConvProblem& problem,
                      const CudaLaunch& launch);

/// Offers a kernel that also computes the product of the launch before, if the launch reads that,
/// before its other candidates (kernels/cuda/chain_kernels.h).
void offer_chain(CudaLowering& cuda, const kernels::cuda::ConvProblem& problem, CudaLaunch& launch);

/// Blocks whose layers follow each other and alone read each other's results, by their
/// projections: one kernel may do them all (kernels/cuda/inverted_residual_kernels.h).
std::map<const fb::StepT*, InvertedResidual> find_inverted_residuals(const Lowering& lowering);

/// Offers that kernel for the launch of the projection `step`, before its other candidates.
Status offer_inverted_residual(CudaLowering& cuda, const fb::StepT& step,
                               const kernels::cuda::ConvProblem& project, CudaLaunch& launch);

/// Makes float tensors FP16 that FP16 layers touch and float32 layers do not.
void choose_halves(Lowering& lowering, const NodePrecisions& precisions);

/// Gives the tensors that convolutions read rows of a multiple of 16 bytes, where nothing else
/// needs them dense.
void choose_pitches(Lowering& lowering);

/// Concatenated channels that launches write in place: multiples of 16 bytes.
SliceRules cuda_slice_rules();

/// Elements of a row of `channels` that ends at a 16-byte boundary.
std::int64_t aligned_pitch(std::int64_t channels, DType dtype);

}  // namespace xinfer::lower
