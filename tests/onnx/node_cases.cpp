#include "node_cases.h"

#include <fnmatch.h>

#include <cctype>
#include <fstream>
#include <ostream>
#include <sstream>

namespace xinfer {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream stream(line);
  for (std::string field; std::getline(stream, field, '\t');) fields.push_back(field);
  return fields;
}

struct Exclusion {
  std::string stage, pattern, reason;
};

std::vector<Exclusion> read_exclusions() {
  std::vector<Exclusion> exclusions;
  std::ifstream stream(XINFER_NODE_CASE_EXCLUSIONS);
  for (std::string line; std::getline(stream, line);) {
    if (line.empty() || line[0] == '#') continue;
    Exclusion exclusion;
    std::istringstream words(line);
    words >> exclusion.stage >> exclusion.pattern;
    std::getline(words >> std::ws, exclusion.reason);
    exclusions.push_back(std::move(exclusion));
  }
  return exclusions;
}

}  // namespace

std::ostream& operator<<(std::ostream& stream, const NodeCase& node_case) {
  return stream << node_case.name;
}

std::vector<NodeCase> node_cases() {
  const fs::path folder = XINFER_NODE_CASES;
  std::vector<NodeCase> cases;
  std::ifstream stream(folder / "manifest.tsv");
  for (std::string line; std::getline(stream, line);) {
    const std::vector<std::string> fields = fields_of(line);
    if (fields.size() == 4 && fields[0] == "case") {
      cases.push_back({fields[1],
                       std::stod(fields[2]),
                       std::stod(fields[3]),
                       folder / fields[1] / "model.onnx",
                       {},
                       {}});
    } else if (fields.size() == 3 && !cases.empty()) {
      auto& list = fields[0] == "input" ? cases.back().inputs : cases.back().outputs;
      list.emplace_back(fields[1], folder / fields[2]);
    }
  }
  return cases;
}

std::string exclusion(const std::string& stage, const std::string& case_name) {
  static const std::vector<Exclusion> exclusions = read_exclusions();
  for (const Exclusion& exclusion : exclusions) {
    if (exclusion.stage != stage) continue;
    if (fnmatch(exclusion.pattern.c_str(), case_name.c_str(), 0) == 0) return exclusion.reason;
  }
  return "";
}

std::string test_name(const NodeCase& node_case) {
  std::string name = node_case.name;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

}  // namespace xinfer
