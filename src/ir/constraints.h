// What the user demands of the build, apart from the graph itself: precisions and ranges.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace xinfer::ir {

enum class Precision { kInt8, kFp16, kFp32 };

const char* to_string(Precision precision);

/// A demand on every node whose name (or output value's name) matches a glob pattern: * and ?.
struct PrecisionRule {
  std::string pattern;
  Precision precision = Precision::kFp32;
  bool required = true;  ///< required: an error if it cannot be kept; else a preference
};

/// Real interval set by hand for a value (TensorRT's dynamic range): quantised symmetric s8 with
/// amax = max(|low|, |high|).
struct HandRange {
  double low = 0, high = 0;
};

struct Constraints {
  /// Later rules win.
  std::vector<PrecisionRule> precisions;
  /// If not empty, only nodes that match one of these patterns may be INT8.
  std::vector<std::string> int8_only;
  /// By value name.
  std::map<std::string, HandRange> ranges;
};

/// True if `text` matches the glob `pattern` (* any run, ? any one character).
bool matches_glob(const std::string& pattern, const std::string& text);

}  // namespace xinfer::ir
