#include "kernels/cuda/pointwise_kernels.h"

#include "kernels/cuda/layer_source.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kRun = 16;

bool is_int8(DType dtype) { return size_of(dtype) == 1; }

// Everything that cuda_pointwise.cuh reads; the defaults describe a plain copy.
struct Constants {
  DType in = DType::kInt8, in2 = DType::kInt8, out = DType::kInt8;
  bool in_planar = false, out_planar = false;
  std::int64_t in_pixels = 1, out_pixels = 1;
  std::int64_t in_pitch = 1, in2_pitch = 0, in2_image_pitch = 0, out_pitch = 1;
  std::int64_t in_h = 1, in_w = 1, out_w = 1, block = 1;
  std::int64_t channels = 1, out_channels = 1, stored = 1;
  int in_align = 16, in2_align = 16, out_align = 16;
  bool add = false, multiply = false, table = false, quantise = false, rescale = false;
  float factor = 1.0f, factor2 = 1.0f;
  float low = 0.0f, high = 0.0f;
};

Result<KernelSpec> make_spec(const Constants& c, std::string tactic) {
  if (!is_device_elem(c.in) || !is_device_elem(c.in2) || !is_device_elem(c.out)) {
    return unsupported("CUDA {} from {} to {}", tactic, to_string(c.in), to_string(c.out));
  }
  LayerSource layer;
  layer.constant("kInElem", c.in).constant("kIn2Elem", c.in2).constant("kOutElem", c.out);
  layer.constant("kInPlanar", c.in_planar).constant("kOutPlanar", c.out_planar);
  layer.constant("kInPixels", c.in_pixels).constant("kOutPixels", c.out_pixels);
  layer.constant("kInPitch", c.in_pitch).constant("kOutPitch", c.out_pitch);
  layer.constant("kIn2Pitch", c.in2_pitch).constant("kIn2ImagePitch", c.in2_image_pitch);
  layer.constant("kInH", c.in_h).constant("kInW", c.in_w).constant("kOutW", c.out_w);
  layer.constant("kBlock", c.block).constant("kChannels", c.channels);
  layer.constant("kOutChannels", c.out_channels).constant("kStored", c.stored);
  layer.constant("kInAlign", run_alignment(c.in_align, c.in_pitch, c.in));
  layer.constant("kIn2Align", run_alignment(c.in2_align, c.in2_pitch, c.in2));
  layer.constant("kOutAlign", run_alignment(c.out_align, c.out_pitch, c.out));
  layer.constant("kAdd", c.add).constant("kMultiply", c.multiply).constant("kTable", c.table);
  layer.constant("kQuantise", c.quantise).constant("kRescale", c.rescale);
  layer.constant("kFactor", c.factor).constant("kFactor2", c.factor2);
  layer.constant("kLow", c.low).constant("kHigh", c.high);

  KernelSpec spec;
  spec.entry = "pointwise";
  spec.source = "elementwise/cuda_pointwise.cuh";
  spec.layer = layer.text();
  spec.tactic = std::move(tactic);
  spec.grid.items_per_image = c.out_pixels * ((c.stored + kRun - 1) / kRun);
  spec.grid.items_per_tile = kThreads;
  spec.threads = kThreads;
  using Kind = KernelArgument::Kind;
  spec.arguments = {{Kind::kPointer, Operand::kInput},
                    {Kind::kPointer, Operand::kInput2},
                    {Kind::kPointer, Operand::kOutput},
                    {Kind::kBatch}};
  return spec;
}

Status check_stored(std::int64_t stored, std::int64_t channels, std::int64_t pitch) {
  if (stored >= channels && stored <= pitch) return Status();
  return internal_error("CUDA pointwise kernel: stores {} channels of {} into pixels of {}", stored,
                        channels, pitch);
}

}  // namespace

