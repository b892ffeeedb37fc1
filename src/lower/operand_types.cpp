#include "lower/operand_types.h"

#include <fmt/format.h>

#include <type_traits>
#include <variant>

#include "lower/handlers.h"

namespace xinfer::lower {
namespace {

template <typename Op>
constexpr bool kNeedsFloat32OrInt8 =
    std::is_same_v<Op, ir::Conv> || std::is_same_v<Op, ir::MatMul> ||
    std::is_same_v<Op, ir::Pool> || std::is_same_v<Op, ir::BatchNorm> ||
    std::is_same_v<Op, ir::LayerNorm> || std::is_same_v<Op, ir::Softmax>;

bool is_float32_or_int8(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kInt8 || dtype == DType::kUInt8;
}

}  // namespace

Status check_operand_types(const ir::Graph& graph, const ir::Node& node) {
  const bool checked = std::visit(
      [](const auto& op) { return kNeedsFloat32OrInt8<std::decay_t<decltype(op)>>; }, node.op);
  if (!checked) return {};
  for (const ir::ValueId input : node.inputs) {
    if (input == ir::kNoValue) continue;
    const ir::Value& value = graph.value(input);
    if (is_float32_or_int8(value.dtype)) continue;
    return unsupported_node(node, fmt::format("operand \"{}\" of type {}; supported: float32",
                                              value.name, to_string(value.dtype)));
  }
  return {};
}

}  // namespace xinfer::lower
