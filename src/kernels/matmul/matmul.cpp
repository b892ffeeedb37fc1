// The driver of batched products: pack all second operands, then rows over threads.
#include "kernels/matmul/matmul.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/aligned_buffer.h"
#include "kernels/conv/implicit_gemm.h"
#include "kernels/matmul/matmul_pack.h"
#include "kernels/matmul/matmul_with.h"

namespace xinfer::kernels {
namespace {

/// Multiply-accumulates worth a thread of their own, about 4 µs of float32.
constexpr std::int64_t kMacsPerThread = 1 << 18;

std::int64_t element_bytes(ConvType type) { return type == ConvType::kF32 ? 4 : 1; }

/// Where things lie in the workspace.
struct Layout {
  std::size_t panels_bytes;  ///< of one batch's b, compensation included
  std::size_t compensation;  ///< offset of the compensation in it
  std::size_t transposed_a;  ///< offset of all batches' transposed a
  std::size_t a_bytes;       ///< of one batch's transposed a
  std::size_t ones;          ///< offset of a row of ones
  std::size_t total;

  Layout(const MatmulShape& s, ConvType type) {
    const auto batch = static_cast<std::size_t>(s.batch());
    const auto panels = static_cast<std::size_t>((s.n + kPanelChannels - 1) / kPanelChannels);
    compensation = panels * panel_bytes(s.k, type);
    panels_bytes = compensation + panels * kStepBytes;
    transposed_a = batch * panels_bytes;
    a_bytes = align_up(static_cast<std::size_t>(s.m * s.k * element_bytes(type)), kBufferAlignment);
    ones = transposed_a + (s.transpose_a ? batch * a_bytes : 0);
    total = ones + align_up(static_cast<std::size_t>(s.k), kDepthAlignment) + kBufferMargin;
  }
};

ConvShape row_shape(const MatmulShape& s) {
  ConvShape shape;
  shape.in_w = shape.out_w = s.m;
  shape.in_channels = s.k;
  shape.out_channels = s.n;
  shape.x_pixel_stride = s.transpose_a ? s.k : s.a_row_stride;
  shape.y_pixel_stride = s.y_row_stride;
  return shape;
}

class Matmul final : public Convolution {
 public:
  Matmul(const MatmulShape& shape, const MatmulArguments& arguments, const StorePlan& store,
         const GemmKernel& kernel, CpuIsa isa, int threads);

  void run(ThreadPool& pool) override;
  const char* name() const override { return name_.c_str(); }

 private:
  void prepare_batch(std::size_t batch);
  void run_part(std::size_t part);

