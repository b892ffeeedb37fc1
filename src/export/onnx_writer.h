// Appends nodes and constants to an ONNX model.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/status.h"
#include "ir/graph.h"
#include "xinfer_onnx/onnx.pb.h"

namespace xinfer::exporting {

using Numbers = std::vector<std::int64_t>;

/// An attribute's value; converts from each of its kinds.
struct Attribute {
  enum class Kind { kInteger, kReal, kText, kNumbers };
  Attribute(std::int64_t value) : kind(Kind::kInteger), integer(value) {}      // NOLINT
  Attribute(double value) : kind(Kind::kReal), real(value) {}                  // NOLINT
  Attribute(std::string value) : kind(Kind::kText), text(std::move(value)) {}  // NOLINT
  Attribute(const Numbers& value) : kind(Kind::kNumbers), numbers(value) {}    // NOLINT

  Kind kind;
  std::int64_t integer = 0;
  double real = 0;
  std::string text;
  Numbers numbers;
};
using Attributes = std::vector<std::pair<std::string, Attribute>>;
using Names = std::vector<std::string>;

/// ONNX's number of an element type.
int onnx_type(DType dtype);

class OnnxWriter {
 public:
  OnnxWriter(const ir::Graph& graph, bool quantized_biases);

  const ir::Graph& graph() const { return graph_; }
  bool quantized_biases() const { return quantized_biases_; }

  /// A node whose one output has the name `output`; returns it.
  std::string add(const std::string& op, const Names& inputs, const std::string& output,
                  const Attributes& attributes = {});
  /// As add, with a name made unique for an intermediate result.
  std::string add_step(const std::string& op, const Names& inputs, const std::string& base,
                       const Attributes& attributes = {});

  /// Constants; the name is made unique and returned.
  std::string constant(const Tensor& tensor, const std::string& base);
  std::string integers(const Numbers& values, const std::string& base);
  std::string scalar(double value, DType dtype, const std::string& base);

  /// A name no value has yet: `base` or with a number behind it. It is taken from then on.
  std::string unused(const std::string& base);

  /// The name under which float readers find a value: its own, or that of a DequantizeLinear of its
  /// own if it is quantised. "" for kNoValue.
  std::string read(ir::ValueId id);
  /// QuantizeLinear's scale and zero point for a quantised value.
  Names grid_of(const ir::Value& value);

  /// Inputs, outputs and the serialised whole.
  std::string finish();

 private:
  void describe(onnx::ValueInfoProto& info, const std::string& name, const ir::Value& value);

  const ir::Graph& graph_;
  bool quantized_biases_;
  onnx::ModelProto model_;
  std::map<std::string, int> taken_;
  std::map<ir::ValueId, std::string> constants_;
};

/// Appends what an op is in ONNX; its outputs have the names of the node's values.
Status write_node(OnnxWriter& writer, const ir::Node& node);

/// As write_node for ops that move elements.
Status write_movement(OnnxWriter& writer, const ir::Node& node);

/// The error for what ONNX cannot say at this opset.
Status inexpressible(const ir::Node& node, const std::string& what);

}  // namespace xinfer::exporting
