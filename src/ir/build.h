// Builds graphs tersely: types are inferred as nodes are added, names are made where none is given.
// For tests, and for passes that add several nodes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "xinfer/core/tensor.h"

namespace xinfer::ir {

/// The same number for every spatial axis; for anything else use `add` with the op struct.
struct Window {
  std::int64_t stride = 1;
  std::int64_t pad = 0;
  std::int64_t dilation = 1;
  std::int64_t groups = 1;  ///< convolutions
};

/// Appends to a graph of its own or to one that exists. Arguments that do not fit are the caller's
/// mistake: Error is thrown with the message of infer_node.
class GraphBuilder {
 public:
  explicit GraphBuilder(std::string name = "graph");
  /// Appends to `graph`, which must outlive the builder.
  explicit GraphBuilder(Graph& graph) : graph_(&graph) {}
  GraphBuilder(const GraphBuilder&) = delete;
  GraphBuilder& operator=(const GraphBuilder&) = delete;

  Graph& graph() { return *graph_; }
  const Value& value(ValueId id) const { return graph_->value(id); }
  /// A copy of the graph after the verifier has passed it.
  Graph finish() const;

  ValueId input(std::string name, SymbolicShape shape, DType dtype = DType::kFloat32);
  ValueId constant(Tensor tensor, std::string name = "");
  /// float32 values; their number must fit the shape.
  ValueId constant(const Shape& shape, const std::vector<float>& values, std::string name = "");
  ValueId integers(const Shape& shape, const std::vector<std::int64_t>& values,
                   std::string name = "");
  /// float32 in [-1, 1), the same for the same shape and seed on every machine.
  ValueId random_constant(const Shape& shape, std::uint32_t seed = 0, std::string name = "");
  void output(ValueId value, const std::string& name = "");

  /// The first output of a new node, which gets the name `name` or one made from the operator's.
  ValueId add(Op op, std::vector<ValueId> inputs, std::string name = "");

  /// kernel comes from w's shape [M, C / groups, spatial…].
  ValueId conv(ValueId x, ValueId w, ValueId bias = kNoValue, Window window = {},
               std::string name = "");
  ValueId matmul(ValueId a, ValueId b, ValueId bias = kNoValue, std::string name = "");
  ValueId max_pool(ValueId x, std::int64_t kernel, Window window = {}, std::string name = "");
  ValueId average_pool(ValueId x, std::int64_t kernel, Window window = {}, std::string name = "");
  /// Mean over all axes behind [N, C], which stay with size 1.
  ValueId global_average_pool(ValueId x, std::string name = "");
  ValueId batch_norm(ValueId x, ValueId scale, ValueId bias, ValueId mean, ValueId variance,
                     std::string name = "");
  ValueId unary(kernels::Unary function, ValueId x, std::string name = "");
  ValueId relu(ValueId x, std::string name = "");  ///< Clip with low = 0
  ValueId clip(ValueId x, double low, double high, std::string name = "");
  ValueId binary(kernels::Binary function, ValueId a, ValueId b, std::string name = "");
  ValueId add_values(ValueId a, ValueId b, std::string name = "");
  ValueId multiply(ValueId a, ValueId b, std::string name = "");
  ValueId softmax(ValueId x, std::int64_t axis, std::string name = "");
  ValueId layer_norm(ValueId x, ValueId scale, ValueId bias, std::int64_t axis,
                     std::string name = "");
  ValueId reshape(ValueId x, SymbolicShape shape, std::string name = "");
  ValueId transpose(ValueId x, std::vector<std::int64_t> perm, std::string name = "");
  ValueId concat(std::vector<ValueId> inputs, std::int64_t axis, std::string name = "");
  /// To s8 or u8 with a scale.
  ValueId quantize(ValueId x, DType dtype, float scale, std::string name = "");
  ValueId dequantize(ValueId x, std::string name = "");

 private:
  std::string name_for(const Op& op, const std::string& wanted) const;
  ValueId pool(kernels::PoolKind kind, ValueId x, std::int64_t kernel, const Window& window,
               std::string name);

  Graph own_;
  Graph* graph_ = &own_;
};

}  // namespace xinfer::ir
