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

/// Constants of up to so many elements stand in the text.
constexpr int kInlineElements = 16;
constexpr std::string_view kConstantLine = "  constant ", kElided = " = elided ";

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

/// Bytes of the constants that `text`, the graph's, elides: in its order.
std::vector<std::string_view> elided_constants(const ir::Graph& graph) {
  std::vector<bool> used(graph.value_count(), false);
  const auto mark = [&](ir::ValueId id) {
    if (id != ir::kNoValue) used[static_cast<std::size_t>(id)] = true;
  };
  for (const ir::NodeId node : graph.order()) {
    for (const ir::ValueId input : graph.node(node).inputs) mark(input);
  }
  for (const ir::GraphOutput& output : graph.outputs()) mark(output.value);
  std::vector<std::string_view> constants;
  for (std::size_t i = 0; i < used.size(); ++i) {
    const ir::Value& value = graph.value(static_cast<ir::ValueId>(i));
    if (!used[i] || !value.is_constant() || value.constant->size() <= kInlineElements) continue;
    constants.emplace_back(static_cast<const char*>(value.constant->data()),
                           value.constant->size_bytes());
  }
  return constants;
}

void put_hex(std::string& out, std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    out += kDigits[value >> 4];
    out += kDigits[value & 15];
  }
}

/// The text with every elided constant written out; empty if bytes are missing.
std::string complete_text(std::string_view text, Reader& reader) {
  std::string whole;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t elided =
        line.starts_with(kConstantLine) ? line.rfind(kElided) : std::string_view::npos;
    std::string_view bytes;
    if (elided == std::string_view::npos) {
      whole += line;
    } else {
      if (!reader.string(bytes)) return "";
      whole += line.substr(0, elided);
      whole += " = hex ";
      put_hex(whole, bytes);
    }
    whole += '\n';
  }
  return whole;
}

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
  put_string(out, ir::print(stored.graph, kInlineElements));
  for (const std::string_view bytes : elided_constants(stored.graph)) put_string(out, bytes);
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
  const std::string whole = complete_text(text, reader);
  if (whole.empty() || !reader.at_end()) return damaged("its constants");
  Result<ir::Graph> graph = ir::parse(whole);
  if (!graph.ok()) return damaged(graph.status().message().c_str());
  stored.graph = *std::move(graph);
  return stored;
}

}  // namespace xinfer::compile
