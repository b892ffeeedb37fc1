// One handler an op: makes the node's output tensor and the step that computes it.
#pragma once

#include "core/status.h"
#include "ir/graph.h"
#include "lower/lowering.h"

namespace xinfer::lower {

Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Conv& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::MatMul& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Pool& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::BatchNorm& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::LayerNorm& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Softmax& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Unary& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Binary& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Select& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Clip& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Cast& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Reduce& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::ArgReduce& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Transpose& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Reshape& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Slice& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Concat& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Pad& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Gather& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Expand& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Resize& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::ShapeOf& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Quantize& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::Dequantize& op);
Status lower_op(Lowering& lowering, const ir::Node& node, const ir::ConvertImage& op);

/// Lowers every node in order, and the graph's inputs and outputs.
Status lower_graph(Lowering& lowering);

/// `unsupported: node "n" (Conv): <what>`.
Status unsupported_node(const ir::Node& node, const std::string& what);

/// The layout in which a layout-agnostic node computes: channels last if a full-rank operand that
/// is computed at run time lies that way, else plain.
Layout agnostic_layout(const Lowering& lowering, const ir::Node& node);

/// Appends the node's epilogue to `epilogue`. `residuals` are the step's inputs; `y_scale` is the
/// output's scale, or 0 for a float output of accumulators that already are real numbers.
Status lower_epilogue(Lowering& lowering, const ir::Node& node,
                      const std::vector<ir::EpilogueOp>& ops, Layout layout,
                      std::vector<TensorId>& step_inputs, fb::EpilogueT& epilogue);

/// Scale of the space in which an INT8 node's accumulator becomes y: the first table's input scale,
/// else the output's, else 1 (float output).
float accumulator_space(const std::vector<ir::EpilogueOp>& ops, const ir::Value& output);

}  // namespace xinfer::lower
