// Ops that move elements, as ONNX nodes. Symbolic dimensions are written where ONNX has a word for
// them: "as the input's", "what is left", "to the end".
#include <cmath>
#include <limits>
#include <optional>

#include "export/onnx_writer.h"
#include "ir/enum_names.h"

namespace xinfer::exporting {
namespace {

constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();

class MovementWriter {
 public:
  MovementWriter(OnnxWriter& writer, const ir::Node& node)
      : writer_(writer), node_(node), output_(writer.graph().value(node.outputs[0]).name) {}

  Status operator()(const ir::Transpose& op) {
    return write("Transpose", {x()}, {{"perm", op.perm}});
  }
  Status operator()(const ir::Concat& op) {
    Names inputs;
    for (const ir::ValueId id : node_.inputs) inputs.push_back(writer_.read(id));
    return write("Concat", inputs, {{"axis", op.axis}});
  }
  Status operator()(const ir::Gather& op) {
    return write("Gather", {x(), writer_.read(node_.inputs[1])}, {{"axis", op.axis}});
  }
  Status operator()(const ir::Reshape& op);
  Status operator()(const ir::Slice& op);
  Status operator()(const ir::Pad& op);
  Status operator()(const ir::Expand& op);
  Status operator()(const ir::Resize& op);
  Status operator()(const ir::ShapeOf& op);
  template <typename Op>
  Status operator()(const Op&) {
    return inexpressible(node_, "this operator");
  }

 private:
  std::string x() { return writer_.read(node_.inputs[0]); }
  const ir::SymbolicShape& input_shape() const {
    return writer_.graph().value(node_.inputs[0]).shape;
  }
  Status write(const char* op, const Names& inputs, const Attributes& attributes = {}) {
    writer_.add(op, inputs, output_, attributes);
    return Status();
  }
  std::string integers(const Numbers& values, const char* what) {
    return writer_.integers(values, output_ + what);
  }

  /// The dimension as an int64 tensor of one element, read from an input's shape if it is dynamic;
  /// "" for an expression that no input has.
  std::string size_tensor(const ir::Dim& dim);
  std::optional<Tensor> scales_of(const ir::Resize& op) const;

