// Types of operators that rearrange elements.
#include <limits>

#include "ir/infer_rules.h"

namespace xinfer::ir {
namespace {

Status check_concat_operand(const Value& first, const Value& other) {
  if (other.dtype != first.dtype || other.scale != first.scale) {
    return invalid_model("input \"{}\" is {}, input \"{}\" is {}: all must have one type",
                         first.name, describe(first), other.name, describe(other));
  }
  if (other.shape.size() == first.shape.size()) return {};
  return invalid_model("input \"{}\" has shape {}, input \"{}\" has {}", first.name,
                       to_string(first.shape), other.name, to_string(other.shape));
}

}  // namespace

Types infer(const Transpose& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, 1));
  const SymbolicShape& from = in[0].shape;
  XINFER_RETURN_IF_ERROR(expect_length("perm", op.perm.size(), from.size()));
  XINFER_RETURN_IF_ERROR(expect_axes(op.perm, from));
  SymbolicShape shape;
  for (std::int64_t axis : op.perm) shape.push_back(from[static_cast<std::size_t>(axis)]);
  return std::vector{moved(in[0], std::move(shape))};
}

Types infer(const Reshape& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, 1));
  const Dim difference = element_count(in[0].shape) - element_count(op.shape);
  if (difference.is_constant() && difference.constant() != 0) {
    return invalid_model("x \"{}\" of shape {} cannot become {}: their sizes differ", in[0].name,
                         to_string(in[0].shape), to_string(op.shape));
  }
  return std::vector{moved(in[0], op.shape)};
}

Types infer(const Expand& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, 1));
  XINFER_ASSIGN_OR_RETURN(SymbolicShape shape, broadcast(op.shape, in[0].shape));
  return std::vector{moved(in[0], std::move(shape))};
}

Types infer(const Concat& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(1, std::numeric_limits<std::size_t>::max()));
  const Value& first = in[0];
  XINFER_RETURN_IF_ERROR(expect_axis(op.axis, first.shape));
  const auto axis = static_cast<std::size_t>(op.axis);
  SymbolicShape shape = first.shape;
  for (std::size_t i = 1; i < in.count(); ++i) {
    if (!in.has(i)) return invalid_model("input {} is absent, but it is not optional", i);
    XINFER_RETURN_IF_ERROR(check_concat_operand(first, in[i]));
    for (std::size_t d = 0; d < shape.size(); ++d) {
      if (d == axis) {
        shape[d] = shape[d] + in[i].shape[d];
        continue;
      }
      const Result<Dim> dim = unify(shape[d], in[i].shape[d]);
      if (!dim.ok()) {
        return invalid_model("input \"{}\" has shape {}, input \"{}\" has {}: axis {} differs",
                             first.name, to_string(first.shape), in[i].name, to_string(in[i].shape),
                             d);
      }
      shape[d] = *dim;
    }
  }
  return std::vector{moved(first, std::move(shape))};
}

Types infer(const Gather& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(2, 2));
  const Value& data = in[0];
  const Value& indices = in[1];
  XINFER_RETURN_IF_ERROR(expect_axis(op.axis, data.shape));
  if (indices.dtype != DType::kInt32 && indices.dtype != DType::kInt64) {
    return invalid_model("indices \"{}\" are {}, needs int32 or int64", indices.name,
                         describe(indices));
  }
  SymbolicShape shape(data.shape.begin(), data.shape.begin() + op.axis);
  shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
  shape.insert(shape.end(), data.shape.begin() + op.axis + 1, data.shape.end());
  return std::vector{moved(data, std::move(shape))};
}

Types infer(const ShapeOf& op, const Operands& in) {
  XINFER_RETURN_IF_ERROR(in.expect(0, 0));
  if (op.scalar) XINFER_RETURN_IF_ERROR(expect_length("dims", op.dims.size(), 1));
  SymbolicShape shape;
  if (!op.scalar) shape.push_back(Dim(static_cast<std::int64_t>(op.dims.size())));
  return std::vector{TensorType{DType::kInt64, std::move(shape)}};
}

}  // namespace xinfer::ir
