// Slice, Split, Concat, Gather, Pad.
#include <algorithm>
#include <numeric>

#include "import/expression.h"
#include "import/fold.h"
#include "import/registry.h"
#include "import/slice_range.h"

namespace xinfer::import {
namespace {

/// Slice's operands, whether they are attributes (before opset 10) or inputs.
struct SliceOperands {
  ir::SymbolicShape starts, ends;
  std::vector<std::int64_t> axes, steps;
};

Result<SliceOperands> read_slice(NodeContext& node, std::size_t rank) {
  SliceOperands operands;
  std::optional<std::vector<std::int64_t>> axes, steps;
  if (node.opset() < 10) {
    const auto starts = node.attributes().wide_integers("starts");
    const auto ends = node.attributes().wide_integers("ends");
    if (!starts || !ends) return node.invalid("starts or ends are missing");
    operands.starts.assign(starts->begin(), starts->end());
    operands.ends.assign(ends->begin(), ends->end());
    axes = node.attributes().integers("axes");
  } else {
    XINFER_ASSIGN_OR_RETURN(operands.starts, node.dims(1, "starts"));
    XINFER_ASSIGN_OR_RETURN(operands.ends, node.dims(2, "ends"));
    if (node.has_input(3)) {
      XINFER_ASSIGN_OR_RETURN(axes, node.integers(3, "axes"));
    }
    if (node.has_input(4)) {
      XINFER_ASSIGN_OR_RETURN(steps, node.integers(4, "steps"));
    }
  }
  const std::size_t count = operands.starts.size();
  std::vector<std::int64_t> first(count);
  std::iota(first.begin(), first.end(), 0);
  XINFER_ASSIGN_OR_RETURN(operands.axes, node.axes(axes.value_or(first), rank));
  operands.steps = steps.value_or(std::vector<std::int64_t>(count, 1));
  if (operands.ends.size() != count || operands.axes.size() != count ||
      operands.steps.size() != count) {
    return node.invalid("starts, ends, axes and steps differ in length");
  }
  for (std::int64_t& step : operands.steps) {
    if (step == 0) return node.invalid("a step is 0");
    step = std::clamp<std::int64_t>(step, -(std::int64_t{1} << 31), std::int64_t{1} << 31);
  }
  return operands;
}

Result<ir::Slice> resolve_slice(NodeContext& node, const ir::SymbolicShape& shape) {
  XINFER_ASSIGN_OR_RETURN(const SliceOperands operands, read_slice(node, shape.size()));
  ir::Slice slice;
  slice.start.assign(shape.size(), ir::Dim(0));
  slice.size = shape;
  slice.step.assign(shape.size(), 1);
  for (std::size_t i = 0; i < operands.axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(operands.axes[i]);
    const SliceRange range =
        slice_range(shape[axis], operands.starts[i], operands.ends[i], operands.steps[i]);
    slice.start[axis] = range.start;
    slice.size[axis] = range.size;
    slice.step[axis] = range.step;
  }
  return slice;
}

Status convert_slice(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(ir::Slice slice, resolve_slice(node, node.value(x).shape));
  return node.output(std::move(slice), {x});
}

ir::SymbolicShape dims_of(const SymbolicTensor& x) { return {x.shape.begin(), x.shape.end()}; }

/// The elements that a slice with constant bounds takes.
std::optional<SymbolicTensor> take(const SymbolicTensor& x, const ir::Slice& slice) {
  Shape shape;
  for (std::size_t i = 0; i < x.shape.size(); ++i) {
    if (!slice.start[i].is_constant() || !slice.size[i].is_constant()) return {};
    shape.push_back(slice.size[i].constant());
  }
  return pick(x, shape, [&](std::int64_t index) {
    Shape position = unflatten(index, shape);
    for (std::size_t i = 0; i < position.size(); ++i) {
      position[i] = slice.start[i].constant() + position[i] * slice.step[i];
    }
    return flatten(position, x.shape);
  });
}

Folded fold_slice(NodeContext& node) {
  if (!all_known(node)) return {};
  const SymbolicTensor& x = *node.symbolic(0);
  const auto slice = resolve_slice(node, dims_of(x));
  return slice.ok() ? single(take(x, *slice)) : Folded{};
}

/// Lengths of the parts along the axis.
Result<ir::SymbolicShape> split_sizes(NodeContext& node, const ir::Dim& extent) {
  const auto count = static_cast<std::int64_t>(node.output_count());
  ir::SymbolicShape sizes;
  if (node.opset() < 13) {
    if (const auto given = node.attributes().integers("split")) {
      sizes.assign(given->begin(), given->end());
    }
  } else if (node.has_input(1)) {
    XINFER_ASSIGN_OR_RETURN(sizes, node.dims(1, "split"));
  }
  const std::int64_t parts = node.attributes().integer("num_outputs", count);
  if (parts != count) return node.invalid("num_outputs is {}, there are {}", parts, count);
  if (sizes.empty()) {
    // All equal; the last one takes what is left.
    const ir::Dim size = ir::ceildiv(extent, ir::Dim(count));
    sizes.assign(static_cast<std::size_t>(count), size);
    sizes.back() = extent - ir::Dim(count - 1) * size;
  }
  if (static_cast<std::int64_t>(sizes.size()) != count) {
    return node.invalid("split has {} entries, there are {} outputs", sizes.size(), count);
  }
  std::optional<ir::Dim> rest = extent;
  for (const ir::Dim& size : sizes) {
    const bool negative = size.is_constant() && size.constant() < 0;
    rest = negative || !rest ? std::nullopt : subtract(*rest, size);
  }
  if (!rest || (rest->is_constant() && *rest != ir::Dim(0))) {
    return node.invalid("{} cannot be split into {}", extent.to_string(), ir::to_string(sizes));
  }
  return sizes;
}

Result<std::vector<ir::Slice>> resolve_split(NodeContext& node, const ir::SymbolicShape& shape) {
  XINFER_ASSIGN_OR_RETURN(const std::int64_t axis,
                          node.axis(node.attributes().integer("axis", 0), shape.size()));
  const auto along = static_cast<std::size_t>(axis);
  XINFER_ASSIGN_OR_RETURN(const ir::SymbolicShape sizes, split_sizes(node, shape[along]));
  std::vector<ir::Slice> slices;
  ir::Dim start;
  for (const ir::Dim& size : sizes) {
    ir::Slice slice;
    slice.start.assign(shape.size(), ir::Dim(0));
    slice.size = shape;
    slice.step.assign(shape.size(), 1);
    slice.start[along] = start;
    slice.size[along] = size;
    start = start + size;
    slices.push_back(std::move(slice));
  }
  return slices;
}

Status convert_split(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(const std::vector<ir::Slice> slices,
                          resolve_split(node, node.value(x).shape));
  for (std::size_t i = 0; i < slices.size(); ++i) {
    XINFER_RETURN_IF_ERROR(node.output(slices[i], {x}, i));
  }
  return Status();
}

Folded fold_split(NodeContext& node) {
  if (!all_known(node)) return {};
  const SymbolicTensor& x = *node.symbolic(0);
  const auto slices = resolve_split(node, dims_of(x));
  if (!slices.ok()) return {};
  Folded parts;
  for (const ir::Slice& slice : *slices) {
    auto part = take(x, slice);
    if (!part) return {};
    parts.push_back(*std::move(part));
  }
  return parts;
}

Status convert_concat(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const std::vector<ir::ValueId> inputs, node.all_inputs());
  XINFER_ASSIGN_OR_RETURN(const std::int64_t axis, node.axis(node.attributes().integer("axis", 1),
                                                             node.value(inputs[0]).shape.size()));
  if (inputs.size() == 1) return node.same(inputs[0]);
  return node.output(ir::Concat{axis}, inputs);
}

/// Shapes are vectors: one behind the other.
Folded fold_concat(NodeContext& node) {
  const auto inputs = symbolic_inputs(node);
  if (!inputs) return {};
  SymbolicTensor out{(*inputs)[0]->dtype, {0}, {}};
  for (const SymbolicTensor* input : *inputs) {
    if (input->shape.size() != 1 || input->dtype != out.dtype) return {};
    out.elements.insert(out.elements.end(), input->elements.begin(), input->elements.end());
  }
  if (!node.axis(node.attributes().integer("axis", 1), 1).ok()) return {};
  out.shape[0] = static_cast<std::int64_t>(out.elements.size());
  if (out.shape[0] > kMaxSymbolicElements) return {};
  return {std::move(out)};
}

Status convert_gather(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId data, node.input(0));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId indices, node.input(1));
  XINFER_ASSIGN_OR_RETURN(const std::int64_t axis, node.axis(node.attributes().integer("axis", 0),
                                                             node.value(data).shape.size()));
  return node.output(ir::Gather{axis}, {data, indices});
}

