// Types and symbolic shapes of node outputs from their inputs.
#pragma once

#include <vector>

#include "core/status.h"
#include "ir/graph.h"

namespace xinfer::ir {

/// What an op's rule says about one output.
struct TensorType {
  /// May the output be s8 / u8 with a scale?
  enum class Quantization {
    kNever,
    kAllowed,     ///< if a pass says so; a rounding region ends here
    kRequired,    ///< Quantize
    kAsTheInput,  ///< dtype and `scale` are the input's: the op moves or compares bytes
  };
  DType dtype = DType::kFloat32;  ///< of the output when it is not quantised (kAsTheInput: always)
  SymbolicShape shape;
  Quantization quantization = Quantization::kNever;
  float scale = 0;  ///< kAsTheInput
};

/// Types of all outputs that the node's op can have, used or not, from its inputs; changes nothing.
/// Symbolic dimensions that must be equal are taken to be equal: constants win, then the first
/// operand's. Fails as infer_node does.
Result<std::vector<TensorType>> infer_types(const Graph& graph, NodeId node);

/// Sets dtype and shape of the node's outputs. Quantised dtypes and scales of outputs that are
/// already set (INT8 regions) are kept. Fails with a message that names the node and what does not
/// fit: `node "conv1" (Conv): weight has 3 input channels per group, x has 4 channels in 1 group`.
Status infer_node(Graph& graph, NodeId node);

/// infer_node over the whole graph in order.
Status infer_shapes(Graph& graph);

}  // namespace xinfer::ir
