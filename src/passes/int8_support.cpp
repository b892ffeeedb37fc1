#include "passes/int8_support.h"

#include <algorithm>
#include <cmath>

#include "passes/match.h"
#include "quant/quantize.h"
#include "quant/weights.h"

namespace xinfer::passes {
namespace {

using ir::Graph;
using ir::NodeId;
using ir::ValueId;

bool is_activation(const Graph& graph, ValueId id) {
  if (id == ir::kNoValue) return false;
  const ir::Value& value = graph.value(id);
  return !value.is_constant() && (value.dtype == DType::kFloat32 || value.is_quantized());
}

/// The node behind conversions that computes `value`, or kNoNode.
NodeId computed_by(const Graph& graph, ValueId value) {
  NodeId node = graph.value(value).producer;
  while (op_as<ir::Dequantize>(graph, node) || op_as<ir::Quantize>(graph, node)) {
    node = graph.value(graph.node(node).inputs[0]).producer;
  }
  return node;
}

/// True for values that come from spatial ops, whose channels lie innermost in memory.
bool is_spatial(const Graph& graph, ValueId value) {
  const NodeId node = computed_by(graph, value);
  return node != ir::kNoNode && !op_as<ir::Reshape>(graph, node) &&
         !op_as<ir::Transpose>(graph, node) && !op_as<ir::MatMul>(graph, node) &&
         !op_as<ir::Gather>(graph, node);
}

/// Is `row` one number per image and channel, [N, C, 1, …], beside `full` [N, C, spatial…]?
bool is_channel_row(const Graph& graph, ValueId row, ValueId full) {
  const ir::SymbolicShape& small = graph.value(row).shape;
  const ir::SymbolicShape& large = graph.value(full).shape;
  return small.size() == large.size() && small.size() > 2 && small[0] == large[0] &&
         small[1] == large[1] &&
         std::all_of(small.begin() + 2, small.end(),
                     [](const ir::Dim& dim) { return dim == ir::Dim(1); }) &&
         is_spatial(graph, row) && is_spatial(graph, full);
}

/// The shapes that INT8 Add and Mul take.
bool has_elementwise_shapes(const Graph& graph, ValueId a, ValueId b) {
  return graph.value(a).shape == graph.value(b).shape || is_channel_row(graph, a, b) ||
         is_channel_row(graph, b, a);
}

/// Overloads give the form of one op whose first input is an activation.
struct FormOf {
  const Graph& graph;
  const ir::Node& node;

  bool has_constant_weights() const { return is_float_constant(graph, node.inputs[1]); }