/// Elements of a vector (a shape), or rows of a small table, by constant indices.
Folded fold_gather(NodeContext& node) {
  if (!all_known(node)) return {};
  const SymbolicTensor& data = *node.symbolic(0);
  const SymbolicTensor& indices = *node.symbolic(1);
  if (data.shape.empty() || node.attributes().integer("axis", 0) != 0) return {};
  const std::int64_t rows = data.shape[0];
  std::vector<std::int64_t> picked;
  for (const Number& number : indices.elements) {
    const auto index = number.integer();
    if (!index || !index->is_constant()) return {};
    const std::int64_t row = index->constant() < 0 ? index->constant() + rows : index->constant();
    if (row < 0 || row >= rows) return {};
    picked.push_back(row);
  }
  Shape shape = indices.shape;
  shape.insert(shape.end(), data.shape.begin() + 1, data.shape.end());
  std::int64_t row_size = 1;
  for (std::size_t i = 1; i < data.shape.size(); ++i) row_size *= data.shape[i];
  return single(pick(data, std::move(shape), [&](std::int64_t index) {
    return picked[static_cast<std::size_t>(index / row_size)] * row_size + index % row_size;
  }));
}

Result<kernels::PadMode> read_pad_mode(NodeContext& node) {
  const std::string mode = node.attributes().text("mode", "constant");
  if (mode == "constant") return kernels::PadMode::kConstant;
  if (mode == "reflect") return kernels::PadMode::kReflect;
  if (mode == "edge") return kernels::PadMode::kEdge;
  if (mode == "wrap") return kernels::PadMode::kWrap;
  return node.unsupported("mode \"{}\"; supported: constant, reflect, edge, wrap", mode);
}

