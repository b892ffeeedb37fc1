// Reductions, ArgMax, ArgMin.
#include <algorithm>
#include <numeric>

#include "import/fold.h"
#include "import/registry.h"

namespace xinfer::import {
namespace {

using kernels::ReduceKind;

/// Axes of the reduction; nothing given means all of them, or none if the node says so.
struct Axes {
  std::vector<std::int64_t> axes;
  bool none = false;
};

Result<Axes> read_axes(NodeContext& node, bool from_input, std::size_t rank) {
  std::vector<std::int64_t> given;
  if (from_input && node.has_input(1)) {
    XINFER_ASSIGN_OR_RETURN(given, node.integers(1, "axes"));
  } else if (!from_input) {
    given = node.attributes().integers("axes").value_or(given);
  }
  const bool noop = from_input && node.attributes().flag("noop_with_empty_axes", false);
  Axes result;
  if (given.empty()) {
    result.none = noop;
    result.axes.resize(noop ? 0 : rank);
    std::iota(result.axes.begin(), result.axes.end(), 0);
    return result;
  }
  XINFER_ASSIGN_OR_RETURN(result.axes, node.axes(std::move(given), rank));
  return result;
}

/// A reduction over no axis still applies its function to every element.
Status convert_no_axes(NodeContext& node, ReduceKind kind, ir::ValueId x) {
  using kernels::Unary;
  switch (kind) {
    case ReduceKind::kL1:
    case ReduceKind::kL2:
      return node.output(ir::Unary{Unary::kAbs, 0, 0}, {x});
    case ReduceKind::kLogSum:
      return node.output(ir::Unary{Unary::kLog, 0, 0}, {x});
    case ReduceKind::kSumSquare:
      return node.output(ir::Binary{kernels::Binary::kMul, {}}, {x, x});
    default:
      return node.same(x);
  }
}

Status convert_reduce_as(NodeContext& node, ReduceKind kind, bool axes_are_input) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(Axes axes, read_axes(node, axes_are_input, node.value(x).shape.size()));
  const bool keep_dims = node.attributes().flag("keepdims", true);
  if (axes.none || axes.axes.empty()) return convert_no_axes(node, kind, x);
  return node.output(ir::Reduce{kind, std::move(axes.axes), keep_dims}, {x});
}

template <ReduceKind kKind>
Status convert_with_attribute(NodeContext& node) {
  return convert_reduce_as(node, kKind, false);
}

template <ReduceKind kKind>
Status convert_with_input(NodeContext& node) {
  return convert_reduce_as(node, kKind, true);
}

std::optional<kernels::Binary> combiner(ReduceKind kind) {
  switch (kind) {
    case ReduceKind::kSum:
      return kernels::Binary::kAdd;
    case ReduceKind::kProd:
      return kernels::Binary::kMul;
    case ReduceKind::kMax:
      return kernels::Binary::kMax;
    case ReduceKind::kMin:
      return kernels::Binary::kMin;
    default:
      return {};
  }
}

/// Shape arithmetic reduces vectors: the number of elements, the longest side.
template <ReduceKind kKind, bool kAxesAreInput>
Folded fold_reduce(NodeContext& node) {
  const SymbolicTensor* x = node.symbolic(0);
  const auto function = combiner(kKind);
  if (x == nullptr || !function || x->shape.size() != 1 || x->elements.empty()) return {};
  const Result<Axes> axes = read_axes(node, kAxesAreInput, 1);
  if (!axes.ok() || axes->none) return {};
  std::optional<Number> result = x->elements[0];
  for (std::size_t i = 1; i < x->elements.size() && result; ++i) {
    result = apply(*function, x->dtype, *result, x->elements[i]);
  }
  if (!result) return {};
  Shape shape;
  if (node.attributes().flag("keepdims", true)) shape.push_back(1);
  return {SymbolicTensor{x->dtype, std::move(shape), {*std::move(result)}}};
}

template <bool kMax>
Status convert_arg(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  ir::ArgReduce op;
  op.max = kMax;
  XINFER_ASSIGN_OR_RETURN(
      op.axis, node.axis(node.attributes().integer("axis", 0), node.value(x).shape.size()));
  op.keep_dims = node.attributes().flag("keepdims", true);
  op.select_last_index = node.attributes().flag("select_last_index", false);
  return node.output(op, {x});
}

/// Until `last`, axes are an attribute; from then on an input.
template <ReduceKind kKind>
constexpr OpEntry by_attribute(std::string_view name, int last = 17) {
  return {name, 1, last, 1, 1, convert_with_attribute<kKind>, fold_reduce<kKind, false>};
}
template <ReduceKind kKind>
constexpr OpEntry by_input(std::string_view name, int first = 18) {
  return {name, first, kStillValid, 1, 2, convert_with_input<kKind>, fold_reduce<kKind, true>};
}

constexpr OpEntry kOps[] = {
    by_attribute<ReduceKind::kSum>("ReduceSum", 12),
    by_input<ReduceKind::kSum>("ReduceSum", 13),
    by_attribute<ReduceKind::kMean>("ReduceMean"),
    by_input<ReduceKind::kMean>("ReduceMean"),
    by_attribute<ReduceKind::kMax>("ReduceMax"),
    by_input<ReduceKind::kMax>("ReduceMax"),
    by_attribute<ReduceKind::kMin>("ReduceMin"),
    by_input<ReduceKind::kMin>("ReduceMin"),
    by_attribute<ReduceKind::kProd>("ReduceProd"),
    by_input<ReduceKind::kProd>("ReduceProd"),
    by_attribute<ReduceKind::kL1>("ReduceL1"),
    by_input<ReduceKind::kL1>("ReduceL1"),
    by_attribute<ReduceKind::kL2>("ReduceL2"),
    by_input<ReduceKind::kL2>("ReduceL2"),
    by_attribute<ReduceKind::kLogSum>("ReduceLogSum"),
    by_input<ReduceKind::kLogSum>("ReduceLogSum"),
    by_attribute<ReduceKind::kLogSumExp>("ReduceLogSumExp"),
    by_input<ReduceKind::kLogSumExp>("ReduceLogSumExp"),
    by_attribute<ReduceKind::kSumSquare>("ReduceSumSquare"),
    by_input<ReduceKind::kSumSquare>("ReduceSumSquare"),
    {"ArgMax", 1, kStillValid, 1, 1, convert_arg<true>},
    {"ArgMin", 1, kStillValid, 1, 1, convert_arg<false>},
};

}  // namespace

OpList reduce_ops() { return kOps; }

}  // namespace xinfer::import
