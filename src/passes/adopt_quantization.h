// Models that come with QuantizeLinear and DequantizeLinear: their scales and precisions are taken
// as they stand, without calibration.
#pragma once

#include "core/status.h"
#include "ir/constraints.h"
#include "ir/graph.h"
#include "passes/precision_plan.h"

namespace xinfer::passes {

/// True if some value of a simplified graph is quantised: adopt_quantization then stands for
/// plan_precisions and insert_qdq.
bool holds_quantization(const ir::Graph& graph);

/// Lets every Conv and MatMul read the quantised values behind its Dequantize nodes, where its
/// weights lie on a grid too and neither the accumulator nor a rule forbids it; `fuse` does the
/// rest. A Quantize behind movement (MaxPool, Reshape, …) goes before it, where the result is the
/// same, so that the op moves bytes. Numbers added before and behind a function between quantised
/// values become part of its table.
///
/// The plan tells what runs in INT8 once the graph is fused, and why the rest does not; `int8`,
/// `offsets` and ranges have no meaning here. Fails like plan_precisions where a rule demands INT8
/// of a node that the model leaves in float.
Result<PrecisionPlan> adopt_quantization(ir::Graph& graph, const ir::Constraints& constraints,
                                         const PrecisionOptions& options);

}  // namespace xinfer::passes