/// Fills `pad` from ONNX's list: the beginnings of `axes`, then their ends.
Status set_pads(NodeContext& node, const std::vector<std::int64_t>& pads,
                const std::vector<std::int64_t>& axes, std::size_t rank, ir::Pad& pad) {
  if (pads.size() != 2 * axes.size()) {
    return node.invalid("pads has {} entries, needs {}", pads.size(), 2 * axes.size());
  }
  pad.pads_begin.assign(rank, 0);
  pad.pads_end.assign(rank, 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    constexpr std::int64_t kMost = std::int64_t{1} << 31;
    for (const std::int64_t amount : {pads[i], pads[i + axes.size()]}) {
      if (amount < -kMost || amount > kMost) return node.invalid("pads holds {}", amount);
    }
    pad.pads_begin[static_cast<std::size_t>(axes[i])] = pads[i];
    pad.pads_end[static_cast<std::size_t>(axes[i])] = pads[i + axes.size()];
  }
  return Status();
}

std::vector<std::int64_t> every_axis(std::size_t rank) {
  std::vector<std::int64_t> axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

Status convert_pad_attributes(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  ir::Pad pad;
  XINFER_ASSIGN_OR_RETURN(pad.mode, read_pad_mode(node));
  pad.value = node.attributes().real("value", 0);
  const std::size_t rank = node.value(x).shape.size();
  const auto pads = node.attributes().integers("pads");
  if (!pads) return node.invalid("pads are missing");
  XINFER_RETURN_IF_ERROR(set_pads(node, *pads, every_axis(rank), rank, pad));
  return node.output(std::move(pad), {x});
}

Status convert_pad(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  ir::Pad pad;
  XINFER_ASSIGN_OR_RETURN(pad.mode, read_pad_mode(node));
  const std::size_t rank = node.value(x).shape.size();
  XINFER_ASSIGN_OR_RETURN(const std::vector<std::int64_t> pads, node.integers(1, "pads"));
  if (node.has_input(2)) {
    XINFER_ASSIGN_OR_RETURN(pad.value, node.scalar(2, "constant_value"));
  }
  std::vector<std::int64_t> axes = every_axis(rank);
  if (node.has_input(3)) {
    XINFER_ASSIGN_OR_RETURN(axes, node.integers(3, "axes"));
    XINFER_ASSIGN_OR_RETURN(axes, node.axes(std::move(axes), rank));
  }
  XINFER_RETURN_IF_ERROR(set_pads(node, pads, axes, rank, pad));
  return node.output(std::move(pad), {x});
}

constexpr OpEntry kOps[] = {
    {"Concat", 4, kStillValid, 1, kManyInputs, convert_concat, fold_concat},
    {"Gather", 1, kStillValid, 2, 2, convert_gather, fold_gather},
    {"Pad", 2, 10, 1, 1, convert_pad_attributes},
    {"Pad", 11, kStillValid, 2, 4, convert_pad, nullptr, "constant pads"},
    {"Slice", 1, 9, 1, 1, convert_slice, fold_slice},
    {"Slice", 10, kStillValid, 3, 5, convert_slice, fold_slice,
     "starts and ends known at import, constant axes and steps"},
    {"Split", 2, 12, 1, 1, convert_split, fold_split},
    {"Split", 13, kStillValid, 1, 2, convert_split, fold_split, "sizes known at import"},
};

}  // namespace

OpList slice_ops() { return kOps; }

}  // namespace xinfer::import
