// Borders between float32 and INT8, byte tables, and elementwise steps on quantised tensors.
#include "kernels/quantize/quantize.h"

#include <utility>

#include "kernels/residual/residual.h"
#include "kernels/table/table.h"
#include "quant/requantize.h"
#include "runtime/steps/families.h"

namespace xinfer::runtime {
namespace {

using kernels::ChannelOrder;

bool is_int8(const TensorView& view) {
  return view.dtype == DType::kInt8 || view.dtype == DType::kUInt8;
}

/// The permutations that one pass of the convert kernel covers.
enum class Move { kNone, kToChannelsLast, kToPlanar, kOther };

Move classify(const flatbuffers::Vector<std::uint32_t>& perm) {
  const unsigned rank = perm.size();
  bool none = true, last = rank >= 3, planar = rank >= 3;
  for (unsigned i = 0; i < rank; ++i) {
    none = none && perm[i] == i;
    last = last && perm[i] == (i == 0 ? 0 : i + 1 < rank ? i + 1 : 1);
    planar = planar && perm[i] == (i == 0 ? 0 : i == 1 ? rank - 1 : i - 1);
  }
  return none     ? Move::kNone
         : last   ? Move::kToChannelsLast
         : planar ? Move::kToPlanar
                  : Move::kOther;
}

kernels::ConvertShape convert_shape(Move move, const TensorView& x, const TensorView& y) {
  kernels::ConvertShape shape;
  if (move == Move::kNone) {
    shape.pixels = x.pixels();
    shape.channels = x.channels();
  } else {
    const TensorView& last = move == Move::kToChannelsLast ? y : x;  // [N, spatial…, C]
    shape.batch = last.dims[0];
    shape.channels = last.channels();
    shape.pixels = shape.batch == 0 ? 0 : last.pixels() / shape.batch;
    if (move == Move::kToChannelsLast) shape.x_order = ChannelOrder::kPlanar;
    if (move == Move::kToPlanar) shape.y_order = ChannelOrder::kPlanar;
  }
  shape.x_pixel_stride = x.pixel_stride;
  shape.y_pixel_stride = y.pixel_stride;
  return shape;
}

/// What the kernel multiplies or divides by (quantize.h).
float convert_factor(const TensorView& x, const TensorView& y) {
  if (is_int8(x) && is_int8(y)) return quant::rescale_factor(x.scale, y.scale);
  return is_int8(x) ? x.scale : y.scale;
}

}  // namespace

StepResult make_step_of(const StepSource& source, const fb::Quantize& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  const TensorView* x = source.input(0);
  const TensorView* y = source.output();
  if (params.perm() == nullptr || params.perm()->size() != x->dims.size() ||
      y->dims.size() != x->dims.size() || x->size() != y->size()) {
    return misfit("a conversion's operands");
  }
  const Move move = classify(*params.perm());
  if (move == Move::kOther) return misfit("a conversion's permutation");
  const kernels::ConvertShape shape = convert_shape(move, *x, *y);
  const float factor = convert_factor(*x, *y);
  const CpuIsa isa = source.isa;
  return call_step([=](ThreadPool& pool) {
    return kernels::convert(shape, x->dtype, x->data, y->dtype, y->data, factor, isa, pool);
  });
}

StepResult make_step_of(const StepSource& source, const fb::ConvertImage& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  const TensorView* x = source.input(0);
  const TensorView* y = source.output();
  if (x->dtype != DType::kUInt8 || x->dims.size() != 4 || x->dims != y->dims ||
      (y->dtype != DType::kFloat32 && !is_int8(*y)) || params.tables() == nullptr ||
      params.tables()->size() !=
          static_cast<std::size_t>(x->channels()) * 256 * size_of(y->dtype)) {
    return misfit("an image's conversion");
  }
  kernels::ConvertShape shape;
  shape.pixels = x->pixels();
  shape.channels = x->channels();
  shape.x_pixel_stride = x->pixel_stride;
  shape.y_pixel_stride = y->pixel_stride;
  const auto* tables = source.blob<std::byte>(params.tables());
  return call_step([=](ThreadPool& pool) {
    return kernels::convert_image(shape, static_cast<const std::uint8_t*>(x->data), y->dtype,
                                  y->data, tables, pool);
  });
}

StepResult make_step_of(const StepSource& source, const fb::ByteTable& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 1));
  const TensorView* x = source.input(0);
  const TensorView* y = source.output();
  if (params.table() == nullptr || params.table()->size() != 256 || x->dims != y->dims ||
      size_of(x->dtype) != 1 || size_of(y->dtype) != 1) {
    return misfit("a table's operands");
  }
  kernels::TableShape shape;
  shape.pixels = x->pixels();
  shape.channels = x->channels();
  shape.x_pixel_stride = x->pixel_stride;
  shape.y_pixel_stride = y->pixel_stride;
  const auto* table = source.blob<std::uint8_t>(params.table());
  const CpuIsa isa = source.isa;
  return call_step([=](ThreadPool& pool) {
    kernels::table_lookup(shape, static_cast<const std::uint8_t*>(x->data),
                          static_cast<std::uint8_t*>(y->data), table, isa, pool);
    return Status();
  });
}

