// What the importer knows of every ONNX value name: a value of the graph, a constant that may not
// have been read yet, or a result of shape arithmetic that exists only at import.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/status.h"
#include "import/symbolic_tensor.h"
#include "ir/graph.h"
#include "xinfer_onnx/onnx.pb.h"

namespace xinfer::import {

struct KnownValue {
  ir::ValueId id = ir::kNoValue;                   ///< once it is a value of the graph
  const onnx::TensorProto* initializer = nullptr;  ///< not read yet
  std::optional<Tensor> tensor;                    ///< a constant
  std::optional<SymbolicTensor> symbolic;
  bool refused = false;  ///< made by a node that could not be imported
};

/// Names of the model and, while the branch of an If is inlined, of the branch.
class KnownValues {
 public:
  KnownValues(ir::Graph& graph, std::filesystem::path folder)
      : graph_(graph), folder_(std::move(folder)) {}

  /// Fails if the innermost scope has the name already.
  Status define(const std::string& name, KnownValue value);
  /// Null if unknown.
  KnownValue* find(const std::string& name);

  void open_scope() { scopes_.emplace_back(); }
  void close_scope() { scopes_.pop_back(); }

  /// The value as data: constants enter the graph, shape arithmetic becomes ir::ShapeOf.
  Result<ir::ValueId> materialise(const std::string& name);
  /// The value as numbers and expressions; null if it is data that only a run knows, or large.
  Result<const SymbolicTensor*> symbolic(const std::string& name);
  /// Shape and dtype without making the value a part of the graph.
  Result<ir::SymbolicShape> shape(const std::string& name);
  Result<DType> dtype(const std::string& name);

 private:
  Result<KnownValue*> require(const std::string& name);
  Result<const Tensor*> tensor_of(KnownValue& value);
  Result<ir::ValueId> emit_symbolic(const std::string& name, const SymbolicTensor& symbolic);

  ir::Graph& graph_;
  std::filesystem::path folder_;
  std::vector<std::unordered_map<std::string, KnownValue>> scopes_{1};
};

}  // namespace xinfer::import
