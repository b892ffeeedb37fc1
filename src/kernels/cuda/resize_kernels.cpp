#include "kernels/cuda/resize_kernels.h"

#include <bit>
#include <numeric>

#include "kernels/cuda/layer_source.h"
#include "kernels/resize/coordinates.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kRun = 16;

bool is_int8(DType dtype) { return size_of(dtype) == 1; }

ResizeTaps taps_of(const ResizeAxis& axis, const ResizeParameters& p) {
  ResizeTaps taps;
  taps.taps = 1;
  if (p.mode == ResizeMode::kNearest) {
    taps.indices = nearest_indices(axis, p);
  } else if (is_identity(axis, p.coordinates)) {
    taps.indices.resize(static_cast<std::size_t>(axis.out));
    std::iota(taps.indices.begin(), taps.indices.end(), 0);
  } else {
    return interpolation_taps(axis, p);
  }
  taps.weights.assign(taps.indices.size(), 1.0f);
  return taps;
}

Status check(const ResizeProblem& p) {
  const ResizeParameters& r = p.parameters;
  if (r.coordinates == CoordinateMode::kTfCropAndResize) {
    return unsupported("CUDA Resize with tf_crop_and_resize");
  }
  // By their formula these shift every dimension, even one of scale 1 such as the batch.
  const bool rounds_up =
      r.nearest == NearestMode::kRoundPreferCeil || r.nearest == NearestMode::kCeil;
  if (r.mode == ResizeMode::kNearest && rounds_up &&
      r.coordinates == CoordinateMode::kTfHalfPixelForNn) {
    return unsupported("CUDA Resize with tf_half_pixel_for_nn that rounds up");
  }
  if (!is_device_elem(r.x_dtype) || !is_device_elem(r.y_dtype) ||
      (is_int8(r.y_dtype) && !is_int8(r.x_dtype)) ||
      (r.mode == ResizeMode::kNearest && is_int8(r.x_dtype) && r.x_dtype != r.y_dtype)) {
    return unsupported("CUDA Resize from {} to {}", to_string(r.x_dtype), to_string(r.y_dtype));
  }
  for (const ResizeAxis& axis : {p.height, p.width}) {
    if (axis.in < 1 || axis.out < 1 || !(axis.scale > 0)) {
      return unsupported("CUDA Resize from {} to {} by {}", axis.in, axis.out, axis.scale);
    }
  }
  return Status();
}

}  // namespace

Result<KernelSpec> resize_kernel(const ResizeProblem& p) {
  XINFER_RETURN_IF_ERROR(check(p));
  const ResizeParameters& r = p.parameters;
  const std::int64_t stored = p.stored_channels == 0 ? p.channels : p.stored_channels;
  if (stored < p.channels || stored > p.y_pixel_stride) {
    return internal_error("CUDA Resize: stores {} channels of {} into pixels of {}", stored,
                          p.channels, p.y_pixel_stride);
  }
  LayerSource layer;
  layer.constant("kInH", p.height.in).constant("kOutH", p.height.out);
  layer.constant("kInW", p.width.in).constant("kOutW", p.width.out);
  layer.constant("kTapsH", taps_of(p.height, r).taps).constant("kTapsW", taps_of(p.width, r).taps);
  layer.constant("kNearest", r.mode == ResizeMode::kNearest);
  layer.constant("kFactor", is_int8(r.x_dtype) ? r.factor : 1.0f);
  layer.constant("kInElem", r.x_dtype).constant("kOutElem", r.y_dtype);
  layer.constant("kInPitch", p.x_pixel_stride).constant("kOutPitch", p.y_pixel_stride);
  layer.constant("kInAlign", run_alignment(16, p.x_pixel_stride, r.x_dtype));
  layer.constant("kOutAlign", run_alignment(16, p.y_pixel_stride, r.y_dtype));
  layer.constant("kChannels", p.channels).constant("kStored", stored);

  KernelSpec spec;
  spec.entry = "resize";
  spec.source = "resize/cuda_resize.cuh";
  spec.layer = layer.text();
  spec.tactic = r.mode == ResizeMode::kNearest ? "resize_nearest" : "resize_taps";
  spec.grid.items_per_image = p.height.out * p.width.out * ((stored + kRun - 1) / kRun);
  spec.grid.items_per_tile = kThreads;
  spec.threads = kThreads;
  using Kind = KernelArgument::Kind;
  spec.arguments = {{Kind::kPointer, Operand::kInput},
                    {Kind::kPointer, Operand::kWeights},
                    {Kind::kPointer, Operand::kOutput},
                    {Kind::kBatch}};
  return spec;
}

std::vector<std::uint32_t> resize_table(const ResizeProblem& p) {
  std::vector<std::uint32_t> table;
  for (const ResizeAxis& axis : {p.height, p.width}) {
    const ResizeTaps taps = taps_of(axis, p.parameters);
    for (const std::int64_t index : taps.indices)
      table.push_back(static_cast<std::uint32_t>(index));
    for (const float weight : taps.weights) table.push_back(std::bit_cast<std::uint32_t>(weight));
  }
  return table;
}

}  // namespace xinfer::kernels::cuda
