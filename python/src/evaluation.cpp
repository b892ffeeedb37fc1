// Accuracy of an engine on labelled samples.
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "module.h"
#include "xinfer/evaluate/evaluate.h"

namespace xinfer::python {
namespace {

nb::dict accuracy_to_dict(const Accuracy& accuracy) {
  nb::dict entry;
  entry["samples"] = accuracy.samples;
  entry["labelled"] = accuracy.labelled;
  entry["top1_percent"] = accuracy.top1_percent;
  entry["top5_percent"] = accuracy.top5_percent;
  entry["seconds"] = accuracy.seconds;
  entry["samples_per_second"] = accuracy.samples_per_second;
  return entry;
}

nb::list comparisons_to_list(const std::vector<ValueComparison>& comparisons) {
  nb::list list;
  for (const ValueComparison& comparison : comparisons) {
    nb::dict entry;
    entry["name"] = comparison.name.c_str();
    entry["sqnr_db"] = comparison.sqnr_db;
    entry["largest_difference"] = comparison.largest_difference;
    list.append(entry);
  }
  return list;
}

nb::dict report_to_dict(const EvaluationReport& report) {
  nb::dict result;
  result["engine"] = accuracy_to_dict(report.engine);
  result["baseline"] =
      report.baseline ? nb::object(accuracy_to_dict(*report.baseline)) : nb::none();
  result["agreement_percent"] = nb::cast(report.agreement_percent);
  result["outputs"] = comparisons_to_list(report.outputs);
  result["layers"] = comparisons_to_list(report.layers);
  return result;
}

nb::dict evaluate_path(const Engine& engine, const std::filesystem::path& data,
                       const std::string& labels, const std::string& preprocess,
                       std::int64_t batch_size, std::int64_t count, const Engine* baseline,
                       bool layers, int threads, nb::object callback) {
  SampleOptions samples = sample_options(engine, preprocess);
  samples.labels = labels;
  samples.batch_size = batch_size;
  samples.count = count;
  EvaluationOptions options;
  options.context.threads = threads;
  if (baseline != nullptr) options.baseline = *baseline;
  options.layers = layers;
  options.progress = [held = SharedObject(std::move(callback))](std::int64_t done,
                                                                std::int64_t total) {
    const nb::gil_scoped_acquire lock;
    if (PyErr_CheckSignals() != 0) nb::raise_python_error();
    if (!held->is_none()) (*held)("evaluate", done, total);
  };
  EvaluationReport report;
  {
    const nb::gil_scoped_release unlocked;
    SampleSet set = SampleSet::open(data, samples, engine.inputs());
    report = evaluate(engine, set, options);
  }
  return report_to_dict(report);
}

}  // namespace

void bind_evaluation(nb::module_& module) {
  module.def("evaluate", &evaluate_path, nb::arg("engine"), nb::arg("data"), nb::arg("labels"),
             nb::arg("preprocess"), nb::arg("batch_size"), nb::arg("count"),
             nb::arg("baseline").none(), nb::arg("layers"), nb::arg("threads"),
             nb::arg("progress").none());
}

}  // namespace xinfer::python
