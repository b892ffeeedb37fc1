// The graph as text that people read and the parser reads back.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::ir {

/// One line a node:
///   graph "net" opset 17 {
///     input %x: float32[batch, 3, 224, 224]
///     constant %w: float32[64, 3, 7, 7] = elided 0c8d4ce52f03a063
///     %y: uint8[batch, 64, 112, 112] scale 0.02 = Conv(%x, %w, _) {kernel=[7, 7], …} node "conv1"
///     output "prob" = %y
///   }
/// "_" is an absent operand or output; names with unusual characters are quoted: %"x:0". The node's
/// name is left out where its first output has the same; `from [...]` lists origins other than it.
/// Constants of up to `inline_limit` elements are written out; larger ones by dtype, shape and a
/// hash unless `inline_limit` is negative (everything, for round trips).
std::string print(const Graph& graph, int inline_limit = 16);

/// A graph's text and the constants that it elides, in its order: for storage.
struct TextAndConstants {
  std::string text;
  std::vector<Tensor> constants;  ///< sharing the graph's memory
};
TextAndConstants print_apart(const Graph& graph, int inline_limit = 16);

/// Reads a text of print_apart with the bytes of its constants. Fails, too, if they are not those
/// of the text.
Result<Graph> parse_apart(std::string_view text, std::span<const std::string_view> constants);

/// Reads what print writes with inline_limit = -1, or by hand; '#' starts a comment. Errors name
/// the line. Only syntax and names are checked: `verify` judges the graph.
Result<Graph> parse(std::string_view text);

}  // namespace xinfer::ir
