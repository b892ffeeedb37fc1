// The driver of column kernels: blocks of channels, pairs of output lines over threads.
#include "kernels/depthwise/depthwise_columns.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/aligned_buffer.h"
#include "kernels/conv/accumulator_store.h"
#include "kernels/conv/conv_with.h"
#include "kernels/depthwise/depthwise_kernel.h"

namespace xinfer::kernels {
namespace {

/// Multiply-accumulates worth a thread of their own, about 2.5 µs.
constexpr std::int64_t kMacsPerThread = 3 << 16;
/// Bytes of a block's constants behind its weights: multiplier, bias, start.
constexpr std::int64_t kBlockConstants = 3 * 4 * kDepthwiseChunk;

/// 64 channels at a time; of fewer, several pixels.
std::vector<DepthwiseColumnBlock> split_channels(std::int64_t channels) {
  std::vector<DepthwiseColumnBlock> blocks;
  for (std::int64_t first = 0; first < channels;) {
    const std::int64_t left = channels - first;
    DepthwiseColumnBlock block;
    block.lanes = left > 32 ? 1 : left > 16 ? 2 : 4;
    block.first_channel = first;
    block.channels = std::min<std::int64_t>(left, kDepthwiseChunk / block.lanes);
    first += block.channels;
    blocks.push_back(block);
  }
  return blocks;
}

}  // namespace

std::int64_t DepthwiseColumnLines::block_bytes() const {
  return kColumnTaps * lines_ * kColumnWeights + kBlockConstants;
}

DepthwiseColumnLines::DepthwiseColumnLines(const ConvShape& shape, ConvType type,
                                           const ConvArguments& arguments, const StorePlan& store)
    : x_signed_(type == ConvType::kS8S8),
      stride_(static_cast<int>(shape.stride_h)),
      lines_(shape.stride_h == 1 ? 2 : 1),
      in_h_(shape.in_h),
      pad_top_(shape.pad_top),
      table_(store.table_storage),
      blocks_(split_channels(shape.out_channels)) {
  const auto line_bytes = static_cast<std::size_t>(shape.in_w * shape.x_pixel_stride);
  zeros_ = allocate_buffer(line_bytes + kDepthwiseChunk);
  std::memset(zeros_.get(), 0, line_bytes + kDepthwiseChunk);
  constants_ = allocate_buffer(blocks_.size() * static_cast<std::size_t>(block_bytes()));
  auto* memory = static_cast<std::byte*>(constants_.get());
  for (DepthwiseColumnBlock& block : blocks_) {
    fill_block(shape, arguments, &block, memory);
    memory += block_bytes();
  }
  call_.zeros = static_cast<const std::byte*>(zeros_.get());
  call_.in_w = shape.in_w;
  call_.out_w = shape.out_w;
  call_.pad_left = shape.pad_left;
  call_.x_pixel = shape.x_pixel_stride;
  call_.y_pixel = shape.y_pixel_stride;
  call_.y_signed = store.bytes_signed;
  call_.low = static_cast<std::int8_t>(store.byte_low);
  call_.high = static_cast<std::int8_t>(store.byte_high);
  call_.clamps = store.byte_low > (store.bytes_signed ? -128 : 0) ||
                 store.byte_high < (store.bytes_signed ? 127 : 255);
  call_.table = store.table;
}

/// Weights of a kernel column for output line `line`: input line `line` + ky at byte ky of a dword.
void DepthwiseColumnLines::fill_block(const ConvShape& shape, const ConvArguments& arguments,
                                      DepthwiseColumnBlock* block, std::byte* memory) const {
  const DepthwiseLayout layout(shape, x_signed_ ? ConvType::kS8S8 : ConvType::kU8S8);
  const auto* packed = static_cast<const std::int8_t*>(arguments.packed_weights);
  const auto* compensation = reinterpret_cast<const std::int32_t*>(packed + layout.weight_bytes);
  const std::int64_t weight_bytes = block_bytes() - kBlockConstants;
  std::memset(memory, 0, static_cast<std::size_t>(block_bytes()));
  auto* weights = reinterpret_cast<std::int8_t*>(memory);
  auto* multiplier = reinterpret_cast<float*>(memory + weight_bytes);
  float* bias = multiplier + kDepthwiseChunk;
  auto* start = reinterpret_cast<std::int32_t*>(bias + kDepthwiseChunk);
  for (std::int64_t p = 0; p < kDepthwiseChunk; ++p) {
    const std::int64_t in_block = p % (kDepthwiseChunk / block->lanes);
    if (in_block >= block->channels) continue;
    const std::int64_t channel = block->first_channel + in_block;
    const std::int64_t at = depthwise_chunk_offset(p, 0);
    multiplier[at / 4] = arguments.epilogue.multiplier[channel];
    bias[at / 4] = arguments.epilogue.bias[channel];
    if (x_signed_) start[at / 4] = compensation[channel];
    for (std::int64_t ky = 0; ky < kColumnTaps; ++ky) {
      for (std::int64_t kx = 0; kx < kColumnTaps; ++kx) {
        const std::int8_t w = packed[depthwise_weight_offset(layout, channel, ky, kx)];
        for (std::int64_t line = 0; line < lines_; ++line) {
          weights[(kx * lines_ + line) * kColumnWeights + at + line + ky] = w;
        }
      }
    }
  }
  block->weights = weights;
  block->multiplier = multiplier;
  block->bias = bias;
  block->start = start;
}

DepthwiseColumnLines::Range DepthwiseColumnLines::lines_read(std::int64_t line, int rows) const {
  const std::int64_t top = first_input_line(line);
  // Of a single output line a pair's last input line has zero weights.
  return {std::max<std::int64_t>(top, 0), std::min(top + input_lines() - lines_ + rows, in_h_)};
}

void DepthwiseColumnLines::compute_lines(const std::byte* const* lines, std::byte* y0,
                                         std::byte* y1) const {
  DepthwiseColumnCall call = call_;
  for (const DepthwiseColumnBlock& block : blocks_) {
    call.block = &block;
    for (int i = 0; i < input_lines(); ++i) {
      call.lines[i] = lines[i] + (lines[i] == call_.zeros ? 0 : block.first_channel);
    }
    call.y[0] = y0 + block.first_channel;
    call.y[1] = y1 == nullptr ? nullptr : y1 + block.first_channel;
    depthwise_column_kernel_avx512vbmi(stride_, x_signed_, block.lanes)(call);
  }
}

namespace {

class DepthwiseColumns final : public Convolution {
 public:
  DepthwiseColumns(const ConvShape& shape, ConvType type, const ConvArguments& arguments,
                   const StorePlan& store, int threads)
      : shape_(shape),
        x_(static_cast<const std::byte*>(arguments.x)),
        y_(static_cast<std::byte*>(arguments.y)),
        columns_(shape, type, arguments, store) {
    const std::int64_t together = columns_.output_lines();
    const std::int64_t groups = (shape.batch * shape.out_h + together - 1) / together;
    parts_ = std::clamp<std::int64_t>(std::min(shape.macs() / kMacsPerThread, groups), 1, threads);
  }

