// Lines of direct kernels, and their driver: output lines over threads.
#include "kernels/depthwise/direct_depthwise.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/aligned_buffer.h"
#include "kernels/conv/conv_with.h"
#include "kernels/depthwise/depthwise_kernel.h"

namespace xinfer::kernels {

DirectLines::DirectLines(const ConvShape& shape, const ConvArguments& arguments,
                         const StorePlan& store, CpuIsa isa)
    : shape_(shape),
      weights_(static_cast<const float*>(arguments.packed_weights)),
      store_plan_(store),
      store_(select_store(store, isa)),
      kernel_(includes(isa, CpuIsa::kAvx512Vnni) ? direct_line_avx512 : direct_line_avx2),
      finishes_(store.epilogue.output_dtype == DType::kFloat32 && store.epilogue.step_count == 0) {
  call_.period = DepthwiseLayout(shape, ConvType::kF32).period;
  call_.kernel_w = shape.kernel_w;
  call_.stride_w = shape.stride_w;
  call_.dilation_w = shape.dilation_w;
  call_.pad_left = shape.pad_left;
  call_.in_w = shape.in_w;
  call_.out_w = shape.out_w;
  call_.channels = shape.out_channels;
  call_.x_pixel = shape.x_pixel_stride;
  lines_.reserve(static_cast<std::size_t>(shape.kernel_h));
  if (finishes_) {
    bias_.assign(static_cast<std::size_t>(shape.out_channels), 0.0f);
    const float* bias = store.epilogue.bias;
    if (bias != nullptr) std::copy(bias, bias + shape.out_channels, bias_.begin());
    call_.low = store.low;
    call_.high = store.high;
    call_.y_pixel = shape.y_pixel_stride;
  } else {
    call_.y_pixel = call_.period;
    acc_ = allocate_buffer(static_cast<std::size_t>(shape.out_w * call_.period) * sizeof(float));
  }
}

const char* DirectLines::name() const {
  return kernel_ == direct_line_avx512 ? "depthwise_direct_f32_avx512"
                                       : "depthwise_direct_f32_avx2";
}

void DirectLines::compute(std::int64_t first, std::int64_t y_line) {
  DirectLineCall call = call_;
  call.lines = lines_.data();
  call.kernel_lines = static_cast<std::int64_t>(lines_.size());
  call.weights = weights_ + (lines_.empty() ? 0 : first * call.kernel_w * call.period);
  if (finishes_) {
    call.bias = bias_.data();
    call.y = static_cast<float*>(store_plan_.y) + y_line * shape_.out_w * shape_.y_pixel_stride;
    return kernel_(call);
  }
  call.y = static_cast<float*>(acc_.get());
  kernel_(call);
  store(y_line);
}

void DirectLines::store(std::int64_t y_line) const {
  AccumulatorTile tile;
  tile.row_stride = call_.period;
  tile.rows = static_cast<int>(shape_.out_w);
  tile.first_pixel = y_line * shape_.out_w;
  for (std::int64_t n = 0; n < shape_.out_channels; n += kMaxStoreColumns) {
    tile.acc = static_cast<const float*>(acc_.get()) + n;
    tile.first_channel = n;
    tile.columns =
        static_cast<int>(std::min<std::int64_t>(kMaxStoreColumns, shape_.out_channels - n));
    store_(store_plan_, tile);
  }
}

namespace {

/// Multiply-accumulates worth a thread of their own, about 3 µs.
constexpr std::int64_t kMacsPerThread = 1 << 17;

class DirectDepthwise final : public Convolution {
 public:
  DirectDepthwise(const ConvShape& shape, const ConvArguments& arguments, const StorePlan& store,
                  CpuIsa isa, int threads)
      : shape_(shape), x_(static_cast<const float*>(arguments.x)) {
    const std::int64_t useful = std::min(shape.macs() / kMacsPerThread, shape.batch * shape.out_h);
    const std::int64_t parts = std::clamp<std::int64_t>(useful, 1, threads);
    for (std::int64_t i = 0; i < parts; ++i) parts_.emplace_back(shape, arguments, store, isa);
    name_ = std::string("conv_") + parts_.front().name();
  }

  void run(ThreadPool& pool) override {
    const std::int64_t lines = shape_.batch * shape_.out_h;
    const auto count = static_cast<std::int64_t>(parts_.size());
    pool.parallel_for(parts_.size(), [&](std::size_t i) {
      const auto part = static_cast<std::int64_t>(i);
      for (std::int64_t line = lines * part / count; line < lines * (part + 1) / count; ++line) {
        const std::int64_t image = line / shape_.out_h;
        parts_[i].compute(line % shape_.out_h, line, [&](std::int64_t iy) {
          return x_ + (image * shape_.in_h + iy) * shape_.in_w * shape_.x_pixel_stride;
        });
      }
    });
  }

  bool rebind(const ConvArguments& arguments) override {
    x_ = static_cast<const float*>(arguments.x);
    for (DirectLines& part : parts_) part.rebind(arguments);
    return true;
  }

  const char* name() const override { return name_.c_str(); }

 private:
  ConvShape shape_;
  const float* x_;
  std::vector<DirectLines> parts_;  ///< one a thread
  std::string name_;
};

}  // namespace

bool has_direct_depthwise(const ConvShape& shape, ConvType type, CpuIsa isa) {
  return type == ConvType::kF32 && shape.groups == shape.in_channels &&
         shape.out_channels == shape.in_channels && includes(isa, CpuIsa::kAvx2);
}

Result<std::unique_ptr<Convolution>> make_direct_depthwise(const ConvShape& shape,
                                                           const ConvArguments& arguments,
                                                           CpuIsa isa, int threads) {
  XINFER_ASSIGN_OR_RETURN(const StorePlan store,
                          store_plan_of(shape, ConvType::kF32, arguments, isa));
  return std::unique_ptr<Convolution>(
      std::make_unique<DirectDepthwise>(shape, arguments, store, isa, threads));
}

}  // namespace xinfer::kernels
