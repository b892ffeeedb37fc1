#include "ir/build.h"

#include <algorithm>
#include <random>
#include <span>
#include <utility>

#include "ir/infer.h"
#include "ir/verify.h"

namespace xinfer::ir {
namespace {

using Numbers = std::vector<std::int64_t>;

/// The fields that Conv and Pool share.
template <typename Op>
void set_window(Op& op, const Numbers& kernel, const Window& window) {
  const std::size_t axes = kernel.size();
  op.kernel = kernel;
  op.strides = Numbers(axes, window.stride);
  op.dilations = Numbers(axes, window.dilation);
  op.pads_begin = op.pads_end = Numbers(axes, window.pad);
}

std::size_t spatial_axes(const Value& x) {
  return x.shape.size() - std::min<std::size_t>(2, x.shape.size());
}

}  // namespace

GraphBuilder::GraphBuilder(std::string name) { own_.name = std::move(name); }

Graph GraphBuilder::finish() const {
  verify(*graph_).value();
  return *graph_;
}

ValueId GraphBuilder::input(std::string name, SymbolicShape shape, DType dtype) {
  return graph_->add_input(std::move(name), dtype, std::move(shape));
}

ValueId GraphBuilder::constant(Tensor tensor, std::string name) {
  return graph_->add_constant(name.empty() ? "constant" : std::move(name), std::move(tensor));
}

ValueId GraphBuilder::constant(const Shape& shape, const std::vector<float>& values,
                               std::string name) {
  return constant(Tensor(shape, std::span<const float>(values)), std::move(name));
}

ValueId GraphBuilder::integers(const Shape& shape, const std::vector<std::int64_t>& values,
                               std::string name) {
  return constant(Tensor(shape, std::span<const std::int64_t>(values)), std::move(name));
}

ValueId GraphBuilder::random_constant(const Shape& shape, std::uint32_t seed, std::string name) {
  std::mt19937 random(seed);
  Tensor tensor(DType::kFloat32, shape);
  for (float& element : tensor.values<float>()) {
    element = static_cast<float>(random() >> 8) * 0x1p-23f - 1.0f;
  }
  return constant(std::move(tensor), std::move(name));
}

void GraphBuilder::output(ValueId id, const std::string& name) {
  graph_->add_output(name.empty() ? value(id).name : name, id);
}

std::string GraphBuilder::name_for(const Op& op, const std::string& wanted) const {
  if (!wanted.empty()) return wanted;
  std::string name = op_name(op);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name;
}

ValueId GraphBuilder::add(Op op, std::vector<ValueId> inputs, std::string name) {
  name = name_for(op, name);
  const NodeId node = graph_->add_node("", std::move(op), std::move(inputs), {std::move(name)});
  infer_node(*graph_, node).value();
  return graph_->node(node).outputs[0];
}

ValueId GraphBuilder::conv(ValueId x, ValueId w, ValueId bias, Window window, std::string name) {
  Conv op;
  Numbers kernel;
  const SymbolicShape& shape = value(w).shape;
  for (std::size_t i = 2; i < shape.size(); ++i) kernel.push_back(shape[i].constant());
  set_window(op, kernel, window);
  op.groups = window.groups;
  return add(std::move(op), {x, w, bias}, std::move(name));
}

ValueId GraphBuilder::matmul(ValueId a, ValueId b, ValueId bias, std::string name) {
  return add(MatMul{}, {a, b, bias}, std::move(name));
}

ValueId GraphBuilder::pool(kernels::PoolKind kind, ValueId x, std::int64_t kernel,
                           const Window& window, std::string name) {
  Pool op;
  op.kind = kind;
  set_window(op, Numbers(spatial_axes(value(x)), kernel), window);
  return add(std::move(op), {x}, std::move(name));
}

ValueId GraphBuilder::max_pool(ValueId x, std::int64_t kernel, Window window, std::string name) {
  return pool(kernels::PoolKind::kMax, x, kernel, window, std::move(name));
}

ValueId GraphBuilder::average_pool(ValueId x, std::int64_t kernel, Window window,
                                   std::string name) {
  return pool(kernels::PoolKind::kAverage, x, kernel, window, std::move(name));
}

ValueId GraphBuilder::global_average_pool(ValueId x, std::string name) {
  Reduce op{kernels::ReduceKind::kMean, {}, true};
  for (std::size_t axis = 0; axis < spatial_axes(value(x)); ++axis) {
    op.axes.push_back(static_cast<std::int64_t>(axis) + 2);
  }
  return add(std::move(op), {x}, std::move(name));
}

ValueId GraphBuilder::batch_norm(ValueId x, ValueId scale, ValueId bias, ValueId mean,
                                 ValueId variance, std::string name) {
  return add(BatchNorm{}, {x, scale, bias, mean, variance}, std::move(name));
}

ValueId GraphBuilder::unary(kernels::Unary function, ValueId x, std::string name) {
  return add(Unary{function, 0, 0}, {x}, std::move(name));
}

ValueId GraphBuilder::relu(ValueId x, std::string name) {
  Clip op;
  op.low = 0;
  return add(op, {x}, name.empty() ? "relu" : std::move(name));
}

ValueId GraphBuilder::clip(ValueId x, double low, double high, std::string name) {
  return add(Clip{low, high}, {x}, std::move(name));
}

ValueId GraphBuilder::binary(kernels::Binary function, ValueId a, ValueId b, std::string name) {
  return add(Binary{function, {}}, {a, b}, std::move(name));
}

ValueId GraphBuilder::add_values(ValueId a, ValueId b, std::string name) {
  return binary(kernels::Binary::kAdd, a, b, name.empty() ? "add" : std::move(name));
}

ValueId GraphBuilder::multiply(ValueId a, ValueId b, std::string name) {
  return binary(kernels::Binary::kMul, a, b, name.empty() ? "mul" : std::move(name));
}

ValueId GraphBuilder::softmax(ValueId x, std::int64_t axis, std::string name) {
  return add(Softmax{axis, false}, {x}, std::move(name));
}

ValueId GraphBuilder::layer_norm(ValueId x, ValueId scale, ValueId bias, std::int64_t axis,
                                 std::string name) {
  return add(LayerNorm{axis, 1e-5}, {x, scale, bias}, std::move(name));
}

ValueId GraphBuilder::reshape(ValueId x, SymbolicShape shape, std::string name) {
  return add(Reshape{std::move(shape)}, {x}, std::move(name));
}

ValueId GraphBuilder::transpose(ValueId x, std::vector<std::int64_t> perm, std::string name) {
  return add(Transpose{std::move(perm)}, {x}, std::move(name));
}

ValueId GraphBuilder::concat(std::vector<ValueId> inputs, std::int64_t axis, std::string name) {
  return add(Concat{axis}, std::move(inputs), std::move(name));
}

ValueId GraphBuilder::quantize(ValueId x, DType dtype, float scale, std::string name) {
  const ValueId result = add(Quantize{}, {x}, std::move(name));
  graph_->value(result).dtype = dtype;
  graph_->value(result).scale = scale;
  return result;
}

ValueId GraphBuilder::dequantize(ValueId x, std::string name) {
  return add(Dequantize{}, {x}, std::move(name));
}

}  // namespace xinfer::ir