namespace {

/// How b's dims broadcast to y's: all equal, one row of channels an image ([N, 1…, C]), or one row
/// for all. Anything else has no kernel.
Result<kernels::ResidualShape> residual_shape(const TensorView& a, const TensorView& b,
                                              const TensorView& y) {
  if (a.dims != y.dims || y.dims.empty()) return misfit("an INT8 elementwise step's operands");
  kernels::ResidualShape shape;
  shape.batch = y.dims.size() > 1 ? y.dims[0] : 1;
  shape.channels = y.channels();
  shape.pixels = shape.batch == 0 ? 0 : y.pixels() / shape.batch;
  shape.a_pixel_stride = a.pixel_stride;
  shape.y_pixel_stride = y.pixel_stride;
  if (b.dims == y.dims) {
    shape.b_pixel_stride = b.pixel_stride;
    shape.b_batch_stride = b.pixel_stride * shape.pixels;
    return shape;
  }
  const bool row_per_image = b.dims.size() == y.dims.size() && b.dims[0] == y.dims[0] &&
                             b.channels() == y.channels() && b.pixels() == shape.batch;
  const bool one_row = b.channels() == y.channels() && b.pixels() == 1;
  if (!row_per_image && !one_row) return misfit("an INT8 elementwise step's broadcasting");
  shape.b_pixel_stride = 0;
  shape.b_batch_stride = one_row ? 0 : b.pixel_stride;
  return shape;
}

}  // namespace

StepResult make_step_of(const StepSource& source, const fb::QuantizedBinary& params) {
  XINFER_RETURN_IF_ERROR(check_operands(source, 2));
  const TensorView* a = source.input(0);
  const TensorView* b = source.input(1);
  const TensorView* y = source.output();
  if (a->dims != y->dims) std::swap(a, b);  // both ops commute
  XINFER_ASSIGN_OR_RETURN(const kernels::ResidualShape shape, residual_shape(*a, *b, *y));
  kernels::ResidualParameters parameters;
  parameters.op = params.multiply() ? kernels::ResidualOp::kMultiply : kernels::ResidualOp::kAdd;
  parameters.a_dtype = a->dtype;
  parameters.b_dtype = b->dtype;
  parameters.y_dtype = y->dtype;
  const float y_scale = is_int8(*y) ? y->scale : 1.0f;
  if (params.multiply()) {
    parameters.a_factor = quant::rescale_factor(double{a->scale} * double{b->scale}, y_scale);
  } else {
    parameters.a_factor = quant::rescale_factor(a->scale, y_scale);
    parameters.b_factor = quant::rescale_factor(b->scale, y_scale);
  }
  if (params.clip()) {
    parameters.clip_low = params.low();
    parameters.clip_high = params.high();
  }
  const CpuIsa isa = source.isa;
  return call_step([=](ThreadPool& pool) {
    return kernels::residual(shape, parameters, a->data, b->data, y->data, isa, pool);
  });
}

}  // namespace xinfer::runtime
