// Transpose, Expand, Tile, DepthToSpace, SpaceToDepth.
#include <algorithm>
#include <numeric>

#include "import/expression.h"
#include "import/fold.h"
#include "import/registry.h"

namespace xinfer::import {
namespace {

Result<std::vector<std::int64_t>> read_perm(NodeContext& node, std::size_t rank) {
  std::vector<std::int64_t> reversed(rank);
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  auto perm = node.attributes().integers("perm").value_or(reversed);
  if (perm.size() != rank) {
    return node.invalid("perm has {} entries, needs {}", perm.size(), rank);
  }
  return node.axes(std::move(perm), rank);
}

Status convert_transpose(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(std::vector<std::int64_t> perm,
                          read_perm(node, node.value(x).shape.size()));
  return node.output(ir::Transpose{std::move(perm)}, {x});
}

Folded fold_transpose(NodeContext& node) {
  const SymbolicTensor* x = node.symbolic(0);
  if (x == nullptr) return {};
  const auto perm = read_perm(node, x->shape.size());
  if (!perm.ok()) return {};
  Shape shape;
  for (const std::int64_t axis : *perm) shape.push_back(x->shape[static_cast<std::size_t>(axis)]);
  return single(pick(*x, shape, [&](std::int64_t index) {
    const Shape to = unflatten(index, shape);
    Shape from(to.size());
    for (std::size_t i = 0; i < to.size(); ++i) from[static_cast<std::size_t>((*perm)[i])] = to[i];
    return flatten(from, x->shape);
  }));
}

Status convert_expand(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(ir::SymbolicShape shape, node.dims(1, "shape"));
  return node.output(ir::Expand{std::move(shape)}, {x});
}

Folded fold_expand(NodeContext& node) {
  const SymbolicTensor* x = node.symbolic(0);
  if (x == nullptr || node.symbolic(1) == nullptr) return {};
  const auto given = node.integers(1, "shape");
  if (!given.ok()) return {};
  const auto shape = broadcast(x->shape, Shape(given->begin(), given->end()));
  if (!shape) return {};
  return single(pick(*x, *shape,
                     [&](std::int64_t index) { return broadcast_index(x->shape, *shape, index); }));
}

/// Repeats by broadcasting a new axis before every axis that is repeated.
Status convert_tile(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(const ir::SymbolicShape repeats, node.dims(1, "repeats"));
  const ir::SymbolicShape shape = node.value(x).shape;
  if (repeats.size() != shape.size()) {
    return node.invalid("repeats has {} entries, needs {}", repeats.size(), shape.size());
  }
  ir::SymbolicShape split, expanded, joined;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (repeats[i].is_constant() && repeats[i].constant() < 0) {
      return node.invalid("repeats holds {}", repeats[i].constant());
    }
    if (repeats[i] != ir::Dim(1)) {
      split.emplace_back(1);
      expanded.push_back(repeats[i]);
    }
    split.push_back(shape[i]);
    expanded.push_back(shape[i]);
    const auto product = multiply(repeats[i], shape[i]);
    if (!product) return node.invalid("repeats {} are too large", ir::to_string(repeats));
    joined.push_back(*product);
  }
  if (split.size() == shape.size()) return node.same(x);
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId parts, node.add("parts", ir::Reshape{split}, {x}));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId copies,
                          node.add("copies", ir::Expand{expanded}, {parts}));
  return node.output(ir::Reshape{joined}, {copies});
}

Folded fold_tile(NodeContext& node) {
  const SymbolicTensor* x = node.symbolic(0);
  if (x == nullptr || node.symbolic(1) == nullptr) return {};
  const auto repeats = node.integers(1, "repeats");
  if (!repeats.ok() || repeats->size() != x->shape.size()) return {};
  Shape shape = x->shape;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (__builtin_mul_overflow(shape[i], (*repeats)[i], &shape[i])) return {};
  }
  return single(pick(*x, shape, [&](std::int64_t index) {
    Shape position = unflatten(index, shape);
    for (std::size_t i = 0; i < position.size(); ++i) position[i] %= x->shape[i];
    return flatten(position, x->shape);
  }));
}

