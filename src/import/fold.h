// Elementwise and copying operations on tensors known at import.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "import/node_context.h"

namespace xinfer::import {

/// What a Fold returns when the node must stay in the graph.
using Folded = std::vector<SymbolicTensor>;

/// All inputs as numbers; nothing if one is absent or not known at import.
std::optional<std::vector<const SymbolicTensor*>> symbolic_inputs(NodeContext& node);

/// True if every input that is there is known at import, the first one included.
bool all_known(NodeContext& node);

/// f over one element at a time; gives up where f does.
std::optional<SymbolicTensor> map(const SymbolicTensor& x, DType result,
                                  const std::function<std::optional<Number>(const Number&)>& f);

/// a fn b with broadcasting; comparisons and logic give bool.
std::optional<SymbolicTensor> map(kernels::Binary fn, const SymbolicTensor& a,
                                  const SymbolicTensor& b);

/// A tensor of `shape` whose element i is element source(i) of `x`; nothing if it is too large.
std::optional<SymbolicTensor> pick(const SymbolicTensor& x, Shape shape,
                                   const std::function<std::int64_t(std::int64_t)>& source);

/// `result` as the only output.
Folded single(std::optional<SymbolicTensor> result);

/// Position along every axis of the flat row-major index.
Shape unflatten(std::int64_t index, const Shape& shape);
std::int64_t flatten(const Shape& position, const Shape& shape);

}  // namespace xinfer::import
