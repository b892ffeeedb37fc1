#include "kernels/cuda/image_kernels.h"

#include "kernels/cuda/layer_source.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kRun = 16;  // as cuda/run.cuh

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

DType image_table_type(DType output) { return size_of(output) == 1 ? output : DType::kFloat32; }

Result<KernelSpec> image_kernel(const ImageProblem& p) {
  const std::int64_t channels = p.channels * p.space_to_depth * p.space_to_depth;
  if (!is_device_elem(p.output) || p.stored_channels < channels ||
      p.stored_channels > p.y_pixel_stride) {
    return unsupported("CUDA image of {} channels as {}, {} of {} stored", channels,
                       to_string(p.output), p.stored_channels, p.y_pixel_stride);
  }
  const std::int64_t out_w = ceil_div(p.in_w, p.space_to_depth);
  const std::int64_t out_pixels = out_w * ceil_div(p.in_h, p.space_to_depth);
  LayerSource layer;
  layer.constant("kTableElem", image_table_type(p.output)).constant("kOutElem", p.output);
  layer.constant("kInH", p.in_h).constant("kInW", p.in_w).constant("kChannels", p.channels);
  layer.constant("kBlock", p.space_to_depth).constant("kOutW", out_w);
  layer.constant("kOutPixels", out_pixels).constant("kOutPitch", p.y_pixel_stride);
  layer.constant("kStored", p.stored_channels);
  layer.constant("kOutAlign", run_alignment(16, p.y_pixel_stride, p.output));

  KernelSpec spec;
  spec.entry = "convert_image";
  spec.source = "quantize/cuda_image.cuh";
  spec.layer = layer.text();
  spec.tactic = "image";
  spec.grid.items_per_image = out_pixels * ceil_div(p.stored_channels, kRun);
  spec.grid.items_per_tile = kThreads;
  spec.threads = kThreads;
  using Kind = KernelArgument::Kind;
  spec.arguments = {{Kind::kPointer, Operand::kInput},
                    {Kind::kPointer, Operand::kInput2},
                    {Kind::kPointer, Operand::kOutput},
                    {Kind::kBatch}};
  return spec;
}

}  // namespace xinfer::kernels::cuda
