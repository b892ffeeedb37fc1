// Constant, ConstantOfShape, Range, Cast, CastLike, Identity, Dropout.
#include <algorithm>
#include <cmath>

#include "import/fold.h"
#include "import/registry.h"
#include "import/tensor_proto.h"

namespace xinfer::import {
namespace {

/// Constants made from attributes or ranges stay below this; larger ones are initializers.
constexpr std::int64_t kMaxMadeElements = std::int64_t{1} << 24;

Status convert_constant(NodeContext& node) {
  Attributes& attributes = node.attributes();
  if (const onnx::TensorProto* value = attributes.tensor("value"); value != nullptr) {
    auto tensor = read_tensor(*value, {});
    if (!tensor.ok()) return tensor.status().with_context(node.where());
    return node.known(*std::move(tensor));
  }
  const auto vector_of = [](const auto& values) {
    return Shape{static_cast<std::int64_t>(values.size())};
  };
  if (attributes.has("value_float")) {
    const auto value = static_cast<float>(attributes.real("value_float", 0));
    return node.known(Tensor({}, std::span<const float>(&value, 1)));
  }
  if (attributes.has("value_int")) {
    const std::int64_t value = attributes.wide_integer("value_int", 0);
    return node.known(Tensor({}, std::span<const std::int64_t>(&value, 1)));
  }
  if (const auto values = attributes.wide_integers("value_ints")) {
    return node.known(Tensor(vector_of(*values), std::span<const std::int64_t>(*values)));
  }
  if (const auto values = attributes.reals("value_floats")) {
    const std::vector<float> floats(values->begin(), values->end());
    return node.known(Tensor(vector_of(floats), std::span<const float>(floats)));
  }
  XINFER_RETURN_IF_ERROR(Status(attributes.status()).with_context(node.where()));
  return node.unsupported(
      "neither of the attributes value, value_float(s), value_int(s) is there; those are "
      "supported");
}

/// The element that ConstantOfShape repeats: a 0-d tensor.
Result<Tensor> fill_element(NodeContext& node) {
  const onnx::TensorProto* value = node.attributes().tensor("value");
  if (value == nullptr) {
    const float zero = 0;
    return Tensor({}, std::span<const float>(&zero, 1));
  }
  XINFER_ASSIGN_OR_RETURN(const Tensor tensor, read_tensor(*value, {}));
  if (tensor.size() != 1) return node.invalid("value has {} elements, needs one", tensor.size());
  return tensor.reshaped({});
}

Status convert_constant_of_shape(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(ir::SymbolicShape shape, node.dims(0, "shape"));
  XINFER_ASSIGN_OR_RETURN(Tensor element, fill_element(node));
  const ir::ValueId constant = node.add_constant("element", std::move(element));
  return node.output(ir::Expand{std::move(shape)}, {constant});
}

Folded fold_constant_of_shape(NodeContext& node) {
  const SymbolicTensor* dims = node.symbolic(0);
  if (dims == nullptr || !dims->is_constant()) return {};
  Shape shape;
  for (const Number& number : dims->elements) {
    const auto dim = number.integer();
    if (!dim) return {};
    shape.push_back(dim->constant());
  }
  const Result<Tensor> element = fill_element(node);
  if (!element.ok()) return {};
  const auto symbolic = to_symbolic(*element);
  if (!symbolic) return {};
  return single(pick(*symbolic, std::move(shape), [](std::int64_t) { return 0; }));
}

Status convert_range(NodeContext& node) {
  node.attributes().integer("stash_type", 1);  // float16 is float32 here
  XINFER_ASSIGN_OR_RETURN(const double start, node.scalar(0, "start"));
  XINFER_ASSIGN_OR_RETURN(const double limit, node.scalar(1, "limit"));
  XINFER_ASSIGN_OR_RETURN(const double delta, node.scalar(2, "delta"));
  XINFER_ASSIGN_OR_RETURN(const DType dtype, node.dtype(0));
  const double steps = std::ceil((limit - start) / delta);
  if (delta == 0 || !std::isfinite(steps) || steps > static_cast<double>(kMaxMadeElements)) {
    return node.unsupported("range from {} to {} by {}; supported: up to {} elements", start, limit,
                            delta, kMaxMadeElements);
  }
  SymbolicTensor range{dtype, {std::max<std::int64_t>(0, static_cast<std::int64_t>(steps))}, {}};
  for (std::int64_t i = 0; i < range.shape[0]; ++i) {
    const double value = start + static_cast<double>(i) * delta;
    range.elements.push_back(is_floating(dtype)
                                 ? Number::of_real(value)
                                 : Number::of_dim(ir::Dim(static_cast<std::int64_t>(value))));
  }
  return node.known(to_tensor(range));
}

Status cast_to(NodeContext& node, DType to) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  if (node.value(x).dtype == to) return node.same(x);
  return node.output(ir::Cast{to}, {x});
}

Folded fold_to(NodeContext& node, DType to) {
  const SymbolicTensor* x = node.symbolic(0);
  if (x == nullptr) return {};
  return single(map(*x, to, [&](const Number& number) { return cast(x->dtype, to, number); }));
}

Result<DType> cast_target(NodeContext& node) {
  node.attributes().flag("saturate", true);  // 8-bit floats only
  node.attributes().text("round_mode", "up");
  auto dtype = dtype_of_onnx(static_cast<int>(node.attributes().integer("to", 0)));
  if (!dtype.ok()) return node.unsupported("to: {}", dtype.status().message());
  return dtype;
}

Status convert_cast(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const DType to, cast_target(node));
  return cast_to(node, to);
}

