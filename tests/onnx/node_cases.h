// ONNX's backend node cases, as scripts/generate_test_files.sh writes them, and the list of those
// that xinfer does not pass, with reasons.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

namespace xinfer {

struct NodeCase {
  std::string name;
  double relative_tolerance = 0;
  double absolute_tolerance = 0;
  std::filesystem::path model;
  /// Value names and .npy files.
  std::vector<std::pair<std::string, std::filesystem::path>> inputs, outputs;

  friend std::ostream& operator<<(std::ostream& stream, const NodeCase& node_case);
};

/// Every generated case; none if they were not generated.
std::vector<NodeCase> node_cases();

/// Why a case is left out at a stage ("import" or "run"); empty if it is not.
/// tests/onnx/exclusions.txt has a line `<stage> <name pattern> <reason>` for each.
std::string exclusion(const std::string& stage, const std::string& case_name);

/// The gtest name of a case: letters, digits and underscores.
std::string test_name(const NodeCase& node_case);

}  // namespace xinfer
