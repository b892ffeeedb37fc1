// The passes in their order. Each is a file pair of its own; the verifier runs after every one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/status.h"
#include "ir/graph.h"
#include "passes/precision_plan.h"

namespace xinfer::passes {

/// Computes a node whose inputs are all constants: returns its outputs. The builder supplies one
/// that runs the node through the ordinary executor, so that there is no second interpreter.
using Evaluator = std::function<Result<std::vector<Tensor>>(const ir::Graph&, ir::NodeId)>;

/// Called after every pass with its name, for dumps and tests.
using PassObserver = std::function<void(const std::string& pass, const ir::Graph&)>;

/// Device-independent clean-up of an imported graph, still float and unfused: constants folded,
/// batch norm folded into convolutions, identities removed, decomposed SiLU / GELU / LayerNorm
/// recognised, biases and explicit paddings merged, common subexpressions shared. Values that
/// remain keep their ONNX names: this is the graph that calibration sees. Idempotent.
Status simplify(ir::Graph& graph, const Evaluator& evaluate, const PassObserver& observe = {});

/// Puts Quantize / Dequantize pairs where the plan says INT8.
Status insert_qdq(ir::Graph& graph, const PrecisionPlan& plan);

/// Merges nodes into rounding regions: Conv / MatMul / Binary with their epilogues, and absorbs
/// Quantize / Dequantize, so that INT8 nodes read and write quantised values directly. The result
/// fixes every region, scale and u8 / s8 choice for all devices. Float graphs fuse as well.
/// Idempotent.
Status fuse(ir::Graph& graph);

}  // namespace xinfer::passes
