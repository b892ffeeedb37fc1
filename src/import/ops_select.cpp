// Where.
#include "import/fold.h"
#include "import/registry.h"

namespace xinfer::import {
namespace {

Status convert_where(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const std::vector<ir::ValueId> inputs, node.all_inputs());
  return node.output(ir::Select{}, inputs);
}

Folded fold_where(NodeContext& node) {
  const auto inputs = symbolic_inputs(node);
  if (!inputs) return {};
  const SymbolicTensor& condition = *(*inputs)[0];
  const SymbolicTensor& x = *(*inputs)[1];
  const SymbolicTensor& y = *(*inputs)[2];
  const auto data = broadcast(x.shape, y.shape);
  const auto shape = data ? broadcast(condition.shape, *data) : std::nullopt;
  if (!shape || x.dtype != y.dtype || !condition.is_constant()) return {};
  if (element_count(*shape) > kMaxSymbolicElements) return {};
  SymbolicTensor out{x.dtype, *shape, {}};
  for (std::int64_t i = 0; i < element_count(*shape); ++i) {
    const auto at = static_cast<std::size_t>(broadcast_index(condition.shape, *shape, i));
    const SymbolicTensor& source = condition.elements[at].constant_value() != 0 ? x : y;
    const auto from = static_cast<std::size_t>(broadcast_index(source.shape, *shape, i));
    out.elements.push_back(source.elements[from]);
  }
  return {std::move(out)};
}

constexpr OpEntry kOps[] = {
    {"Where", 9, kStillValid, 3, 3, convert_where, fold_where},
};

}  // namespace

OpList select_ops() { return kOps; }

}  // namespace xinfer::import