/// The dimensions of a [N, C, H, W] input and the block size.
struct Blocks {
  ir::Dim batch, channels, height, width, block;
};

Result<Blocks> read_blocks(NodeContext& node, ir::ValueId x) {
  const ir::SymbolicShape& shape = node.value(x).shape;
  const std::int64_t block = node.attributes().integer("blocksize", 0);
  if (shape.size() != 4) return node.invalid("input has {} dimensions, needs 4", shape.size());
  if (block < 1 || block > (1 << 15)) return node.invalid("blocksize is {}", block);
  return Blocks{shape[0], shape[1], shape[2], shape[3], ir::Dim(block)};
}

Status output_permuted(NodeContext& node, ir::ValueId x, ir::SymbolicShape split,
                       std::vector<std::int64_t> perm, ir::SymbolicShape joined) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId parts,
                          node.add("parts", ir::Reshape{std::move(split)}, {x}));
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId moved,
                          node.add("moved", ir::Transpose{std::move(perm)}, {parts}));
  return node.output(ir::Reshape{std::move(joined)}, {moved});
}

/// Whether the channels are ordered block by block (DCR) or a block's positions by channel (CRD).
Result<bool> read_depth_first(NodeContext& node) {
  const std::string mode = node.attributes().text("mode", "DCR");
  if (mode == "DCR" || mode == "CRD") return mode == "DCR";
  return node.unsupported("mode \"{}\"; supported: DCR, CRD", mode);
}

Status convert_depth_to_space(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(const Blocks b, read_blocks(node, x));
  XINFER_ASSIGN_OR_RETURN(const bool depth_first, read_depth_first(node));
  const ir::Dim area = b.block * b.block;
  if (b.channels.is_constant() && b.channels.constant() % area.constant() != 0) {
    return node.invalid("{} channels cannot fill blocks of {}", b.channels.constant(),
                        area.constant());
  }
  const ir::Dim depth = ir::floordiv(b.channels, area);
  ir::SymbolicShape joined{b.batch, depth, b.height * b.block, b.width * b.block};
  if (depth_first) {
    return output_permuted(node, x, {b.batch, b.block, b.block, depth, b.height, b.width},
                           {0, 3, 4, 1, 5, 2}, std::move(joined));
  }
  return output_permuted(node, x, {b.batch, depth, b.block, b.block, b.height, b.width},
                         {0, 1, 4, 2, 5, 3}, std::move(joined));
}

Status convert_space_to_depth(NodeContext& node) {
  XINFER_ASSIGN_OR_RETURN(const ir::ValueId x, node.input(0));
  XINFER_ASSIGN_OR_RETURN(const Blocks b, read_blocks(node, x));
  for (const ir::Dim& side : {b.height, b.width}) {
    if (side.is_constant() && side.constant() % b.block.constant() != 0) {
      return node.invalid("{} pixels cannot be cut into blocks of {}", side.constant(),
                          b.block.constant());
    }
  }
  XINFER_ASSIGN_OR_RETURN(const bool depth_first, read_depth_first(node));
  const ir::Dim height = ir::floordiv(b.height, b.block);
  const ir::Dim width = ir::floordiv(b.width, b.block);
  std::vector<std::int64_t> perm = depth_first ? std::vector<std::int64_t>{0, 3, 5, 1, 2, 4}
                                               : std::vector<std::int64_t>{0, 1, 3, 5, 2, 4};
  return output_permuted(node, x, {b.batch, b.channels, height, b.block, width, b.block},
                         std::move(perm), {b.batch, b.channels * b.block * b.block, height, width});
}

constexpr OpEntry kOps[] = {
    {"DepthToSpace", 1, kStillValid, 1, 1, convert_depth_to_space},
    {"Expand", 8, kStillValid, 2, 2, convert_expand, fold_expand, "shape known at import"},
    {"SpaceToDepth", 1, kStillValid, 1, 1, convert_space_to_depth},
    {"Tile", 6, kStillValid, 2, 2, convert_tile, fold_tile, "repeats known at import"},
    {"Transpose", 1, kStillValid, 1, 1, convert_transpose, fold_transpose},
};

}  // namespace

OpList layout_ops() { return kOps; }

}  // namespace xinfer::import
