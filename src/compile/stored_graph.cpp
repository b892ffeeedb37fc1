// Numbers are 8 bytes, little-endian; a string is its length and its bytes:
//   backend, count of precisions, then for each its node's name and the precision,
//   the graph's text with large constants elided, then their bytes in the text's order.
#include "compile/stored_graph.h"

#include <bit>
#include <cstring>
#include <string_view>
#include <vector>

#include "ir/text.h"

namespace xinfer::compile {
namespace {

static_assert(std::endian::native == std::endian::little);

void put_number(std::string& out, std::uint64_t value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}
void put_string(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

/// Takes fields from bytes that may be anything.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes)
      : rest_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

  bool number(std::uint64_t& value) {
    if (rest_.size() < sizeof(value)) return false;
    std::memcpy(&value, rest_.data(), sizeof(value));
    rest_.remove_prefix(sizeof(value));
    return true;
  }
  bool string(std::string_view& text) {
    std::uint64_t size = 0;
    if (!number(size) || size > rest_.size()) return false;
    text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

Status damaged(const char* what) {
  return failure(ErrorCode::kIncompatibleEngine, "the engine's stored graph is damaged: {}", what);
}

}  // namespace

std::string write_stored_graph(const StoredGraph& stored) {
  std::string out;
  put_number(out, static_cast<std::uint64_t>(stored.backend));
  put_number(out, stored.precisions.size());
  for (const auto& [name, precision] : stored.precisions) {
    put_string(out, name);
    put_number(out, static_cast<std::uint64_t>(precision));
  }
  const ir::TextAndConstants parts = ir::print_apart(stored.graph);
  put_string(out, parts.text);
  for (const Tensor& constant : parts.constants) {
    put_string(out, {static_cast<const char*>(constant.data()), constant.size_bytes()});
  }
  return out;
}

Result<StoredGraph> read_stored_graph(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  StoredGraph stored;
  std::uint64_t backend = 0, count = 0;
  if (!reader.number(backend) || backend > static_cast<std::uint64_t>(lower::CudaBackend::kWgmma) ||
      !reader.number(count)) {
    return damaged("its head");
  }
  stored.backend = static_cast<lower::CudaBackend>(backend);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string_view name;
    std::uint64_t precision = 0;
    if (!reader.string(name) || !reader.number(precision) ||
        precision > static_cast<std::uint64_t>(ir::Precision::kFp32)) {
      return damaged("a precision");
    }
    stored.precisions[std::string(name)] = static_cast<ir::Precision>(precision);
  }
  std::string_view text;
  if (!reader.string(text)) return damaged("its text");
  std::vector<std::string_view> constants;
  while (!reader.at_end()) {
    if (!reader.string(constants.emplace_back())) return damaged("a constant");
  }
  Result<ir::Graph> graph = ir::parse_apart(text, constants);
  if (!graph.ok()) return damaged(graph.status().message().c_str());
  stored.graph = *std::move(graph);
  return stored;
}

}  // namespace xinfer::compile
