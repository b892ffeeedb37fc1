// What the inference rules of infer_*.cpp share. A rule is an overload of `infer` for one op
// struct; it reads its operands and returns the types of its outputs, or what does not fit.
// infer.cpp puts the node's name before the message.
#pragma once

#include <vector>

#include "ir/infer.h"

namespace xinfer::ir {

/// The inputs of a node as rules see them.
class Operands {
 public:
  Operands(const Graph& graph, const Node& node) : graph_(graph), node_(node) {}

  std::size_t count() const { return node_.inputs.size(); }
  bool has(std::size_t index) const {
    return index < node_.inputs.size() && node_.inputs[index] != kNoValue;
  }
  /// Only for a present input.
  const Value& operator[](std::size_t index) const { return graph_.value(node_.inputs[index]); }

  /// Between `least` and `most` inputs, the first `least` of them present.
  Status expect(std::size_t least, std::size_t most) const;

 private:
  const Graph& graph_;
  const Node& node_;
};

using Types = Result<std::vector<TensorType>>;

// infer_conv.cpp
Types infer(const Conv& op, const Operands& in);
Types infer(const Pool& op, const Operands& in);
// infer_matmul.cpp
Types infer(const MatMul& op, const Operands& in);
// infer_normalize.cpp
Types infer(const BatchNorm& op, const Operands& in);
Types infer(const LayerNorm& op, const Operands& in);
Types infer(const Softmax& op, const Operands& in);
// infer_elementwise.cpp
Types infer(const Unary& op, const Operands& in);
Types infer(const Binary& op, const Operands& in);
Types infer(const Select& op, const Operands& in);
Types infer(const Clip& op, const Operands& in);
Types infer(const Cast& op, const Operands& in);
Types infer(const Quantize& op, const Operands& in);
Types infer(const Dequantize& op, const Operands& in);
Types infer(const ConvertImage& op, const Operands& in);
// infer_reduce.cpp
Types infer(const Reduce& op, const Operands& in);
Types infer(const ArgReduce& op, const Operands& in);
// infer_movement.cpp
Types infer(const Transpose& op, const Operands& in);
Types infer(const Reshape& op, const Operands& in);
Types infer(const Expand& op, const Operands& in);
Types infer(const Concat& op, const Operands& in);
Types infer(const Gather& op, const Operands& in);
Types infer(const ShapeOf& op, const Operands& in);
// infer_slice.cpp
Types infer(const Slice& op, const Operands& in);
Types infer(const Pad& op, const Operands& in);
Types infer(const Resize& op, const Operands& in);

// --- dtypes ---
bool is_float(DType dtype);
bool is_integer(DType dtype);
/// A float dtype, not quantised.
Status expect_float(const char* what, const Value& value);
/// A float dtype, or quantised.
Status expect_float_or_quantized(const char* what, const Value& value);
/// "int8 with scale 0.5", "float32".
std::string describe(const Value& value);
/// The type of an op that copies elements of `input`.
TensorType moved(const Value& input, SymbolicShape shape);
/// The type of an op that computes floats, or INT8 where `input` is float32 or quantised.
TensorType computed(const Value& input, SymbolicShape shape);

// --- shapes ---
/// 0 <= axis < rank of `shape`.
Status expect_axis(std::int64_t axis, const SymbolicShape& shape);
/// `axes` are distinct and in range.
Status expect_axes(const std::vector<std::int64_t>& axes, const SymbolicShape& shape);
/// A list with one entry for each of `count` axes.
Status expect_length(const char* field, std::size_t found, std::size_t count);
/// Two dimensions that must be equal: the constant one, else the first; fails for two different
/// constants (the caller's context says which dimension).
Result<Dim> unify(const Dim& a, const Dim& b);
/// NumPy broadcasting of two shapes.
Result<SymbolicShape> broadcast(const SymbolicShape& a, const SymbolicShape& b);
/// A float bias of shape [channels].
Status check_bias(const Value& bias, const Dim& channels);
/// The epilogue's residual indices and shapes; residuals start at input `first_residual` (0: none
/// are allowed).
Status check_epilogue(const std::vector<EpilogueOp>& epilogue, const Operands& in,
                      std::size_t first_residual, const SymbolicShape& output);

}  // namespace xinfer::ir
