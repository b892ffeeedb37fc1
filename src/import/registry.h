// The one list of ONNX operators that can be imported. Each group of operators has a file
// ops_<group>.cpp that gives its part of the list.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/node_context.h"

namespace xinfer::import {

/// Adds the node's meaning to the graph.
using Handler = Status (*)(NodeContext& node);
/// Computes all outputs at import; empty if that is not possible (then the handler is called).
using Fold = std::vector<SymbolicTensor> (*)(NodeContext& node);

struct OpEntry {
  std::string_view name;
  int since = 0;  ///< first opset of the model for which the entry holds
  int until = 0;  ///< last one
  int least_inputs = 0;
  int most_inputs = 0;
  Handler handler = nullptr;
  Fold fold = nullptr;
  std::string_view note = "";  ///< limits, for the table of supported operators
};

/// For OpEntry::most_inputs of variadic operators.
inline constexpr int kManyInputs = 1 << 20;
/// For OpEntry::until of definitions that still hold.
inline constexpr int kStillValid = 1 << 20;

using OpList = std::span<const OpEntry>;

OpList activation_ops();
OpList constant_ops();
OpList conv_ops();
OpList elementwise_ops();
OpList layout_ops();
OpList matmul_ops();
OpList normalize_ops();
OpList pool_ops();
OpList quantize_ops();
OpList reduce_ops();
OpList resize_ops();
OpList select_ops();
OpList shape_ops();
OpList slice_ops();
OpList softmax_ops();

/// Every entry, by name and first opset.
const std::vector<OpEntry>& all_ops();

/// The entry for an operator of the default domain; null if there is none for that opset.
const OpEntry* find_op(std::string_view name, int opset);

/// "7 to 12, 13 and later", for messages; empty if the operator is unknown.
std::string opsets_of(std::string_view name);

}  // namespace xinfer::import
