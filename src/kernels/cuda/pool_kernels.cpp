#include "kernels/cuda/pool_kernels.h"

#include "kernels/cuda/layer_source.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kRun = 16;
constexpr std::int64_t kLargeWindow = 32;  // taps from which lanes share a window

bool is_int8(DType dtype) { return size_of(dtype) == 1; }

void add_axis(LayerSource& layer, const PoolAxis& axis, char suffix, const char* begin,
              const char* end) {
  const auto name = [suffix](const char* prefix) { return std::string(prefix) + suffix; };
  layer.constant(name("kIn"), axis.in).constant(name("kOut"), axis.out);
  layer.constant(name("kKernel"), axis.kernel).constant(name("kStride"), axis.stride);
  layer.constant(name("kDilation"), axis.dilation);
  layer.constant(begin, axis.pad_begin).constant(end, axis.pad_end);
}

}  // namespace

Result<KernelSpec> pool_kernel(const PoolProblem& p) {
  const PoolShape& s = p.shape;
  const bool is_max = p.kind == PoolKind::kMax;
  const DType out = is_max && is_int8(p.types.x_dtype) ? p.types.x_dtype : p.types.y_dtype;
  if (s.depth.in != 1 || s.depth.kernel != 1)
    return unsupported("CUDA pooling in three dimensions");
  if (!is_device_elem(p.types.x_dtype) || !is_device_elem(out) ||
      (is_int8(out) && !is_int8(p.types.x_dtype))) {
    return unsupported("CUDA pooling from {} to {}", to_string(p.types.x_dtype), to_string(out));
  }
  const std::int64_t stored = p.stored_channels == 0 ? s.channels : p.stored_channels;
  if (stored < s.channels || stored > s.y_pixel_stride) {
    return internal_error("CUDA pooling: stores {} channels of {} into pixels of {}", stored,
                          s.channels, s.y_pixel_stride);
  }
  const bool shared_window =
      !is_max && is_int8(p.types.x_dtype) && s.height.kernel * s.width.kernel >= kLargeWindow;
  const int lanes = shared_window ? 8 : 1;
  LayerSource layer;
  add_axis(layer, s.height, 'H', "kPadTop", "kPadBottom");
  add_axis(layer, s.width, 'W', "kPadLeft", "kPadRight");
  layer.constant("kInElem", p.types.x_dtype).constant("kOutElem", out);
  layer.constant("kInPitch", s.x_pixel_stride).constant("kOutPitch", s.y_pixel_stride);
  layer.constant("kInAlign", run_alignment(p.input_align, s.x_pixel_stride, p.types.x_dtype));
  layer.constant("kOutAlign", run_alignment(p.output_align, s.y_pixel_stride, out));
  layer.constant("kChannels", s.channels).constant("kStored", stored);
  layer.constant("kMax", is_max).constant("kCountPadding", p.types.count_include_pad);
  layer.constant("kLanes", lanes);

  KernelSpec spec;
  spec.entry = "pool";
  spec.source = "pool/cuda_pool.cuh";
  spec.layer = layer.text();
  spec.tactic = is_max ? "max_pool" : shared_window ? "average_pool_lanes" : "average_pool";
  spec.grid.items_per_image = s.height.out * s.width.out * ((stored + kRun - 1) / kRun);
  spec.grid.items_per_tile = kThreads / lanes;
  spec.threads = kThreads;
  using Kind = KernelArgument::Kind;
  spec.arguments = {{Kind::kPointer, Operand::kInput},
                    {Kind::kPointer, Operand::kMultiplier},
                    {Kind::kPointer, Operand::kOutput},
                    {Kind::kBatch}};
  return spec;
}

std::vector<float> pool_factors(const PoolProblem& p) {
  double ratio = static_cast<double>(p.types.x_scale);
  if (is_int8(p.types.y_dtype)) ratio /= static_cast<double>(p.types.y_scale);
  const std::int64_t taps = p.shape.height.kernel * p.shape.width.kernel;
  std::vector<float> factors = {0.0f};
  for (std::int64_t count = 1; count <= taps; ++count) {
    factors.push_back(static_cast<float>(ratio / static_cast<double>(count)));
  }
  return factors;
}

}  // namespace xinfer::kernels::cuda
