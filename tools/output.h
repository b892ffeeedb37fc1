// Tables for people, JSON for machines.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace xinfer::tools {

/// Rows of cells printed in aligned columns; the first row is the heading.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) : rows_{std::move(heading)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// Columns listed in `right` are aligned to the right.
  void print(const std::vector<std::size_t>& right = {}) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// Writes a JSON document with a trailing newline; "-" is standard output. Nothing if `path` is
/// empty.
void write_json(const nlohmann::json& document, const std::string& path);

/// "12.3 MB".
std::string megabytes(std::size_t bytes);

}  // namespace xinfer::tools
