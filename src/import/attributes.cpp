#include "import/attributes.h"

#include <algorithm>

namespace xinfer::import {
namespace {

/// No dimension, stride, pad or axis of a real model comes near this.
constexpr std::int64_t kMaxInteger = std::int64_t{1} << 31;

using Proto = onnx::AttributeProto;

/// Files of IR version 1 carry no type: then the field that is filled decides.
bool matches(const Proto& attribute, Proto::AttributeType type) {
  if (attribute.type() != Proto::UNDEFINED) return attribute.type() == type;
  switch (type) {
    case Proto::FLOAT:
      return attribute.has_f();
    case Proto::INT:
      return attribute.has_i();
    case Proto::STRING:
      return attribute.has_s();
    case Proto::TENSOR:
      return attribute.has_t();
    case Proto::GRAPH:
      return attribute.has_g();
    default:
      return true;
  }
}

}  // namespace

bool Attributes::has(const char* name) const {
  return std::any_of(node_.attribute().begin(), node_.attribute().end(),
                     [&](const Proto& attribute) { return attribute.name() == name; });
}

const Proto* Attributes::find(const char* name, Proto::AttributeType type) {
  read_.emplace_back(name);
  for (const Proto& attribute : node_.attribute()) {
    if (attribute.name() != name) continue;
    if (matches(attribute, type) && attribute.ref_attr_name().empty()) return &attribute;
    if (status_.ok()) status_ = invalid_model("attribute \"{}\" has the wrong type", name);
    return nullptr;
  }
  return nullptr;
}

bool Attributes::in_range(const char* name, std::int64_t value) {
  if (value >= -kMaxInteger && value <= kMaxInteger) return true;
  if (status_.ok()) status_ = invalid_model("attribute \"{}\" holds {}", name, value);
  return false;
}

std::int64_t Attributes::integer(const char* name, std::int64_t fallback) {
  const Proto* attribute = find(name, Proto::INT);
  return attribute != nullptr && in_range(name, attribute->i()) ? attribute->i() : fallback;
}

std::int64_t Attributes::wide_integer(const char* name, std::int64_t fallback) {
  const Proto* attribute = find(name, Proto::INT);
  return attribute != nullptr ? attribute->i() : fallback;
}

double Attributes::real(const char* name, double fallback) {
  const Proto* attribute = find(name, Proto::FLOAT);
  return attribute != nullptr ? static_cast<double>(attribute->f()) : fallback;
}

std::string Attributes::text(const char* name, const char* fallback) {
  const Proto* attribute = find(name, Proto::STRING);
  return attribute != nullptr ? attribute->s() : fallback;
}

std::optional<std::vector<std::int64_t>> Attributes::wide_integers(const char* name) {
  const Proto* attribute = find(name, Proto::INTS);
  if (attribute == nullptr) return {};
  return std::vector<std::int64_t>(attribute->ints().begin(), attribute->ints().end());
}

std::optional<std::vector<std::int64_t>> Attributes::integers(const char* name) {
  auto values = wide_integers(name);
  if (!values) return {};
  for (const std::int64_t value : *values) {
    if (!in_range(name, value)) return {};
  }
  return values;
}

std::optional<std::vector<double>> Attributes::reals(const char* name) {
  const Proto* attribute = find(name, Proto::FLOATS);
  if (attribute == nullptr) return {};
  return std::vector<double>(attribute->floats().begin(), attribute->floats().end());
}

const onnx::TensorProto* Attributes::tensor(const char* name) {
  const Proto* attribute = find(name, Proto::TENSOR);
  return attribute != nullptr ? &attribute->t() : nullptr;
}

const onnx::GraphProto* Attributes::graph(const char* name) {
  const Proto* attribute = find(name, Proto::GRAPH);
  return attribute != nullptr ? &attribute->g() : nullptr;
}

std::vector<std::string> Attributes::unread() const {
  std::vector<std::string> names;
  for (const Proto& attribute : node_.attribute()) {
    if (std::find(read_.begin(), read_.end(), attribute.name()) == read_.end()) {
      names.push_back(attribute.name());
    }
  }
  return names;
}

}  // namespace xinfer::import