Folded fold_cast(NodeContext& node) {
  const Result<DType> to = cast_target(node);
  return to.ok() ? fold_to(node, *to) : Folded{};
}

Status convert_cast_like(NodeContext& node) {
  node.attributes().flag("saturate", true);
  node.attributes().text("round_mode", "up");
  XINFER_ASSIGN_OR_RETURN(const DType to, node.dtype(1));
  return cast_to(node, to);
}

Folded fold_cast_like(NodeContext& node) {
  const Result<DType> to = node.dtype(1);
  return to.ok() ? fold_to(node, *to) : Folded{};
}

Status convert_identity(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  return node.same(x);
}

Folded fold_identity(NodeContext& node) {
  const SymbolicTensor* x = node.symbolic(0);
  return x == nullptr ? Folded{} : Folded{*x};
}

/// In inference Dropout passes its input on, and its mask is true everywhere.
Status convert_dropout(NodeContext& node) {
  node.attributes().real("ratio", 0.5);
  node.attributes().integer("seed", 0);
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  if (node.has_input(2)) {
    XINFER_ASSIGN_OR_RETURN(const double training, node.scalar(2, "training_mode"));
    const SymbolicTensor* ratio = node.symbolic(1);
    const bool drops_nothing = node.has_input(1) && ratio != nullptr &&
                               ratio->elements.size() == 1 && ratio->is_constant() &&
                               ratio->elements[0].constant_value() == 0;
    if (training != 0 && !drops_nothing) {
      return node.unsupported("training_mode 1; supported: 0");
    }
  }
  XINFER_RETURN_IF_ERROR(node.same(x));
  if (!node.has_output(1)) return Status();
  SymbolicTensor kept{DType::kBool, {}, {Number::of_dim(ir::Dim(1))}};
  if (node.opset() < 10) kept = {node.value(x).dtype, {}, {Number::of_real(1)}};
  const ir::ValueId constant = node.add_constant("kept", to_tensor(kept));
  return node.output(ir::Expand{node.value(x).shape}, {constant}, 1);
}

constexpr OpEntry kOps[] = {
    {"Cast", 6, kStillValid, 1, 1, convert_cast, fold_cast},
    {"CastLike", 15, kStillValid, 2, 2, convert_cast_like, fold_cast_like},
    {"Constant", 1, kStillValid, 0, 0, convert_constant, nullptr, "dense tensors and numbers"},
    {"ConstantOfShape", 9, kStillValid, 1, 1, convert_constant_of_shape, fold_constant_of_shape,
     "shape known at import"},
    {"Dropout", 7, kStillValid, 1, 3, convert_dropout, nullptr, "inference"},
    {"Identity", 1, kStillValid, 1, 1, convert_identity, fold_identity},
    {"Range", 11, kStillValid, 3, 3, convert_range, nullptr, "constant operands"},
};

}  // namespace

OpList constant_ops() { return kOps; }

}  // namespace xinfer::import
