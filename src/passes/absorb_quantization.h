// Lets INT8 nodes read and write quantised values directly, instead of through Dequantize and
// Quantize.
#pragma once

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::passes {

/// A Conv, MatMul or Binary of INT8 operands whose only reader is a Quantize writes that grid
/// itself; ops that move bytes work on the bytes; pooling, means, tables and interpolation between
/// Dequantize and Quantize become INT8 ops. What remains of Quantize / Dequantize is a border
/// between precisions or a change of scale. Clip steps that the output's grid implies are dropped.
Status absorb_quantization(ir::Graph& graph);

}  // namespace xinfer::passes
