#include "import/fold.h"

#include "import/known_values.h"

namespace xinfer::import {
namespace {

bool gives_bool(kernels::Binary fn) {
  return fn >= kernels::Binary::kEqual && fn <= kernels::Binary::kXor;
}

}  // namespace

std::optional<std::vector<const SymbolicTensor*>> symbolic_inputs(NodeContext& node) {
  std::vector<const SymbolicTensor*> inputs;
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    inputs.push_back(node.symbolic(i));
    if (inputs.back() == nullptr) return {};
  }
  return inputs;
}

bool all_known(NodeContext& node) {
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    const bool may_be_absent = i > 0 && !node.has_input(i);
    if (!may_be_absent && node.symbolic(i) == nullptr) return false;
  }
  return true;
}

std::optional<SymbolicTensor> map(const SymbolicTensor& x, DType result,
                                  const std::function<std::optional<Number>(const Number&)>& f) {
  SymbolicTensor out{result, x.shape, {}};
  for (const Number& element : x.elements) {
    auto number = f(element);
    if (!number) return {};
    out.elements.push_back(*std::move(number));
  }
  return out;
}

std::optional<SymbolicTensor> map(kernels::Binary fn, const SymbolicTensor& a,
                                  const SymbolicTensor& b) {
  const auto shape = broadcast(a.shape, b.shape);
  if (!shape || a.dtype != b.dtype || element_count(*shape) > kMaxSymbolicElements) return {};
  SymbolicTensor out{gives_bool(fn) ? DType::kBool : a.dtype, *shape, {}};
  for (std::int64_t i = 0; i < element_count(*shape); ++i) {
    const auto x = static_cast<std::size_t>(broadcast_index(a.shape, *shape, i));
    const auto y = static_cast<std::size_t>(broadcast_index(b.shape, *shape, i));
    auto number = apply(fn, a.dtype, a.elements[x], b.elements[y]);
    if (!number) return {};
    out.elements.push_back(*std::move(number));
  }
  return out;
}

std::optional<SymbolicTensor> pick(const SymbolicTensor& x, Shape shape,
                                   const std::function<std::int64_t(std::int64_t)>& source) {
  std::int64_t count = 1;
  for (const std::int64_t dim : shape) {
    if (dim < 0 || __builtin_mul_overflow(count, dim, &count)) return {};
  }
  if (count > kMaxSymbolicElements) return {};
  SymbolicTensor out{x.dtype, std::move(shape), {}};
  for (std::int64_t i = 0; i < count; ++i) {
    out.elements.push_back(x.elements[static_cast<std::size_t>(source(i))]);
  }
  return out;
}

Folded single(std::optional<SymbolicTensor> result) {
  Folded folded;
  if (result) folded.push_back(*std::move(result));
  return folded;
}

Shape unflatten(std::int64_t index, const Shape& shape) {
  Shape position(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    position[axis] = index % shape[axis];
    index /= shape[axis];
  }
  return position;
}

std::int64_t flatten(const Shape& position, const Shape& shape) {
  std::int64_t index = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    index = index * shape[axis] + position[axis];
  }
  return index;
}

}  // namespace xinfer::import
