// Biases of INT8 layers as a Q/DQ model holds them.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// Rounds the biases of INT8 convolutions and of INT8 products of matrices to whole numbers of the
/// steps that their sums count (quant/bias.h), so that an engine and the Q/DQ model that
/// export_onnx writes from the same ranges mean the same numbers. Biases that do not fit int32, and
/// those of products of more than two dimensions, which ONNX adds in float, stay as they are.
/// For graphs that insert_qdq has made.
Status round_biases(ir::Graph& graph);

}  // namespace xinfer::passes
