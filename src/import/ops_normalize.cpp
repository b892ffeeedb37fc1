// BatchNormalization, LayerNormalization, RMSNormalization, InstanceNormalization,
// GroupNormalization.
#include "import/registry.h"

namespace xinfer::import {
namespace {

using kernels::Binary;
using kernels::ReduceKind;
using kernels::Unary;

ir::Binary add_op() { return {Binary::kAdd, {}}; }
ir::Binary sub_op() { return {Binary::kSub, {}}; }
ir::Binary mul_op() { return {Binary::kMul, {}}; }

ir::ValueId scalar(NodeContext& node, const char* suffix, DType dtype, double number) {
  return node.add_constant(suffix, to_tensor({dtype, {}, {Number::of_real(number)}}));
}

std::vector<std::int64_t> axes_from(std::int64_t first, std::size_t rank) {
  std::vector<std::int64_t> axes;
  for (auto axis = first; axis < static_cast<std::int64_t>(rank); ++axis) axes.push_back(axis);
  return axes;
}

Status convert_batch_norm(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const std::vector<ir::ValueId> inputs, node.all_inputs());
  const double epsilon = node.attributes().real("epsilon", 1e-5f);
  node.attributes().real("momentum", 0.9f);  // training only
  if (node.attributes().flag("training_mode", false)) {
    return node.unsupported("training_mode 1; supported: 0");
  }
  if (!node.attributes().flag("spatial", true)) {
    return node.unsupported("spatial 0; supported: 1");
  }
  for (std::size_t i = 1; i < node.output_count(); ++i) {
    if (node.has_output(i)) return node.unsupported("training outputs; supported: Y");
  }
  return node.output(ir::BatchNorm{epsilon}, inputs);
}

/// y * scale + bias, where given; the last of the operations is the node's output.
Status output_affine(NodeContext& node, ir::ValueId y, ir::ValueId scale, ir::ValueId bias) {
  if (scale == ir::kNoValue && bias == ir::kNoValue) return node.same(y);
  if (bias == ir::kNoValue) return node.output(mul_op(), {y, scale});
  if (scale != ir::kNoValue) {
    XINFER_ASSIGN_OR_RETURN(y, node.add("scaled", mul_op(), {y, scale}));
  }
  return node.output(add_op(), {y, bias});
}

/// The outputs Mean and InvStdDev of LayerNormalization; removed again where nobody reads them.
Status output_statistics(NodeContext& node, ir::ValueId x, std::int64_t axis, double epsilon) {
  if (!node.has_output(1) && !node.has_output(2)) return Status();
  const ir::Value& value = node.value(x);
  const ir::Reduce mean_op{ReduceKind::kMean, axes_from(axis, value.shape.size()), true};
  const DType dtype = value.dtype;
  XINFER_RETURN_IF_ERROR(node.output(mean_op, {x}, 1));
  if (!node.has_output(2)) return Status();
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId mean, node.add("mean", mean_op, {x}));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId centred, node.add("centred", sub_op(), {x, mean}));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId square,
                          node.add("square", mul_op(), {centred, centred}));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId variance, node.add("variance", mean_op, {square}));
  XINFER_ASSIGN_OR_RETURN(
      const ir::ValueId shifted,
      node.add("shifted", add_op(), {variance, scalar(node, "epsilon", dtype, epsilon)}));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId deviation,
                          node.add("deviation", ir::Unary{Unary::kSqrt, 0, 0}, {shifted}));
  return node.output(ir::Unary{Unary::kReciprocal, 0, 0}, {deviation}, 2);
}

Status convert_layer_norm(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId scale, node.input(1));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId bias, node.optional_input(2));
  const ir::SymbolicShape shape = node.value(x).shape;
  XINFER_ASSIGN_OR_RETURN(const std::int64_t axis,
                          node.axis(node.attributes().integer("axis", -1), shape.size()));
  const double epsilon = node.attributes().real("epsilon", 1e-5f);
  node.attributes().integer("stash_type", 1);  // statistics are float32 whatever it says
  XINFER_RETURN_IF_ERROR(output_statistics(node, x, axis, epsilon));
  const ir::SymbolicShape normalized(shape.begin() + axis, shape.end());
  const auto fits = [&](ir::ValueId id) {
    return id == ir::kNoValue || node.value(id).shape == normalized;
  };
  if (fits(scale) && fits(bias)) {
    std::vector<ir::ValueId> inputs{x, scale};
    if (bias != ir::kNoValue) inputs.push_back(bias);
    return node.output(ir::LayerNorm{axis, epsilon}, std::move(inputs));
  }
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId y,
                          node.add("normalized", ir::LayerNorm{axis, epsilon}, {x}));
  return output_affine(node, y, scale, bias);
}