  Int8Form operator()(const ir::Conv&) const {
    return has_constant_weights() ? Int8Form::kAccumulator : Int8Form::kNone;
  }
  Int8Form operator()(const ir::MatMul&) const {
    if (has_constant_weights()) return Int8Form::kAccumulator;
    return is_activation(graph, node.inputs[1]) ? Int8Form::kProduct : Int8Form::kNone;
  }
  Int8Form operator()(const ir::Binary& op) const {
    const bool has_kernel =
        op.function == kernels::Binary::kAdd || op.function == kernels::Binary::kMul;
    const bool computed =
        is_activation(graph, node.inputs[0]) && is_activation(graph, node.inputs[1]);
    const bool fits =
        has_kernel && computed && has_elementwise_shapes(graph, node.inputs[0], node.inputs[1]);
    return fits ? Int8Form::kElementwise : Int8Form::kNone;
  }
  Int8Form operator()(const ir::Unary& op) const {
    return op.function == kernels::Unary::kNot ? Int8Form::kNone : Int8Form::kTable;
  }
  Int8Form operator()(const ir::Pool& op) const {
    if (op.kind == kernels::PoolKind::kAverage) return Int8Form::kAverage;
    const bool has_indices = node.outputs.size() > 1 && node.outputs[1] != ir::kNoValue;
    return has_indices ? Int8Form::kNone : Int8Form::kMovement;
  }
  Int8Form operator()(const ir::Reduce& op) const {
    const std::size_t rank = graph.value(node.inputs[0]).shape.size();
    if (op.kind != kernels::ReduceKind::kMean || rank < 3 || op.axes.size() != rank - 2) {
      return Int8Form::kNone;
    }
    std::vector<std::int64_t> axes = op.axes;
    std::sort(axes.begin(), axes.end());
    return axes.front() == 2 ? Int8Form::kAverage : Int8Form::kNone;
  }
  Int8Form operator()(const ir::Resize& op) const {
    const bool plain = !op.antialias && !op.exclude_outside &&
                       op.coordinates != kernels::CoordinateMode::kTfCropAndResize;
    if (!plain || op.mode == kernels::ResizeMode::kCubic) return Int8Form::kNone;
    return op.mode == kernels::ResizeMode::kNearest ? Int8Form::kMovement
                                                    : Int8Form::kInterpolation;
  }
  Int8Form operator()(const ir::Pad& op) const {
    const bool zero = op.mode == kernels::PadMode::kConstant && op.value == 0;
    return zero ? Int8Form::kMovement : Int8Form::kNone;
  }
  Int8Form operator()(const ir::Concat&) const {
    const bool computed = std::all_of(node.inputs.begin(), node.inputs.end(),
                                      [&](ValueId id) { return is_activation(graph, id); });
    return computed ? Int8Form::kConcat : Int8Form::kNone;
  }
  Int8Form operator()(const ir::Clip&) const { return Int8Form::kMovement; }
  Int8Form operator()(const ir::Transpose&) const { return Int8Form::kMovement; }
  Int8Form operator()(const ir::Reshape&) const { return Int8Form::kMovement; }
  Int8Form operator()(const ir::Slice&) const { return Int8Form::kMovement; }
  Int8Form operator()(const ir::Gather&) const { return Int8Form::kMovement; }
  template <typename Other>
  Int8Form operator()(const Other&) const {
    return Int8Form::kNone;
  }
};

quant::WeightView conv_weights(const Tensor& w) {
  const std::int64_t channels = w.shape()[0];
  const std::int64_t inputs = w.shape()[1];
  const std::int64_t row = channels == 0 ? 0 : w.size() / channels;
  const std::int64_t taps = inputs == 0 ? 0 : row / inputs;
  return {w.values<float>().data(), channels, taps, inputs, row, 1, taps};
}

quant::WeightView matmul_weights(const Tensor& w, bool transpose_b) {
  const std::int64_t rows = w.shape()[0], columns = w.shape()[1];
  return transpose_b ? quant::WeightView{w.values<float>().data(), rows, 1, columns, columns, 0, 1}
                     : quant::WeightView{w.values<float>().data(), columns, 1, rows, 1, 0, columns};
}

std::string accumulator_obstacle(const quant::WeightView& weights) {
  const Result<quant::QuantizedWeights> quantized = quant::quantize_weights(weights);
  if (!quantized.ok()) return quantized.status().message();
  const std::int64_t sum = quant::largest_weight_sum(quantized->values, weights.row_size());
  const Status status = quant::check_accumulator(sum, DType::kUInt8);
  return status.ok() ? "" : status.message();
}

}  // namespace

Int8Form int8_form(const Graph& graph, NodeId id) {
  const ir::Node& node = graph.node(id);
  if (node.inputs.empty() || !is_activation(graph, node.inputs[0])) return Int8Form::kNone;
  return std::visit(FormOf{graph, node}, node.op);
}

std::size_t activation_count(const Graph& graph, NodeId node, Int8Form form) {
  switch (form) {
    case Int8Form::kNone:
      return 0;
    case Int8Form::kProduct:
    case Int8Form::kElementwise:
      return 2;
    case Int8Form::kConcat:
      return graph.node(node).inputs.size();
    default:
      return 1;
  }
}

bool is_usable(const ValueRange& range) {
  return std::isfinite(range.threshold) && std::isfinite(range.amax) &&
         quant::is_usable_scale(quant::u8_scale(quant::s8_scale(range.threshold)));
}

std::string range_obstacle(const Graph& graph, ValueId value, const RangeMap& ranges,
                           const ir::Constraints& constraints) {
  const std::string& name = graph.value(value).name;
  if (const auto hand = constraints.ranges.find(name); hand != constraints.ranges.end()) {
    const double amax = std::max(std::abs(hand->second.low), std::abs(hand->second.high));
    if (is_usable({amax, 0, amax})) return "";
    return fmt::format("the range set for \"{}\" is [{}, {}]", name, hand->second.low,
                       hand->second.high);
  }
  const auto range = ranges.find(name);
  if (range == ranges.end()) return fmt::format("there is no range for \"{}\"", name);
  if (is_usable(range->second)) return "";
  return range->second.amax == 0 ? fmt::format("\"{}\" was zero in all samples", name)
                                 : fmt::format("the range of \"{}\" is {} (largest magnitude {})",
                                               name, range->second.threshold, range->second.amax);
}

std::string weight_obstacle(const Graph& graph, NodeId node, Int8Form form) {
  if (form == Int8Form::kProduct) {
    const auto& op = *op_as<ir::MatMul>(graph, node);
    const ir::SymbolicShape& a = graph.value(graph.node(node).inputs[0]).shape;
    const ir::Dim& inner = a[a.size() - (op.transpose_a ? 2 : 1)];
    if (!inner.is_constant()) {
      return fmt::format("its inner dimension {} is dynamic, so nothing bounds its sums",
                         inner.to_string());
    }
    const ir::Dim& columns = graph.value(graph.node(node).outputs[0]).shape.back();
    if (!columns.is_constant()) {
      return fmt::format("its number of columns {} is dynamic; INT8 products have a fixed one",
                         columns.to_string());
    }
    const Status status = quant::check_activation_product(inner.constant());
    return status.ok() ? "" : status.message();
  }
  if (form != Int8Form::kAccumulator) return "";
  const Tensor& weights = *graph.value(graph.node(node).inputs[1]).constant;
  if (op_as<ir::Conv>(graph, node)) {
    if (weights.shape().size() > 4) return "convolutions over three spatial axes have no INT8 form";
    return accumulator_obstacle(weights_of(graph, node));
  }
  const auto& op = *op_as<ir::MatMul>(graph, node);
  if (weights.shape().size() != 2) return "its constant operand is a stack of matrices";
  if (op.transpose_a) return "its computed operand is transposed";
  return accumulator_obstacle(weights_of(graph, node));
}

quant::WeightView weights_of(const Graph& graph, NodeId node) {
  const Tensor& weights = *graph.value(graph.node(node).inputs[1]).constant;
  const auto* matmul = op_as<ir::MatMul>(graph, node);
  return matmul == nullptr ? conv_weights(weights) : matmul_weights(weights, matmul->transpose_b);
}

bool has_gridded_weights(const Graph& graph, NodeId node) {
  return quant::lie_on_grid(weights_of(graph, node));
}

}  // namespace xinfer::passes
