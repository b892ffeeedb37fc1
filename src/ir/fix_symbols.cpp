#include "ir/fix_symbols.h"

#include <type_traits>

#include "ir/fields.h"
#include "ir/infer.h"

namespace xinfer::ir {
namespace {

using Replacements = std::map<std::string, Dim>;

void fix(SymbolicShape& shape, const Replacements& replacements) {
  for (Dim& dim : shape) dim = dim.substitute(replacements);
}

void fix(Op& op, const Replacements& replacements) {
  std::visit(
      [&](auto& fields) {
        using Struct = std::remove_reference_t<decltype(fields)>;
        for_each_field<Struct>([&](const auto& field) {
          auto& member = fields.*field.member;
          using Member = std::remove_reference_t<decltype(member)>;
          if constexpr (std::is_same_v<Member, SymbolicShape>) fix(member, replacements);
        });
      },
      op);
}

}  // namespace

Status fix_symbols(Graph& graph, const std::map<std::string, std::int64_t>& sizes) {
  if (sizes.empty()) return {};
  Replacements replacements;
  for (const auto& [name, size] : sizes) replacements[name] = Dim(size);
  for (ValueId id : graph.inputs()) fix(graph.value(id).shape, replacements);
  for (NodeId id : graph.order()) fix(graph.node(id).op, replacements);
  return infer_shapes(graph);
}

}  // namespace xinfer::ir
