// Accuracy of an engine on labelled samples, alone and against another engine.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "xinfer/core/engine.h"
#include "xinfer/data/samples.h"

namespace xinfer {

/// One engine on one sample set. The first output is taken as class scores, [N, classes] (trailing
/// axes of size 1 allowed); ties are broken by the lower class index.
struct Accuracy {
  std::int64_t samples = 0;
  std::int64_t labelled = 0;  ///< samples with a label; the figures below count these
  double top1_percent = 0;
  double top5_percent = 0;
  double seconds = 0;  ///< spent in inference alone
  double samples_per_second = 0;
};

/// Signal-to-quantisation-noise ratio of a value, over all samples.
struct ValueComparison {
  std::string name;
  double sqnr_db = 0;  ///< 10 log10(sum of reference^2 / sum of difference^2)
  double largest_difference = 0;
};

struct EvaluationReport {
  Accuracy engine;
  std::optional<Accuracy> baseline;
  /// Share of samples whose best class is the baseline's, percent; only if both are classifiers.
  std::optional<double> agreement_percent;
  std::vector<ValueComparison> outputs;  ///< against the baseline
  std::vector<ValueComparison> layers;   ///< in the engine's order, if asked for
};

struct EvaluationOptions {
  ContextOptions context;
  /// Compared with this engine, usually the float32 one; it must have the same inputs and outputs.
  std::optional<Engine> baseline;
  /// Compares every value that both engines compute (slow; at most `layer_samples` samples).
  bool layers = false;
  std::int64_t layer_samples = 32;
  std::function<void(std::int64_t done, std::int64_t total)> progress;
};

/// Runs every sample (after SampleSet::reset). Throws Error.
EvaluationReport evaluate(const Engine& engine, SampleSet& samples,
                          const EvaluationOptions& options = {});

/// Indices of the k best scores of each row of a classifier's output [N, classes], best first.
std::vector<std::vector<std::int64_t>> top_k(const Tensor& scores, std::int64_t k);

}  // namespace xinfer
