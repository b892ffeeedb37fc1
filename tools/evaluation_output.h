// Evaluation reports as text and JSON.
#pragma once

#include <string>

#include "output.h"
#include "xinfer/evaluate/evaluate.h"

namespace xinfer::tools {

/// `tested` and `reference` name the two columns.
void print_evaluation(const EvaluationReport& report, const std::string& tested,
                      const std::string& reference);

nlohmann::json to_json(const EvaluationReport& report);

}  // namespace xinfer::tools