  MatmulShape shape_;
  const GemmKernel& kernel_;
  Layout layout_;
  const std::byte* a_;
  const std::byte* b_;
  std::byte* workspace_;
  std::string name_;
  bool compensated_;
  /// The batch whose packed b a batch uses: the first one with the same offset.
  std::vector<std::size_t> packed_batch_;
  std::vector<std::unique_ptr<ImplicitGemm>> parts_;
};

Matmul::Matmul(const MatmulShape& shape, const MatmulArguments& arguments, const StorePlan& store,
               const GemmKernel& kernel, CpuIsa isa, int threads)
    : shape_(shape),
      kernel_(kernel),
      layout_(shape, kernel.type),
      a_(static_cast<const std::byte*>(arguments.a)),
      b_(static_cast<const std::byte*>(arguments.b)),
      workspace_(static_cast<std::byte*>(arguments.workspace)),
      name_(fmt::format("matmul_{}", kernel.name)),
      compensated_(kernel.type == ConvType::kS8S8 && kernel.format == RowFormat::kUnsigned) {
  for (std::size_t i = 0; i < shape.b_offsets.size(); ++i) {
    const auto first =
        std::find(shape.b_offsets.begin(), shape.b_offsets.end(), shape.b_offsets[i]);
    packed_batch_.push_back(static_cast<std::size_t>(first - shape.b_offsets.begin()));
  }
  const std::int64_t macs = shape.batch() * shape.m * shape.n * shape.k;
  const std::int64_t parts = std::clamp<std::int64_t>(macs / kMacsPerThread, 1, threads);
  const ConvArguments rows{arguments.a, arguments.workspace, arguments.y, arguments.epilogue};
  const ConvTactic tactic =
      ImplicitGemm::choose_tactic(row_shape(shape), kernel, /*threads=*/1).tactic;
  for (std::int64_t i = 0; i < parts; ++i) {
    parts_.push_back(
        std::make_unique<ImplicitGemm>(row_shape(shape), rows, store, kernel, isa, tactic));
  }
}

void Matmul::prepare_batch(std::size_t batch) {
  const std::int64_t element = element_bytes(kernel_.type);
  if (shape_.transpose_a) {
    const MatrixView a{a_ + shape_.a_offsets[batch] * element, shape_.a_row_stride, element};
    transpose_matrix(a, shape_.k, shape_.m,
                     workspace_ + layout_.transposed_a + batch * layout_.a_bytes);
  }
  if (packed_batch_[batch] != batch) return;
  std::byte* panels = workspace_ + batch * layout_.panels_bytes;
  const MatrixView b{b_ + shape_.b_offsets[batch] * element, shape_.b_row_stride, element};
  pack_panels(b, shape_.transpose_b, shape_.k, shape_.n, kernel_.type, panels);
  if (compensated_) {
    sum_panels(kernel_, panels, shape_.k, shape_.n, workspace_ + layout_.ones,
               reinterpret_cast<std::int32_t*>(panels + layout_.compensation));
  }
}

/// All batches' row tiles form one sequence, of which every part computes a contiguous range.
void Matmul::run_part(std::size_t part) {
  const auto parts = static_cast<std::int64_t>(parts_.size());
  const auto index = static_cast<std::int64_t>(part);
  const std::int64_t tile = kernel_.max_rows;
  const std::int64_t tiles = (shape_.m + tile - 1) / tile;
  const std::int64_t end = shape_.batch() * tiles * (index + 1) / parts;
  for (std::int64_t at = shape_.batch() * tiles * index / parts; at < end;) {
    const std::int64_t batch = at / tiles;
    const std::int64_t last = std::min(end, (batch + 1) * tiles);
    const auto b = static_cast<std::size_t>(batch);
    const std::byte* a = shape_.transpose_a
                             ? workspace_ + layout_.transposed_a + b * layout_.a_bytes
                             : a_ + shape_.a_offsets[b] * element_bytes(kernel_.type);
    parts_[part]->set_operands(a, workspace_ + packed_batch_[b] * layout_.panels_bytes,
                               batch * shape_.m);
    parts_[part]->run_rows((at - batch * tiles) * tile,
                           std::min(shape_.m, (last - batch * tiles) * tile));
    at = last;
  }
}

void Matmul::run(ThreadPool& pool) {
  const auto batch = static_cast<std::size_t>(shape_.batch());
  if (compensated_) {
    std::memset(workspace_ + layout_.ones, 1, static_cast<std::size_t>((shape_.k + 3) / 4) * 4);
  }
  const auto parts = parts_.size();
  pool.parallel_for(parts, [&](std::size_t part) {
    for (std::size_t i = batch * part / parts; i < batch * (part + 1) / parts; ++i) {
      prepare_batch(i);
    }
  });
  pool.parallel_for(parts, [this](std::size_t part) { run_part(part); });
}

Status check(const MatmulShape& s) {
  if (s.m < 1 || s.n < 1 || s.k < 1) {
    return invalid_argument("matrix product of {}x{} by {}x{}: every size must be at least 1", s.m,
                            s.k, s.k, s.n);
  }
  if (s.a_offsets.empty() || s.a_offsets.size() != s.b_offsets.size()) {
    return invalid_argument("matrix product of {} first and {} second operands", s.a_offsets.size(),
                            s.b_offsets.size());
  }
  const std::int64_t a_row = s.transpose_a ? s.m : s.k;
  const std::int64_t b_row = s.transpose_b ? s.k : s.n;
  if (s.a_row_stride < a_row || s.b_row_stride < b_row || s.y_row_stride < s.n) {
    return invalid_argument(
        "matrix product with row strides {}, {} and {}; needed: at least {}, {} and {}",
        s.a_row_stride, s.b_row_stride, s.y_row_stride, a_row, b_row, s.n);
  }
  return Status();
}

}  // namespace

std::size_t matmul_workspace_size(const MatmulShape& shape, ConvType type) {
  return Layout(shape, type).total;
}

Result<std::unique_ptr<Convolution>> make_matmul_with(const GemmKernel& kernel,
                                                      const MatmulShape& shape,
                                                      const MatmulArguments& arguments, CpuIsa isa,
                                                      int threads) {
  XINFER_RETURN_IF_ERROR(check(shape));
  if (arguments.a == nullptr || arguments.b == nullptr || arguments.workspace == nullptr) {
    return invalid_argument("matrix product without {}", arguments.a == nullptr   ? "first operand"
                                                         : arguments.b == nullptr ? "second operand"
                                                                                  : "workspace");
  }
  const AccumulatorTraits traits{kernel.type == ConvType::kF32, shape.n, shape.k};
  XINFER_ASSIGN_OR_RETURN(StorePlan store, make_store_plan(arguments.epilogue, arguments.y,
                                                           shape.y_row_stride, traits, isa));
  return std::unique_ptr<Convolution>(
      std::make_unique<Matmul>(shape, arguments, store, kernel, isa, threads));
}

Result<std::unique_ptr<Convolution>> make_matmul(const MatmulShape& shape, ConvType type,
                                                 const MatmulArguments& arguments, CpuIsa isa,
                                                 int threads) {
  return make_matmul_with(select_gemm_kernel(type, isa), shape, arguments, isa, threads);
}

}  // namespace xinfer::kernels
