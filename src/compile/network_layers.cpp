// The layers of a Network: options in the words of the public header become op structs.
#include <algorithm>
#include <cmath>

#include "compile/network_state.h"
#include "import/reshape_target.h"
#include "import/slice_range.h"
#include "ir/enum_names.h"
#include "quant/quantize.h"
#include "xinfer/core/error.h"

namespace xinfer::builders {
namespace {

using Numbers = std::vector<std::int64_t>;

template <typename Enum>
Enum parse(const std::string& name, const char* what) {
  const auto value = ir::parse_enum<Enum>(name);
  if (value) return *value;
  std::string known;
  for (const auto& entry : ir::EnumNames<Enum>::kList) {
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw Error(ErrorCode::kInvalidArgument,
              std::string(what) + " \"" + name + "\"; needed: one of " + known);
}

Numbers filled(const Numbers& given, std::size_t axes, std::int64_t value) {
  return given.empty() ? Numbers(axes, value) : given;
}

template <typename Op>
void set_window(Op& op, const Numbers& kernel, const WindowOptions& window) {
  const std::size_t axes = kernel.size();
  op.kernel = kernel;
  op.strides = filled(window.strides, axes, 1);
  op.dilations = filled(window.dilations, axes, 1);
  op.pads_begin = filled(window.pads_begin, axes, 0);
  op.pads_end = filled(window.pads_end, axes, 0);
}

Numbers kernel_of(const ir::Value& weights) {
  Numbers kernel;
  for (std::size_t axis = 2; axis < weights.shape.size(); ++axis) {
    if (!weights.shape[axis].is_constant()) {
      throw Error(ErrorCode::kUnsupported,
                  "convolution: weights \"" + weights.name +
                      "\" have a dynamic kernel size; needed: a fixed one");
    }
    kernel.push_back(weights.shape[axis].constant());
  }
  return kernel;
}

void check_entries(const char* what, std::size_t found, std::size_t needed) {
  if (found == needed) return;
  throw Error(ErrorCode::kInvalidArgument, std::string(what) + " has " + std::to_string(found) +
                                               " entries; needed: one an axis, " +
                                               std::to_string(needed));
}

}  // namespace

Network::Value Network::add_convolution(Value x, Value weights, Value bias,
                                        const WindowOptions& window, const std::string& name) {
  ir::Conv op;
  set_window(op, kernel_of(state_->value(weights)), window);
  op.groups = window.groups;
  return state_->add(std::move(op), {x, weights, bias}, name);
}

Network::Value Network::add_pooling(const std::string& kind, Value x, const WindowOptions& window,
                                    const std::string& name) {
  ir::Pool op;
  op.kind = parse<kernels::PoolKind>(kind, "pooling");
  set_window(op, window.kernel, window);
  op.ceil_mode = window.ceil_mode;
  op.count_include_pad = window.count_include_pad;
  return state_->add(std::move(op), {x}, name);
}

Network::Value Network::add_matrix_product(Value a, Value b, Value bias, bool transpose_a,
                                           bool transpose_b, const std::string& name) {
  return state_->add(ir::MatMul{transpose_a, transpose_b, {}}, {a, b, bias}, name);
}

Network::Value Network::add_unary(const std::string& function, Value x, double alpha, double beta,
                                  const std::string& name) {
  if (function == "relu") {
    return add_clip(x, 0, std::numeric_limits<double>::infinity(), name);
  }
  return state_->add(ir::Unary{parse<kernels::Unary>(function, "unary function"), alpha, beta}, {x},
                     name);
}

Network::Value Network::add_binary(const std::string& function, Value a, Value b,
                                   const std::string& name) {
  return state_->add(ir::Binary{parse<kernels::Binary>(function, "binary function"), {}}, {a, b},
                     name);
}

Network::Value Network::add_clip(Value x, double low, double high, const std::string& name) {
  return state_->add(ir::Clip{low, high}, {x}, name);
}

Network::Value Network::add_select(Value condition, Value x, Value y, const std::string& name) {
  return state_->add(ir::Select{}, {condition, x, y}, name);
}

Network::Value Network::add_cast(Value x, DType dtype, const std::string& name) {
  return state_->add(ir::Cast{dtype}, {x}, name);
}

Network::Value Network::add_reduce(const std::string& kind, Value x, Numbers axes, bool keep_dims,
                                   const std::string& name) {
  return state_->add(
      ir::Reduce{parse<kernels::ReduceKind>(kind, "reduction"), std::move(axes), keep_dims}, {x},
      name);
}

Network::Value Network::add_arg_reduce(bool largest, Value x, std::int64_t axis, bool keep_dims,
                                       const std::string& name) {
  return state_->add(ir::ArgReduce{largest, axis, keep_dims, false}, {x}, name);
}

Network::Value Network::add_softmax(Value x, std::int64_t axis, bool log, const std::string& name) {
  return state_->add(ir::Softmax{axis, log}, {x}, name);
}

Network::Value Network::add_batch_norm(Value x, Value scale, Value bias, Value mean, Value variance,
                                       double epsilon, const std::string& name) {
  return state_->add(ir::BatchNorm{epsilon}, {x, scale, bias, mean, variance}, name);
}

Network::Value Network::add_layer_norm(Value x, Value scale, Value bias, std::int64_t axis,
                                       double epsilon, const std::string& name) {
  return state_->add(ir::LayerNorm{axis, epsilon}, {x, scale, bias}, name);
}

Network::Value Network::add_transpose(Value x, Numbers permutation, const std::string& name) {
  return state_->add(ir::Transpose{std::move(permutation)}, {x}, name);
}

Network::Value Network::add_reshape(Value x, const Numbers& target, const std::string& name) {
  const ir::SymbolicShape wanted(target.begin(), target.end());
  ir::SymbolicShape shape =
      import::resolve_reshape(state_->value(x).shape, wanted, /*allow_zero=*/false).value();
  return state_->add(ir::Reshape{std::move(shape)}, {x}, name);
}

Network::Value Network::add_slice(Value x, const Numbers& start, const Numbers& end,
                                  const Numbers& step, const std::string& name) {
  const ir::SymbolicShape& shape = state_->value(x).shape;
  check_entries("slice: start", start.size(), shape.size());
  check_entries("slice: end", end.size(), shape.size());
  check_entries("slice: step", step.size(), shape.size());
  ir::Slice op;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (step[axis] == 0) throw Error(ErrorCode::kInvalidArgument, "slice: a step is 0");
    const ir::Dim last = end[axis] == kToTheEnd ? shape[axis] : ir::Dim(end[axis]);
    const import::SliceRange range =
        import::slice_range(shape[axis], start[axis], last, step[axis]);
    op.start.push_back(range.start);
    op.size.push_back(range.size);
    op.step.push_back(range.step);
  }
  return state_->add(std::move(op), {x}, name);
}

Network::Value Network::add_concat(const std::vector<Value>& inputs, std::int64_t axis,
                                   const std::string& name) {
  return state_->add(ir::Concat{axis}, inputs, name);
}

Network::Value Network::add_pad(Value x, Numbers begin, Numbers end, const std::string& mode,
                                double value, const std::string& name) {
  return state_->add(
      ir::Pad{parse<kernels::PadMode>(mode, "padding"), std::move(begin), std::move(end), value},
      {x}, name);
}

Network::Value Network::add_gather(Value data, Value indices, std::int64_t axis,
                                   const std::string& name) {
  return state_->add(ir::Gather{axis}, {data, indices}, name);
}

Network::Value Network::add_expand(Value x, const Numbers& shape, const std::string& name) {
  const ir::SymbolicShape& from = state_->value(x).shape;
  ir::Expand op;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const bool keeps = shape[axis] < 0 && axis + from.size() >= shape.size();
    op.shape.push_back(keeps ? from[axis + from.size() - shape.size()] : ir::Dim(shape[axis]));
  }
  return state_->add(std::move(op), {x}, name);
}

