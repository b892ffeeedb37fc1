// Graphs become ONNX models, quantisation included: what other runtimes take as a Q/DQ model.
#pragma once

#include <string>

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer {

struct ExportOptions {
  /// int32 biases with the scale of their products, which ONNX Runtime and OpenVINO need to fuse;
  /// off: float32 biases, which TensorRT needs.
  bool quantized_biases = true;
};

/// The opset that models are written in: the first with LayerNormalization; per-channel
/// DequantizeLinear came with 13.
inline constexpr int kExportOpset = 17;

/// Bytes of an ONNX model of the graph, before fusion. Quantize and Dequantize become
/// QuantizeLinear and DequantizeLinear with zero point 0; what reads a quantised value gets a
/// DequantizeLinear of its own; constant weights of such a Conv or MatMul become s8 with a scale
/// per output channel. Fails (unsupported) naming the node that ONNX at this opset cannot express.
Result<std::string> export_onnx(const ir::Graph& graph, const ExportOptions& options = {});

}  // namespace xinfer
