// Reshape, Flatten, Squeeze, Unsqueeze, Shape, Size: the same elements, or none of them.
#include <algorithm>

#include "import/fold.h"
#include "import/registry.h"
#include "import/reshape_target.h"

namespace xinfer::import {
namespace {

/// Emits a Reshape whose target was written for the model's own batch.
Status output_reshape(NodeContext& node, ir::ValueId x, ir::SymbolicShape target, bool allow_zero) {
  const ir::SymbolicShape& shape = node.value(x).shape;
  const FreeBatch& free_batch = node.state().free_batch;
  auto resolved = resolve_reshape(shape, target, allow_zero);
  const bool knows_batch = FreeBatch::depends_on_batch(target) ||
                           !FreeBatch::depends_on_batch(shape) ||
                           (!allow_zero && shape[0] == ir::Dim::symbol(FreeBatch::kSymbol) &&
                            !target.empty() && target[0] == ir::Dim(0));
  if (free_batch.active() && !knows_batch) {
    resolved = resolve_reshape(FreeBatch::single(shape), target, allow_zero);
    if (!resolved.ok()) return resolved.status().with_context(node.where());
    const auto placed = free_batch.place(node.state().graph, x, *resolved);
    if (!placed) {
      return node.unsupported(
          "shape {} holds the fixed batch of 1, and its place in {} cannot be proven; supported: "
          "models whose reshapes keep the samples apart, or an export with a dynamic batch",
          ir::to_string(target), ir::to_string(shape));
    }
    resolved = *placed;
  }
  if (!resolved.ok()) return resolved.status().with_context(node.where());
  return node.output(ir::Reshape{*std::move(resolved)}, {x});
}

Status convert_reshape(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(ir::SymbolicShape target, node.dims(1, "shape"));
  return output_reshape(node, x, std::move(target), node.attributes().flag("allowzero", false));
}

/// The elements of `x` under a constant shape.
Folded reshaped(const SymbolicTensor& x, const ir::SymbolicShape& target) {
  Shape shape;
  for (const ir::Dim& dim : target) {
    if (!dim.is_constant()) return {};
    shape.push_back(dim.constant());
  }
  if (element_count(shape) != static_cast<std::int64_t>(x.elements.size())) return {};
  return {SymbolicTensor{x.dtype, std::move(shape), x.elements}};
}

ir::SymbolicShape dims_of(const SymbolicTensor& x) { return {x.shape.begin(), x.shape.end()}; }

Folded fold_reshape(NodeContext& node) {
  const SymbolicTensor* x = node.symbolic(0);
  if (x == nullptr || node.symbolic(1) == nullptr) return {};
  auto target = node.dims(1, "shape");
  if (!target.ok()) return {};
  const auto resolved =
      resolve_reshape(dims_of(*x), *std::move(target), node.attributes().flag("allowzero", false));
  return resolved.ok() ? reshaped(*x, *resolved) : Folded{};
}

Status convert_flatten(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  const ir::SymbolicShape shape = node.value(x).shape;
  const auto rank = static_cast<std::int64_t>(shape.size());
  std::int64_t axis = node.attributes().integer("axis", 1);
  if (axis < -rank || axis > rank) {
    return node.invalid("axis {} is out of range for {} dimensions", axis, rank);
  }
  if (axis < 0) axis += rank;
  const ir::SymbolicShape outer(shape.begin(), shape.begin() + axis);
  const ir::SymbolicShape inner(shape.begin() + axis, shape.end());
  return node.output(ir::Reshape{{ir::element_count(outer), ir::element_count(inner)}}, {x});
}

/// Axes given as an attribute (before opset 13) or as an input; nothing if neither is there.
Result<std::optional<std::vector<std::int64_t>>> read_axes(NodeContext& node) {
  using Axes = std::optional<std::vector<std::int64_t>>;
  if (node.opset() < 13) return node.attributes().integers("axes");
  if (!node.has_input(1)) return Axes();
  XINFER_ASSIGN_OR_RETURN(std::vector<std::int64_t> axes, node.integers(1, "axes"));
  return Axes(std::move(axes));
}

Result<ir::SymbolicShape> squeezed(NodeContext& node, const ir::SymbolicShape& shape) {
  XINFER_ASSIGN_OR_RETURN(auto given, read_axes(node));
  std::vector<std::int64_t> axes;
  if (given) {
    XINFER_ASSIGN_OR_RETURN(axes, node.axes(*given, shape.size()));
  }
  ir::SymbolicShape result;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool named =
        std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(i)) != axes.end();
    if (named && shape[i].is_constant() && shape[i].constant() != 1) {
      return node.invalid("axis {} of {} is not 1", i, ir::to_string(shape));
    }
    if (named || (!given && shape[i] == ir::Dim(1))) continue;
    result.push_back(shape[i]);
  }
  return result;
}

