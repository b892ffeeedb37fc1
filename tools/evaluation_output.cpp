#include "evaluation_output.h"

#include <fmt/format.h>

#include <cmath>

namespace xinfer::tools {
namespace {

std::string decibels(double value) {
  return std::isinf(value) ? "equal" : fmt::format("{:.1f} dB", value);
}

void add_accuracy(Table& table, const std::string& name, const Accuracy& accuracy) {
  const bool labelled = accuracy.labelled > 0;
  table.add({name, labelled ? fmt::format("{:.2f}", accuracy.top1_percent) : "-",
             labelled ? fmt::format("{:.2f}", accuracy.top5_percent) : "-",
             std::to_string(accuracy.samples), fmt::format("{:.1f}", accuracy.samples_per_second)});
}

nlohmann::json to_json(const Accuracy& accuracy) {
  return {
      {"samples", accuracy.samples},           {"labelled", accuracy.labelled},
      {"top1_percent", accuracy.top1_percent}, {"top5_percent", accuracy.top5_percent},
      {"seconds", accuracy.seconds},           {"samples_per_second", accuracy.samples_per_second}};
}

nlohmann::json to_json(const std::vector<ValueComparison>& values) {
  nlohmann::json list = nlohmann::json::array();
  for (const ValueComparison& value : values) {
    // JSON has no infinity: null means equal.
    list.push_back(
        {{"name", value.name},
         {"sqnr_db", std::isinf(value.sqnr_db) ? nlohmann::json() : nlohmann::json(value.sqnr_db)},
         {"largest_difference", value.largest_difference}});
  }
  return list;
}

}  // namespace

void print_evaluation(const EvaluationReport& report, const std::string& tested,
                      const std::string& reference) {
  Table table({"", "top-1 %", "top-5 %", "samples", "samples/s"});
  add_accuracy(table, tested, report.engine);
  if (report.baseline) add_accuracy(table, reference, *report.baseline);
  table.print({1, 2, 3, 4});
  if (report.agreement_percent) {
    fmt::print("agreement of the best class: {:.2f} %\n", *report.agreement_percent);
  }
  for (const ValueComparison& output : report.outputs) {
    fmt::print("output {}: SQNR {}, largest difference {:.4g}\n", output.name,
               decibels(output.sqnr_db), output.largest_difference);
  }
  if (report.layers.empty()) return;
  Table layers({"value", "SQNR", "largest difference"});
  for (const ValueComparison& layer : report.layers) {
    layers.add(
        {layer.name, decibels(layer.sqnr_db), fmt::format("{:.4g}", layer.largest_difference)});
  }
  layers.print({1, 2});
}

nlohmann::json to_json(const EvaluationReport& report) {
  nlohmann::json document = {{"engine", to_json(report.engine)}};
  if (report.baseline) document["baseline"] = to_json(*report.baseline);
  if (report.agreement_percent) document["agreement_percent"] = *report.agreement_percent;
  document["outputs"] = to_json(report.outputs);
  document["layers"] = to_json(report.layers);
  return document;
}

}  // namespace xinfer::tools
