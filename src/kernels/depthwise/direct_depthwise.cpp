// The driver of direct kernels: output lines over threads.
#include "kernels/depthwise/direct_depthwise.h"

#include <algorithm>
#include <vector>

#include "core/aligned_buffer.h"
#include "kernels/conv/accumulator_store.h"
#include "kernels/conv/conv_with.h"
#include "kernels/depthwise/depthwise_kernel.h"

namespace xinfer::kernels {
namespace {

/// Multiply-accumulates worth a thread of their own, about 3 µs.
constexpr std::int64_t kMacsPerThread = 1 << 17;

class DirectDepthwise final : public Convolution {
 public:
  DirectDepthwise(const ConvShape& shape, const ConvArguments& arguments, const StorePlan& store,
                  CpuIsa isa, int threads);

  void run(ThreadPool& pool) override {
    const std::int64_t lines = shape_.batch * shape_.out_h;
    pool.parallel_for(static_cast<std::size_t>(parts_), [&](std::size_t i) {
      const auto part = static_cast<std::int64_t>(i);
      for (std::int64_t line = lines * part / parts_; line < lines * (part + 1) / parts_; ++line) {
        finishes_ ? compute(line, y_of(line), call_) : compute_and_store(line, i);
      }
    });
  }

  bool rebind(const ConvArguments& arguments) override {
    x_ = static_cast<const float*>(arguments.x);
    rebind_store_plan(&store_plan_, arguments.y, arguments.epilogue);
    return true;
  }

  const char* name() const override {
    return kernel_ == direct_line_avx512 ? "conv_depthwise_direct_f32_avx512"
                                         : "conv_depthwise_direct_f32_avx2";
  }

 private:
  float* y_of(std::int64_t line) const {
    return static_cast<float*>(store_plan_.y) + line * shape_.out_w * shape_.y_pixel_stride;
  }
  /// Output line `line`, counted over all images, into `y`.
  void compute(std::int64_t line, float* y, DirectLineCall call) const;
  /// The same through accumulators, for any epilogue.
  void compute_and_store(std::int64_t line, std::size_t part) const;

  ConvShape shape_;
  const float* x_;
  const float* weights_;  ///< [kernel_h * kernel_w][period]
  StorePlan store_plan_;
  StoreAccumulators store_;
  DirectLineKernel kernel_;
  DirectLineCall call_;      ///< what all calls share
  bool finishes_;            ///< the kernel stores y itself
  std::vector<float> bias_;  ///< zeros where the layer has none
  std::int64_t parts_ = 1;
  std::int64_t acc_floats_ = 0;  ///< of a part
  std::shared_ptr<void> acc_;    ///< [parts][out_w][period]; unused if finishes_
};

DirectDepthwise::DirectDepthwise(const ConvShape& shape, const ConvArguments& arguments,
                                 const StorePlan& store, CpuIsa isa, int threads)
    : shape_(shape),
      x_(static_cast<const float*>(arguments.x)),
      weights_(static_cast<const float*>(arguments.packed_weights)),
      store_plan_(store),
      store_(select_store(store, isa)),
      kernel_(includes(isa, CpuIsa::kAvx512Vnni) ? direct_line_avx512 : direct_line_avx2),
      finishes_(store.epilogue.output_dtype == DType::kFloat32 && store.epilogue.step_count == 0) {
  call_.x_line = shape.dilation_h * shape.in_w * shape.x_pixel_stride;
  call_.period = DepthwiseLayout(shape, ConvType::kF32).period;
  call_.kernel_w = shape.kernel_w;
  call_.stride_w = shape.stride_w;
  call_.dilation_w = shape.dilation_w;
  call_.pad_left = shape.pad_left;
  call_.in_w = shape.in_w;
  call_.out_w = shape.out_w;
  call_.channels = shape.out_channels;
  call_.x_pixel = shape.x_pixel_stride;
  parts_ = std::clamp<std::int64_t>(
      std::min(shape.macs() / kMacsPerThread, shape.batch * shape.out_h), 1, threads);
  if (finishes_) {
    bias_.assign(static_cast<std::size_t>(shape.out_channels), 0.0f);
    const float* bias = store.epilogue.bias;
    if (bias != nullptr) std::copy(bias, bias + shape.out_channels, bias_.begin());
    call_.bias = bias_.data();
    call_.low = store.low;
    call_.high = store.high;
    call_.y_pixel = shape.y_pixel_stride;
  } else {
    call_.y_pixel = call_.period;
    acc_floats_ = shape.out_w * call_.period;
    acc_ = allocate_buffer(static_cast<std::size_t>(parts_ * acc_floats_) * sizeof(float));
  }
}

void DirectDepthwise::compute(std::int64_t line, float* y, DirectLineCall call) const {
  const ConvShape& s = shape_;
  const std::int64_t image = line / s.out_h;
  const std::int64_t top = line % s.out_h * s.stride_h - s.pad_top;
  std::int64_t first = 0, end = s.kernel_h;  // the kernel lines inside the image
  while (first < end && top + first * s.dilation_h < 0) ++first;
  while (end > first && top + (end - 1) * s.dilation_h >= s.in_h) --end;
  const std::int64_t iy = first < end ? top + first * s.dilation_h : 0;
  call.x = x_ + (image * s.in_h + iy) * s.in_w * s.x_pixel_stride;
  call.kernel_lines = end - first;
  call.weights = weights_ + first * s.kernel_w * call.period;
  call.y = y;
  kernel_(call);
}

void DirectDepthwise::compute_and_store(std::int64_t line, std::size_t part) const {
  auto* acc = static_cast<float*>(acc_.get()) + static_cast<std::int64_t>(part) * acc_floats_;
  compute(line, acc, call_);
  AccumulatorTile tile;
  tile.row_stride = call_.period;
  tile.rows = static_cast<int>(shape_.out_w);
  tile.first_pixel = line * shape_.out_w;
  for (std::int64_t n = 0; n < shape_.out_channels; n += kMaxStoreColumns) {
    tile.acc = acc + n;
    tile.first_channel = n;
    tile.columns =
        static_cast<int>(std::min<std::int64_t>(kMaxStoreColumns, shape_.out_channels - n));
    store_(store_plan_, tile);
  }
}

}  // namespace

bool has_direct_depthwise(const ConvShape& shape, ConvType type, CpuIsa isa) {
  return type == ConvType::kF32 && shape.groups == shape.in_channels &&
         shape.out_channels == shape.in_channels && includes(isa, CpuIsa::kAvx2);
}

Result<std::unique_ptr<Convolution>> make_direct_depthwise(const ConvShape& shape,
                                                           const ConvArguments& arguments,
                                                           CpuIsa isa, int threads) {
  const AccumulatorTraits traits{true, shape.out_channels, shape.kernel_h * shape.kernel_w};
  XINFER_ASSIGN_OR_RETURN(
      const StorePlan store,
      make_store_plan(arguments.epilogue, arguments.y, shape.y_pixel_stride, traits, isa));
  return std::unique_ptr<Convolution>(
      std::make_unique<DirectDepthwise>(shape, arguments, store, isa, threads));
}

}  // namespace xinfer::kernels
