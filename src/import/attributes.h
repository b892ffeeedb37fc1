// Typed access to the attributes of an ONNX node.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/status.h"
#include "xinfer_onnx/onnx.pb.h"

namespace xinfer::import {

/// Reads attributes by name. An attribute of the wrong type, or an integer so large that shape
/// arithmetic could overflow, is remembered in `status` (the first one) and reads as absent, so
/// that handlers stay free of error paths; the importer checks `status` after every node.
class Attributes {
 public:
  explicit Attributes(const onnx::NodeProto& node) : node_(node) {}

  std::int64_t integer(const char* name, std::int64_t fallback);
  bool flag(const char* name, bool fallback) { return integer(name, fallback ? 1 : 0) != 0; }
  double real(const char* name, double fallback);
  std::string text(const char* name, const char* fallback);
  std::optional<std::vector<std::int64_t>> integers(const char* name);
  std::optional<std::vector<double>> reals(const char* name);
  /// Null if absent.
  const onnx::TensorProto* tensor(const char* name);
  const onnx::GraphProto* graph(const char* name);
  bool has(const char* name) const;

  /// Without the limit on size, for attributes that legally hold INT64_MAX (ends of Slice).
  std::int64_t wide_integer(const char* name, std::int64_t fallback);
  std::optional<std::vector<std::int64_t>> wide_integers(const char* name);

  const Status& status() const { return status_; }
  /// Names of attributes that nobody asked for.
  std::vector<std::string> unread() const;

 private:
  using Proto = onnx::AttributeProto;
  const Proto* find(const char* name, Proto::AttributeType type);
  bool in_range(const char* name, std::int64_t value);

  const onnx::NodeProto& node_;
  std::vector<std::string> read_;
  Status status_;
};

}  // namespace xinfer::import
