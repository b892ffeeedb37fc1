// Output lines over threads, lines, kernel, epilogue.
#include "kernels/depthwise/depthwise_driver.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/aligned_buffer.h"

namespace xinfer::kernels {
namespace {

/// Accumulators of a run of positions stay in L1 until they are stored.
constexpr std::int64_t kAccumulatorBytes = 12 * 1024;
/// Multiply-accumulates worth a thread of their own, about 3 µs.
constexpr std::int64_t kMacsPerThread = 1 << 17;

}  // namespace

Depthwise::Depthwise(const ConvShape& shape, ConvType type, const ConvArguments& arguments,
                     const StorePlan& store, const DepthwiseKernel& kernel, CpuIsa isa, int threads)
    : shape_(shape),
      type_(type),
      layout_(shape, type),
      x_(static_cast<const std::byte*>(arguments.x)),
      kernel_(kernel),
      store_plan_(store),
      store_(select_store(store, isa)),
      name_(fmt::format("conv_{}", kernel.name)),
      rows_at_once_(static_cast<int>(
          std::min<std::int64_t>(depthwise_rows_at_once(shape, type), shape.out_h))) {
  const bool float32 = type == ConvType::kF32;
  const auto* weights = static_cast<const std::byte*>(arguments.packed_weights);
  call_.line_taps = float32 ? shape.kernel_w : layout_.tap_quads * 4;
  call_.kernel_h = static_cast<int>(shape.kernel_h);
  call_.kernel_w = static_cast<int>(shape.kernel_w);
  call_.stride_h = static_cast<int>(shape.stride_h);
  call_.dilation_h = static_cast<int>(shape.dilation_h);
  call_.period_chunks = layout_.period / (float32 ? 16 : kDepthwiseChunk);
  call_.weights = weights;
  if (type == ConvType::kS8S8) {
    call_.start = reinterpret_cast<const std::int32_t*>(weights + layout_.weight_bytes);
  }
  prepare_finish(arguments.epilogue);
  const std::int64_t period = layout_.period_pixels();
  const std::int64_t all = (shape.out_w + period - 1) / period * period;
  const std::int64_t fit = kAccumulatorBytes / (4 * layout_.pitch * rows_at_once_);
  run_pixels_ = finishes_ ? all : std::min(all, std::max(period, fit / period * period));
  call_.acc_row = finishes_ ? 0 : run_pixels_ * layout_.pitch;
  const std::int64_t lines =
      (rows_at_once_ - 1) * shape.stride_h + (shape.kernel_h - 1) * shape.dilation_h + 1;
  const std::int64_t groups = shape.batch * shape.out_h / rows_at_once_;
  const std::int64_t useful = std::min(shape.macs() / kMacsPerThread, groups);
  const std::int64_t parts = std::clamp<std::int64_t>(useful, 1, threads);
  for (std::int64_t i = 0; i < parts; ++i) {
    const auto pointers = static_cast<std::size_t>(lines * call_.line_taps);
    parts_.push_back(
        {DepthwiseLines(shape, type, layout_, static_cast<int>(lines)),
         std::vector<const std::byte*>(pointers), std::vector<const std::byte*>(pointers),
         allocate_buffer(static_cast<std::size_t>(call_.acc_row * rows_at_once_) * 4)});
  }
}

/// Where y lies as dense as the lines and nothing but scaling and clamping is to be done, the
/// kernel stores from registers.
void Depthwise::prepare_finish(const Epilogue& epilogue) {
  if (!kernel_.finishes || !store_plan_.bounded || store_plan_.epilogue.step_count != 0) return;
  if (layout_.pitch != layout_.channels || shape_.y_pixel_stride != layout_.channels) return;
  const auto period = static_cast<std::size_t>(layout_.period);
  std::vector<float> in_order(2 * period);
  for (std::size_t p = 0; p < period; ++p) {
    const std::size_t channel = p % static_cast<std::size_t>(layout_.pitch);
    in_order[p] = epilogue.multiplier[channel];
    in_order[period + p] = epilogue.bias[channel];
  }
  finish_constants_.resize(2 * period);
  to_chunk_order(in_order.data(), layout_.period, finish_constants_.data());
  to_chunk_order(in_order.data() + period, layout_.period, finish_constants_.data() + period);
  if (call_.start != nullptr) {
    finish_start_.resize(period);
    to_chunk_order(call_.start, layout_.period, finish_start_.data());
    finish_.start = finish_start_.data();
  }
  finish_.multiplier = finish_constants_.data();
  finish_.bias = finish_constants_.data() + period;
  finish_.is_signed = store_plan_.epilogue.output_dtype == DType::kInt8;
  finish_.low = static_cast<std::uint8_t>(store_plan_.byte_low);
  finish_.high = static_cast<std::uint8_t>(store_plan_.byte_high);
  finish_.y_row = shape_.out_w * layout_.pitch;
  finishes_ = true;
}

bool Depthwise::rebind(const ConvArguments& arguments) {
  x_ = static_cast<const std::byte*>(arguments.x);
  rebind_store_plan(&store_plan_, arguments.y, arguments.epilogue);
  return true;
}

void Depthwise::run(ThreadPool& pool) {
  const std::int64_t lines = shape_.batch * shape_.out_h;
  const auto count = static_cast<std::int64_t>(parts_.size());
  pool.parallel_for(parts_.size(), [&](std::size_t i) {
    const auto part = static_cast<std::int64_t>(i);
    run_part(parts_[i], lines * part / count, lines * (part + 1) / count);
  });
}

void Depthwise::start_image(Part& part, std::int64_t image) {
  const std::int64_t element = type_ == ConvType::kF32 ? 4 : 1;
  const std::int64_t image_bytes = shape_.in_h * shape_.in_w * shape_.x_pixel_stride * element;
  part.lines.start_image(x_ + image * image_bytes);
}

void Depthwise::run_part(Part& part, std::int64_t first_line, std::int64_t last_line) {
  std::int64_t image = -1;
  for (std::int64_t line = first_line; line < last_line;) {
    if (line / shape_.out_h != image) {
      image = line / shape_.out_h;
      start_image(part, image);
    }
    const std::int64_t left = std::min(last_line, (image + 1) * shape_.out_h) - line;
    const int rows = static_cast<int>(std::min<std::int64_t>(left, rows_at_once_));
    run_lines(part, line, rows);
    line += rows;
  }
}

void Depthwise::run_lines(Part& part, std::int64_t line, int rows) {
  const std::int64_t top = line % shape_.out_h * shape_.stride_h - shape_.pad_top;
  for (int row = 0; row < rows; ++row) {
    for (std::int64_t ky = 0; ky < shape_.kernel_h; ++ky) {
      const std::int64_t at = row * shape_.stride_h + ky * shape_.dilation_h;
      part.lines.tap_pointers(top + at, &part.taps[static_cast<std::size_t>(at * call_.line_taps)]);
    }
  }
  const bool float32 = type_ == ConvType::kF32;
  const std::int64_t position_bytes = float32 ? 4 : 1;
  const std::int64_t period = layout_.period_pixels();
  DepthwiseCall call = call_;
  call.rows = rows;
  call.taps = part.shifted.data();
  call.acc = part.acc.get();
  for (std::int64_t x = 0; x < shape_.out_w; x += run_pixels_) {
    const std::int64_t pixels = std::min(run_pixels_, shape_.out_w - x);
    const std::int64_t whole = (pixels + period - 1) / period * period;
    call.chunks = whole * layout_.pitch / (float32 ? 16 : kDepthwiseChunk);
    for (std::size_t i = 0; i < part.taps.size(); ++i) {
      part.shifted[i] = part.taps[i] + x * layout_.pitch * position_bytes;
    }
    if (finishes_) {
      DepthwiseFinish finish = finish_;
      finish.y = static_cast<std::byte*>(store_plan_.y) +
                 ((line - first_line_) * shape_.out_w + x) * layout_.pitch;
      finish.positions = pixels * layout_.pitch;
      call.finish = &finish;
      kernel_.run(call);
    } else {
      kernel_.run(call);
      store_run(part, line, rows, x, pixels);
    }
  }
}

void Depthwise::store_run(const Part& part, std::int64_t line, int rows, std::int64_t first_pixel,
                          std::int64_t pixels) const {
  AccumulatorTile tile;
  tile.row_stride = layout_.pitch;
  tile.rows = static_cast<int>(pixels);
  for (int row = 0; row < rows; ++row) {
    tile.first_pixel = (line - first_line_ + row) * shape_.out_w + first_pixel;
    for (std::int64_t n = 0; n < layout_.channels; n += kMaxStoreColumns) {
      tile.acc = static_cast<const std::int32_t*>(part.acc.get()) + row * call_.acc_row + n;
      tile.first_channel = n;
      tile.columns =
          static_cast<int>(std::min<std::int64_t>(kMaxStoreColumns, layout_.channels - n));
      store_(store_plan_, tile);
    }
  }
}

}  // namespace xinfer::kernels