Result<KernelSpec> convert_kernel(const ConvertProblem& p) {
  const ConvertShape& s = p.shape;
  Constants c;
  c.in = c.in2 = p.input;
  c.out = p.output;
  c.in_planar = s.x_order == ChannelOrder::kPlanar;
  c.out_planar = s.y_order == ChannelOrder::kPlanar;
  c.block = p.space_to_depth;
  c.in_pixels = c.out_pixels = s.pixels;
  c.channels = s.channels;
  c.out_channels = s.channels * c.block * c.block;
  if (c.block > 1) {
    if (p.in_h * p.in_w != s.pixels || c.out_planar) {
      return internal_error("space to depth of {}x{} with {} pixels", p.in_h, p.in_w, s.pixels);
    }
    c.in_h = p.in_h;
    c.in_w = p.in_w;
    c.out_w = (p.in_w + c.block - 1) / c.block;
    c.out_pixels = c.out_w * ((p.in_h + c.block - 1) / c.block);
  }
  c.in_pitch = c.in_planar ? 0 : s.x_pixel_stride;
  c.out_pitch = c.out_planar ? 0 : s.y_pixel_stride;
  c.stored = p.stored_channels == 0 ? c.out_channels : p.stored_channels;
  if (!c.out_planar) XINFER_RETURN_IF_ERROR(check_stored(c.stored, c.out_channels, c.out_pitch));
  c.in_align = p.input_align;
  c.out_align = p.output_align;
  c.quantise = !is_int8(p.input) && is_int8(p.output);
  c.rescale = is_int8(p.input);
  c.factor = p.factor;
  return make_spec(c, "convert");
}

Result<KernelSpec> combine_kernel(const CombineProblem& p) {
  const ResidualShape& s = p.shape;
  const ResidualParameters& r = p.parameters;
  if (!is_int8(r.a_dtype) || !is_int8(r.b_dtype)) {
    return unsupported("CUDA addition of {} and {}", to_string(r.a_dtype), to_string(r.b_dtype));
  }
  Constants c;
  c.in = r.a_dtype;
  c.in2 = r.b_dtype;
  c.out = r.y_dtype;
  c.in_pixels = c.out_pixels = s.pixels;
  c.in_pitch = s.a_pixel_stride;
  c.in2_pitch = s.b_pixel_stride;
  c.in2_image_pitch = s.b_batch_stride;
  c.out_pitch = s.y_pixel_stride;
  c.channels = c.out_channels = s.channels;
  c.stored = p.stored_channels == 0 ? s.channels : p.stored_channels;
  XINFER_RETURN_IF_ERROR(check_stored(c.stored, c.out_channels, c.out_pitch));
  c.in_align = p.input_align;
  c.in2_align = run_alignment(p.input_align, s.b_batch_stride, r.b_dtype);
  c.out_align = p.output_align;
  c.add = r.op == ResidualOp::kAdd;
  c.multiply = !c.add;
  c.factor = r.a_factor;
  c.factor2 = r.b_factor;
  c.low = r.clip_low;
  c.high = r.clip_high;
  return make_spec(c, c.add ? "add" : "multiply");
}

Result<KernelSpec> table_kernel(const TableProblem& p) {
  if (!is_int8(p.input) || !is_int8(p.output)) {
    return unsupported("CUDA table from {} to {}", to_string(p.input), to_string(p.output));
  }
  Constants c;
  c.in = p.input;
  c.out = p.output;
  c.in_pixels = c.out_pixels = p.pixels;
  c.in_pitch = p.x_pixel_stride;
  c.out_pitch = p.y_pixel_stride;
  c.channels = c.out_channels = p.channels;
  c.stored = p.stored_channels == 0 ? p.channels : p.stored_channels;
  XINFER_RETURN_IF_ERROR(check_stored(c.stored, c.out_channels, c.out_pitch));
  c.in_align = p.input_align;
  c.out_align = p.output_align;
  c.table = true;
  return make_spec(c, "table");
}

}  // namespace xinfer::kernels::cuda