  void run(ThreadPool& pool) override {
    const std::int64_t lines = shape_.batch * shape_.out_h;
    pool.parallel_for(static_cast<std::size_t>(parts_), [&](std::size_t i) {
      const auto part = static_cast<std::int64_t>(i);
      run_lines(lines * part / parts_, lines * (part + 1) / parts_);
    });
  }

  bool rebind(const ConvArguments& arguments) override {
    x_ = static_cast<const std::byte*>(arguments.x);
    y_ = static_cast<std::byte*>(arguments.y);
    return true;
  }

  const char* name() const override { return "conv_depthwise_columns_avx512vbmi"; }

 private:
  void run_lines(std::int64_t first, std::int64_t last);

  ConvShape shape_;
  const std::byte* x_;
  std::byte* y_;
  DepthwiseColumnLines columns_;
  std::int64_t parts_;
};

/// Output lines [first, last), counted over all images.
void DepthwiseColumns::run_lines(std::int64_t first, std::int64_t last) {
  const ConvShape& s = shape_;
  for (std::int64_t line = first; line < last;) {
    const std::int64_t image = line / s.out_h;
    const std::int64_t left = std::min(last, (image + 1) * s.out_h) - line;
    const int rows = static_cast<int>(std::min<std::int64_t>(left, columns_.output_lines()));
    const auto line_at = [&](std::int64_t iy) {
      return x_ + (image * s.in_h + iy) * s.in_w * s.x_pixel_stride;
    };
    columns_.compute(line % s.out_h, rows, line_at, y_ + line * s.out_w * s.y_pixel_stride);
    line += rows;
  }
}

}  // namespace

bool has_depthwise_columns(const ConvShape& s, ConvType type, const StorePlan& store, CpuIsa isa) {
  if (type == ConvType::kF32 || !includes(isa, CpuIsa::kAvx512Vnni)) return false;
  if (!__builtin_cpu_supports("avx512vbmi")) return false;
  const bool square = s.kernel_h == kColumnTaps && s.kernel_w == kColumnTaps &&
                      s.stride_h == s.stride_w && s.stride_h <= 2;
  if (!square || s.dilation_h != 1 || s.dilation_w != 1) return false;
  if (s.groups != s.in_channels || s.out_channels != s.in_channels) return false;
  return store.bounded && !store.table_then_residual &&
         store.epilogue.step_count == (store.table != nullptr ? 1 : 0);
}

std::unique_ptr<Convolution> make_depthwise_columns(const ConvShape& shape, ConvType type,
                                                    const ConvArguments& arguments,
                                                    const StorePlan& store, int threads) {
  return std::make_unique<DepthwiseColumns>(shape, type, arguments, store, threads);
}

}  // namespace xinfer::kernels
