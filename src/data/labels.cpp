// Class tables from folder names and from tab-separated files.
#include "data/labels.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "data/file_bytes.h"

namespace xinfer {
namespace {

constexpr std::int64_t kMaxFileBytes = std::int64_t{64} << 20;
// A larger index is damage, and would size the table of names.
constexpr std::int64_t kMaxClassIndex = (std::int64_t{1} << 24) - 1;

struct Row {
  std::string_view folder;
  std::string_view index;
  std::string_view name;
};

/// The text up to the next tab, which is removed with it.
std::string_view next_field(std::string_view* rest) {
  const std::size_t end = std::min(rest->find('\t'), rest->size());
  const std::string_view field = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return field;
}

Row split_row(std::string_view line) {
  Row row;
  row.folder = next_field(&line);
  row.index = next_field(&line);
  row.name = next_field(&line);
  return row;
}

std::optional<std::int64_t> parse_index(std::string_view text) {
  std::int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool ok = result.ec == std::errc{} && result.ptr == text.data() + text.size();
  return ok && value >= 0 && value <= kMaxClassIndex ? std::optional(value) : std::nullopt;
}

Status add_row(const Row& row, int line, ClassTable* table) {
  const std::optional<std::int64_t> index = parse_index(row.index);
  if (row.folder.empty() || !index) {
    return invalid_argument(
        "line {}: found folder \"{}\" and class index \"{}\"; expected folder<TAB>class "
        "index<TAB>class name with an index of 0..{}",
        line, row.folder, row.index, kMaxClassIndex);
  }
  if (!table->index_of_folder.emplace(row.folder, *index).second) {
    return invalid_argument("line {}: folder \"{}\" is listed twice", line, row.folder);
  }
  const auto i = static_cast<std::size_t>(*index);
  if (table->names.size() <= i) table->names.resize(i + 1);
  table->names[i] = row.name.empty() ? row.folder : row.name;
  return {};
}

}  // namespace

ClassTable classes_of_folders(std::vector<std::string> folders) {
  ClassTable table;
  std::sort(folders.begin(), folders.end());
  for (std::size_t i = 0; i < folders.size(); ++i) {
    table.index_of_folder.emplace(folders[i], static_cast<std::int64_t>(i));
  }
  table.names = std::move(folders);
  return table;
}

Result<ClassTable> parse_class_table(std::string_view text) {
  ClassTable table;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const Row row = split_row(line);
    const bool header = number == 1 && !row.index.empty() && !parse_index(row.index);
    if (!header) XINFER_RETURN_IF_ERROR(add_row(row, number, &table));
  }
  if (table.index_of_folder.empty()) return invalid_argument("it lists no class");
  return table;
}

Result<ClassTable> read_class_table(const std::filesystem::path& path) {
  const std::string context = fmt::format("labels \"{}\"", path.string());
  Result<std::vector<std::byte>> bytes = read_file_bytes(path, kMaxFileBytes);
  if (!bytes.ok()) return bytes.status().with_context(context);
  Result<ClassTable> table = parse_class_table(
      std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size()));
  if (!table.ok()) return table.status().with_context(context);
  return table;
}

}  // namespace xinfer