  OnnxWriter& writer_;
  const ir::Node& node_;
  const std::string& output_;
};

std::string MovementWriter::size_tensor(const ir::Dim& dim) {
  if (dim.is_constant()) return integers({dim.constant()}, "_size");
  for (const ir::ValueId id : writer_.graph().inputs()) {
    const ir::SymbolicShape& shape = writer_.graph().value(id).shape;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      if (shape[axis] != dim) continue;
      const std::string sizes = writer_.add_step("Shape", {writer_.read(id)}, output_ + "_sizes");
      const std::string place = integers({static_cast<std::int64_t>(axis)}, "_axis");
      return writer_.add_step("Gather", {sizes, place}, output_ + "_size",
                              {{"axis", std::int64_t{0}}});
    }
  }
  return "";
}

Status MovementWriter::operator()(const ir::Reshape& op) {
  Numbers target;
  int open = 0;
  for (std::size_t axis = 0; axis < op.shape.size(); ++axis) {
    const ir::Dim& dim = op.shape[axis];
    const bool kept = axis < input_shape().size() && input_shape()[axis] == dim;
    target.push_back(dim.is_constant() ? dim.constant() : kept ? 0 : -1);
    open += target.back() == -1 ? 1 : 0;
  }
  if (open > 1) return inexpressible(node_, "several dynamic dimensions, " + to_string(op.shape));
  return write("Reshape", {x(), integers(target, "_shape")});
}

Status MovementWriter::operator()(const ir::Slice& op) {
  Numbers starts, ends, axes, steps;
  for (std::size_t axis = 0; axis < op.start.size(); ++axis) {
    const ir::Dim& whole = input_shape()[axis];
    const ir::Dim& start = op.start[axis];
    if (start == ir::Dim(0) && op.size[axis] == whole && op.step[axis] == 1) continue;
    if (!start.is_constant()) return inexpressible(node_, "a start of " + start.to_string());
    const ir::Dim end = start + op.size[axis] * ir::Dim(op.step[axis]);
    // Behind the last element taken, whichever way the slice runs.
    if (!end.is_constant() && end != whole) {
      return inexpressible(node_, "an end of " + end.to_string());
    }
    starts.push_back(start.constant());
    const bool to_the_start = end.is_constant() && end.constant() < 0;
    ends.push_back(!end.is_constant() ? kEnd : to_the_start ? -kEnd : end.constant());
    axes.push_back(static_cast<std::int64_t>(axis));
    steps.push_back(op.step[axis]);
  }
  if (axes.empty()) return write("Identity", {x()});
  return write("Slice", {x(), integers(starts, "_starts"), integers(ends, "_ends"),
                         integers(axes, "_axes"), integers(steps, "_steps")});
}

Status MovementWriter::operator()(const ir::Pad& op) {
  if (op.mode == kernels::PadMode::kWrap) return inexpressible(node_, "mode wrap");
  Numbers pads = op.pads_begin;
  pads.insert(pads.end(), op.pads_end.begin(), op.pads_end.end());
  Names inputs = {x(), integers(pads, "_pads")};
  const DType dtype = writer_.graph().value(node_.outputs[0]).dtype;
  if (op.value != 0) inputs.push_back(writer_.scalar(op.value, dtype, output_ + "_value"));
  return write("Pad", inputs, {{"mode", std::string(ir::enum_name(op.mode))}});
}

Status MovementWriter::operator()(const ir::Expand& op) {
  Names target;
  const std::size_t rank = input_shape().size();
  for (std::size_t axis = 0; axis < op.shape.size(); ++axis) {
    const ir::Dim& dim = op.shape[axis];
    const std::size_t from = axis + rank - op.shape.size();
    const bool kept = axis + rank >= op.shape.size() && input_shape()[from] == dim;
    // 1 broadcasts: the input's size stays.
    target.push_back(kept ? integers({1}, "_size") : size_tensor(dim));
    if (target.back().empty()) return inexpressible(node_, "a size of " + dim.to_string());
  }
  const std::string shape =
      writer_.add_step("Concat", target, output_ + "_shape", {{"axis", std::int64_t{0}}});
  return write("Expand", {x(), shape});
}

Status MovementWriter::operator()(const ir::Resize& op) {
  if (op.coordinates == kernels::CoordinateMode::kTfCropAndResize ||
      op.coordinates == kernels::CoordinateMode::kHalfPixelSymmetric || op.antialias) {
    return inexpressible(node_, "this coordinate mode");
  }
  Names inputs = {x(), ""};
  const std::optional<Tensor> scales = scales_of(op);
  if (scales) {
    inputs.push_back(writer_.constant(*scales, output_ + "_scales"));
  } else {
    Names sizes;
    for (const ir::Dim& dim : op.size) {
      sizes.push_back(size_tensor(dim));
      if (sizes.back().empty()) return inexpressible(node_, "a size of " + dim.to_string());
    }
    inputs.push_back("");
    inputs.push_back(
        writer_.add_step("Concat", sizes, output_ + "_size", {{"axis", std::int64_t{0}}}));
  }
  return write("Resize", inputs,
               {{"mode", std::string(ir::enum_name(op.mode))},
                {"coordinate_transformation_mode", std::string(ir::enum_name(op.coordinates))},
                {"nearest_mode", std::string(ir::enum_name(op.nearest))},
                {"cubic_coeff_a", op.cubic_coefficient},
                {"exclude_outside", std::int64_t{op.exclude_outside}}});
}

/// Factors for Resize: those that the op has, or such that they give the op's sizes exactly.
std::optional<Tensor> MovementWriter::scales_of(const ir::Resize& op) const {
  const std::size_t rank = input_shape().size();
  Tensor scales(DType::kFloat32, {static_cast<std::int64_t>(rank)});
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const ir::Dim& from = input_shape()[axis];
    float& scale = scales.values<float>()[axis];
    if (!op.scales.empty()) {
      scale = static_cast<float>(op.scales[axis]);
    } else if (from == op.size[axis]) {
      scale = 1;
    } else if (from.is_constant() && op.size[axis].is_constant()) {
      const std::int64_t size = op.size[axis].constant();
      scale = static_cast<float>(size) / static_cast<float>(from.constant());
      // Runtimes cut the product off, in whatever precision.
      const double product = static_cast<double>(from.constant()) * static_cast<double>(scale);
      if (product < static_cast<double>(size)) return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  return scales;
}

Status MovementWriter::operator()(const ir::ShapeOf& op) {
  for (const ir::ValueId id : writer_.graph().inputs()) {
    if (!op.scalar && writer_.graph().value(id).shape == op.dims) {
      return write("Shape", {writer_.read(id)});
    }
  }
  return inexpressible(node_, "the dimensions " + to_string(op.dims) + " as data");
}

}  // namespace

Status write_movement(OnnxWriter& writer, const ir::Node& node) {
  return std::visit(MovementWriter(writer, node), node.op);
}

}  // namespace xinfer::exporting