Network::Value Network::add_resize(Value x, const ResizeOptions& options, const std::string& name) {
  const ir::SymbolicShape& from = state_->value(x).shape;
  ir::Resize op;
  op.mode = parse<kernels::ResizeMode>(options.mode, "resize mode");
  op.coordinates = parse<kernels::CoordinateMode>(options.coordinates, "coordinate mode");
  op.nearest = parse<kernels::NearestMode>(options.nearest_mode, "nearest mode");
  op.cubic_coefficient = options.cubic_coefficient;
  op.exclude_outside = options.exclude_outside;
  op.scales = options.scales;
  const bool by_scale = !options.scales.empty();
  check_entries(by_scale ? "resize: scales" : "resize: size",
                by_scale ? options.scales.size() : options.size.size(), from.size());
  for (std::size_t axis = 0; axis < from.size(); ++axis) {
    if (!by_scale) {
      op.size.push_back(options.size[axis] < 0 ? from[axis] : ir::Dim(options.size[axis]));
      continue;
    }
    const double scale = options.scales[axis];
    const bool whole = scale == std::floor(scale);
    if (!whole && !from[axis].is_constant()) {
      throw Error(ErrorCode::kUnsupported,
                  "resize: a dynamic dimension needs a whole scale or a size");
    }
    op.size.push_back(whole ? from[axis] * ir::Dim(static_cast<std::int64_t>(scale))
                            : ir::Dim(static_cast<std::int64_t>(
                                  std::floor(static_cast<double>(from[axis].constant()) * scale))));
  }
  return state_->add(std::move(op), {x}, name);
}

Network::Value Network::add_shape(Value x, const std::string& name) {
  return state_->add(ir::ShapeOf{state_->value(x).shape, false}, {}, name);
}

Network::Value Network::add_quantize(Value x, float scale, DType dtype, const std::string& name) {
  const bool is_int8 = dtype == DType::kInt8 || dtype == DType::kUInt8;
  if (!is_int8 || !quant::is_usable_scale(scale)) {
    throw Error(ErrorCode::kInvalidArgument,
                "quantize: " + std::string(to_string(dtype)) + " with scale " +
                    std::to_string(scale) + "; needed: int8 or uint8 with a finite scale above 0");
  }
  const Value quantized = state_->add(ir::Quantize{}, {x}, name);
  state_->graph.value(quantized.id).dtype = dtype;
  state_->graph.value(quantized.id).scale = scale;
  return quantized;
}

Network::Value Network::add_dequantize(Value quantized, const std::string& name) {
  return state_->add(ir::Dequantize{}, {quantized}, name);
}

}  // namespace xinfer::builders
