#include "import/known_values.h"

#include "import/emit.h"
#include "import/tensor_proto.h"
#include "import/utf8.h"

namespace xinfer::import {
namespace {

ir::SymbolicShape to_dims(const Shape& shape) { return {shape.begin(), shape.end()}; }

}  // namespace

Status KnownValues::define(const std::string& name, KnownValue value) {
  if (!is_utf8(name)) return invalid_model("the name of a value is no UTF-8 text");
  if (!scopes_.back().emplace(name, std::move(value)).second) {
    return invalid_model("two values are named \"{}\"", name);
  }
  return Status();
}

KnownValue* KnownValues::find(const std::string& name) {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (const auto it = scope->find(name); it != scope->end()) return &it->second;
  }
  return nullptr;
}

Result<KnownValue*> KnownValues::require(const std::string& name) {
  KnownValue* value = find(name);
  if (value == nullptr) return invalid_model("no node, input or initializer gives \"{}\"", name);
  return value;
}

Result<const Tensor*> KnownValues::tensor_of(KnownValue& value) {
  if (!value.tensor && value.initializer != nullptr) {
    XINFER_ASSIGN_OR_RETURN(value.tensor, read_tensor(*value.initializer, folder_));
    value.initializer = nullptr;
  }
  return value.tensor ? &*value.tensor : nullptr;
}

Result<ir::ValueId> KnownValues::materialise(const std::string& name) {
  XINFER_ASSIGN_OR_RETURN(KnownValue* const value, require(name));
  if (value->id != ir::kNoValue) return value->id;
  XINFER_ASSIGN_OR_RETURN(const Tensor* const tensor, tensor_of(*value));
  if (tensor != nullptr) {
    value->id = graph_.add_constant(name, *tensor);
  } else if (!value->symbolic) {
    return internal_error("value \"{}\" has no contents", name);
  } else if (value->symbolic->is_constant()) {
    value->id = graph_.add_constant(name, to_tensor(*value->symbolic));
  } else {
    XINFER_ASSIGN_OR_RETURN(value->id, emit_symbolic(name, *value->symbolic));
  }
  return value->id;
}

Result<const SymbolicTensor*> KnownValues::symbolic(const std::string& name) {
  XINFER_ASSIGN_OR_RETURN(KnownValue* const value, require(name));
  if (!value->symbolic) {
    XINFER_ASSIGN_OR_RETURN(const Tensor* const tensor, tensor_of(*value));
    if (tensor != nullptr) value->symbolic = to_symbolic(*tensor);
  }
  return value->symbolic ? &*value->symbolic : nullptr;
}

Result<ir::SymbolicShape> KnownValues::shape(const std::string& name) {
  XINFER_ASSIGN_OR_RETURN(KnownValue* const value, require(name));
  if (value->id != ir::kNoValue) return graph_.value(value->id).shape;
  if (value->symbolic) return to_dims(value->symbolic->shape);
  XINFER_ASSIGN_OR_RETURN(const Tensor* const tensor, tensor_of(*value));
  if (tensor == nullptr) return internal_error("value \"{}\" has no contents", name);
  return to_dims(tensor->shape());
}

Result<DType> KnownValues::dtype(const std::string& name) {
  XINFER_ASSIGN_OR_RETURN(KnownValue* const value, require(name));
  if (value->id != ir::kNoValue) return graph_.value(value->id).dtype;
  if (value->symbolic) return value->symbolic->dtype;
  XINFER_ASSIGN_OR_RETURN(const Tensor* const tensor, tensor_of(*value));
  if (tensor == nullptr) return internal_error("value \"{}\" has no contents", name);
  return tensor->dtype();
}

/// numerators as int64, cast to the dtype, divided where there are denominators, reshaped.
Result<ir::ValueId> KnownValues::emit_symbolic(const std::string& name,
                                               const SymbolicTensor& symbolic) {
  ir::ShapeOf op;
  std::vector<double> denominators;
  bool has_fraction = false;
  for (const Number& number : symbolic.elements) {
    if (number.real) {
      return unsupported(
          "value \"{}\" mixes constants and dimensions in a way that cannot be computed at run "
          "time; supported: such values as operands of shapes, axes and sizes",
          name);
    }
    op.dims.push_back(number.numerator);
    denominators.push_back(static_cast<double>(number.denominator));
    has_fraction = has_fraction || number.denominator != 1;
  }
  op.scalar = symbolic.shape.empty();
  const bool is_vector = symbolic.shape.size() <= 1;
  const bool is_int64 = symbolic.dtype == DType::kInt64;
  const std::string dims_name = is_vector && is_int64 ? name : name + "/dims";
  XINFER_ASSIGN_OR_RETURN(ir::ValueId value, emit(graph_, dims_name, op, {}, dims_name));
  if (!is_int64) {
    const std::string cast_name = is_vector && !has_fraction ? name : name + "/cast";
    XINFER_ASSIGN_OR_RETURN(value,
                            emit(graph_, cast_name, ir::Cast{symbolic.dtype}, {value}, cast_name));
  }
  if (has_fraction) {
    SymbolicTensor divisor{symbolic.dtype, {}, {}};
    if (!op.scalar) divisor.shape = {static_cast<std::int64_t>(denominators.size())};
    for (const double d : denominators) divisor.elements.push_back(Number::of_real(d));
    const ir::ValueId constant = graph_.add_constant(name + "/divisor", to_tensor(divisor));
    const std::string quotient_name = is_vector ? name : name + "/quotient";
    XINFER_ASSIGN_OR_RETURN(
        value, emit(graph_, quotient_name, ir::Binary{kernels::Binary::kDiv, {}}, {value, constant},
                    quotient_name));
  }
  if (is_vector) return value;
  return emit(graph_, name, ir::Reshape{to_dims(symbolic.shape)}, {value}, name);
}

}  // namespace xinfer::import