/// x / sqrt(mean(x^2) + epsilon) * scale
Status convert_rms_norm(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId scale, node.input(1));
  const std::size_t rank = node.value(x).shape.size();
  const DType dtype = node.value(x).dtype;
  XINFER_ASSIGN_OR_RETURN(const std::int64_t axis,
                          node.axis(node.attributes().integer("axis", -1), rank));
  const double epsilon = node.attributes().real("epsilon", 1e-5f);
  node.attributes().integer("stash_type", 1);
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId square, node.add("square", mul_op(), {x, x}));
  XINFER_ASSIGN_OR_RETURN(
      const ir::ValueId mean,
      node.add("mean", ir::Reduce{ReduceKind::kMean, axes_from(axis, rank), true}, {square}));
  XINFER_ASSIGN_OR_RETURN(
      const ir::ValueId shifted,
      node.add("shifted", add_op(), {mean, scalar(node, "epsilon", dtype, epsilon)}));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId root,
                          node.add("root", ir::Unary{Unary::kSqrt, 0, 0}, {shifted}));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId normalized,
                          node.add("normalized", ir::Binary{Binary::kDiv, {}}, {x, root}));
  return node.output(mul_op(), {normalized, scale});
}

/// [C] as [C, 1, …] so that it broadcasts over `spatial` axes behind the channels.
Result<ir::ValueId> per_channel(NodeContext& node, const char* suffix, ir::ValueId x,
                                std::size_t spatial) {
  ir::SymbolicShape shape = node.value(x).shape;
  if (shape.size() != 1) return node.invalid("{} has {} dimensions, needs 1", suffix, shape.size());
  shape.insert(shape.end(), spatial, ir::Dim(1));
  return node.add(suffix, ir::Reshape{std::move(shape)}, {x});
}

/// Every channel of every sample by its own mean and variance.
Status convert_instance_norm(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(ir::ValueId scale, node.input(1));
  XINFER_ASSIGN_OR_RETURN(ir::ValueId bias, node.input(2));
  const std::size_t rank = node.value(x).shape.size();
  if (rank < 3) return node.invalid("input has {} dimensions, needs at least 3", rank);
  const double epsilon = node.attributes().real("epsilon", 1e-5f);
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId y,
                          node.add("normalized", ir::LayerNorm{2, epsilon}, {x}));
  XINFER_ASSIGN_OR_RETURN(scale, per_channel(node, "scale", scale, rank - 2));
  XINFER_ASSIGN_OR_RETURN(bias, per_channel(node, "bias", bias, rank - 2));
  return output_affine(node, y, scale, bias);
}

/// Channels in `groups` groups, each normalised with its pixels: [N, G, C/G * pixels]. Opset 18
/// scales by group, later ones by channel.
Status convert_group_norm(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(ir::ValueId scale, node.input(1));
  XINFER_ASSIGN_OR_RETURN(ir::ValueId bias, node.input(2));
  const ir::SymbolicShape shape = node.value(x).shape;
  const std::int64_t groups = node.attributes().integer("num_groups", 0);
  const double epsilon = node.attributes().real("epsilon", 1e-5f);
  node.attributes().integer("stash_type", 1);
  if (shape.size() < 3) {
    return node.invalid("input has {} dimensions, needs at least 3", shape.size());
  }
  if (groups < 1 || (shape[1].is_constant() && shape[1].constant() % groups != 0)) {
    return node.invalid("num_groups is {} for {} channels", groups, shape[1].to_string());
  }
  const ir::SymbolicShape inner(shape.begin() + 1, shape.end());
  const ir::Dim group_size = ir::floordiv(ir::element_count(inner), ir::Dim(groups));
  const ir::SymbolicShape grouped{shape[0], ir::Dim(groups), group_size};
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId split, node.add("groups", ir::Reshape{grouped}, {x}));
  XINFER_ASSIGN_OR_RETURN(ir::ValueId y,
                          node.add("normalized", ir::LayerNorm{2, epsilon}, {split}));
  const bool by_group = node.opset() < 21;
  if (by_group) {
    XINFER_ASSIGN_OR_RETURN(scale, per_channel(node, "scale", scale, 1));
    XINFER_ASSIGN_OR_RETURN(bias, per_channel(node, "bias", bias, 1));
    XINFER_ASSIGN_OR_RETURN(y, node.add("scaled", mul_op(), {y, scale}));
    XINFER_ASSIGN_OR_RETURN(y, node.add("shifted", add_op(), {y, bias}));
    return node.output(ir::Reshape{shape}, {y});
  }
  XINFER_ASSIGN_OR_RETURN(y, node.add("joined", ir::Reshape{shape}, {y}));
  XINFER_ASSIGN_OR_RETURN(scale, per_channel(node, "scale", scale, shape.size() - 2));
  XINFER_ASSIGN_OR_RETURN(bias, per_channel(node, "bias", bias, shape.size() - 2));
  return output_affine(node, y, scale, bias);
}

constexpr OpEntry kOps[] = {
    {"BatchNormalization", 7, kStillValid, 5, 5, convert_batch_norm, nullptr, "inference"},
    {"LayerNormalization", 17, kStillValid, 2, 3, convert_layer_norm},
    {"RMSNormalization", 23, kStillValid, 2, 2, convert_rms_norm},
    {"InstanceNormalization", 6, kStillValid, 3, 3, convert_instance_norm},
    {"GroupNormalization", 18, kStillValid, 3, 3, convert_group_norm},
};

}  // namespace

OpList normalize_ops() { return kOps; }

}  // namespace xinfer::import