Status convert_squeeze(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(ir::SymbolicShape shape, squeezed(node, node.value(x).shape));
  const bool drops_batch =
      FreeBatch::depends_on_batch(node.value(x).shape) && !FreeBatch::depends_on_batch(shape);
  if (node.state().free_batch.active() && drops_batch) {
    return output_reshape(node, x, std::move(shape), true);
  }
  return node.output(ir::Reshape{std::move(shape)}, {x});
}

Folded fold_squeeze(NodeContext& node) {
  const SymbolicTensor* x = node.symbolic(0);
  if (x == nullptr) return {};
  const auto shape = squeezed(node, dims_of(*x));
  return shape.ok() ? reshaped(*x, *shape) : Folded{};
}

Result<ir::SymbolicShape> unsqueezed(NodeContext& node, const ir::SymbolicShape& shape) {
  XINFER_ASSIGN_OR_RETURN(auto given, read_axes(node));
  if (!given) return node.invalid("axes are missing");
  const std::size_t rank = shape.size() + given->size();
  XINFER_ASSIGN_OR_RETURN(std::vector<std::int64_t> axes, node.axes(*std::move(given), rank));
  std::sort(axes.begin(), axes.end());
  ir::SymbolicShape result = shape;
  for (const std::int64_t axis : axes) result.insert(result.begin() + axis, ir::Dim(1));
  return result;
}

Status convert_unsqueeze(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(ir::SymbolicShape shape, unsqueezed(node, node.value(x).shape));
  return node.output(ir::Reshape{std::move(shape)}, {x});
}

Folded fold_unsqueeze(NodeContext& node) {
  const SymbolicTensor* x = node.symbolic(0);
  if (x == nullptr) return {};
  const auto shape = unsqueezed(node, dims_of(*x));
  return shape.ok() ? reshaped(*x, *shape) : Folded{};
}

/// Shape from opset 15 on may take a part; its bounds are clamped, as Slice's.
Status convert_shape(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::SymbolicShape shape, node.shape(0));
  const auto rank = static_cast<std::int64_t>(shape.size());
  const auto bound = [&](const char* name, std::int64_t fallback) {
    const std::int64_t value = node.attributes().integer(name, fallback);
    return std::clamp<std::int64_t>(value < 0 ? value + rank : value, 0, rank);
  };
  const std::int64_t start = bound("start", 0);
  const std::int64_t end = bound("end", rank);
  SymbolicTensor result{DType::kInt64, {std::max<std::int64_t>(0, end - start)}, {}};
  for (std::int64_t i = start; i < end; ++i) {
    result.elements.push_back(Number::of_dim(shape[static_cast<std::size_t>(i)]));
  }
  return node.known(std::move(result));
}

Status convert_size(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::SymbolicShape shape, node.shape(0));
  return node.known(SymbolicTensor{DType::kInt64, {}, {Number::of_dim(ir::element_count(shape))}});
}

constexpr OpEntry kOps[] = {
    {"Flatten", 1, kStillValid, 1, 1, convert_flatten},
    {"Reshape", 5, kStillValid, 2, 2, convert_reshape, fold_reshape, "shape known at import"},
    {"Shape", 1, kStillValid, 1, 1, convert_shape},
    {"Size", 1, kStillValid, 1, 1, convert_size},
    {"Squeeze", 1, 12, 1, 1, convert_squeeze, fold_squeeze},
    {"Squeeze", 13, kStillValid, 1, 2, convert_squeeze, fold_squeeze, "constant axes"},
    {"Unsqueeze", 1, 12, 1, 1, convert_unsqueeze, fold_unsqueeze},
    {"Unsqueeze", 13, kStillValid, 2, 2, convert_unsqueeze, fold_unsqueeze, "constant axes"},
};

}  // namespace

OpList shape_ops() { return kOps; }

}  // namespace xinfer::import
