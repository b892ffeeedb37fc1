#include "xinfer/evaluate/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace xinfer {
namespace {

using Clock = std::chrono::steady_clock;

/// Class scores as rows, or nothing if the tensor is no classifier's output.
struct Scores {
  const float* data = nullptr;
  std::int64_t rows = 0, classes = 0;
};

Scores scores_of(const Tensor& output) {
  Scores scores;
  const Shape& shape = output.shape();
  if (output.dtype() != DType::kFloat32 || shape.size() < 2) return scores;
  for (std::size_t axis = 2; axis < shape.size(); ++axis) {
    if (shape[axis] != 1) return scores;
  }
  scores.data = output.values<float>().data();
  scores.rows = shape[0];
  scores.classes = shape[1];
  return scores;
}

/// Sums for signal-to-noise ratios.
struct Noise {
  double signal = 0, noise = 0, largest = 0;

  void add(const Tensor& reference, const Tensor& tested) {
    const auto r = reference.values<float>();
    const auto t = tested.values<float>();
    for (std::size_t i = 0; i < r.size(); ++i) {
      const double difference = static_cast<double>(t[i]) - r[i];
      signal += static_cast<double>(r[i]) * r[i];
      noise += difference * difference;
      largest = std::max(largest, std::abs(difference));
    }
  }
  ValueComparison result(const std::string& name) const {
    const double ratio =
        noise == 0 ? std::numeric_limits<double>::infinity() : 10 * std::log10(signal / noise);
    return {name, ratio, largest};
  }
};

/// One engine being judged.
class Judge {
 public:
  Judge(const Engine& engine, const ContextOptions& options) : context_(engine, options) {}

  /// Runs a batch and counts hits; returns the outputs.
  std::vector<Tensor> run(const SampleBatch& batch) {
    const Clock::time_point start = Clock::now();
    std::vector<Tensor> outputs = context_.infer(batch.inputs);
    seconds_ += std::chrono::duration<double>(Clock::now() - start).count();
    samples_ += static_cast<std::int64_t>(batch.targets.size());
    best_.clear();
    if (scores_of(outputs.at(0)).data == nullptr) return outputs;
    const auto ranked = top_k(outputs[0], 5);
    for (std::size_t row = 0; row < ranked.size() && row < batch.targets.size(); ++row) {
      best_.push_back(ranked[row].at(0));
      const std::int64_t target = batch.targets[row];
      if (target < 0) continue;
      ++labelled_;
      top1_ += ranked[row][0] == target ? 1 : 0;
      top5_ += std::count(ranked[row].begin(), ranked[row].end(), target);
    }
    return outputs;
  }

  const std::vector<std::int64_t>& best() const { return best_; }
  Context& context() { return context_; }

  Accuracy accuracy() const {
    Accuracy result;
    result.samples = samples_;
    result.labelled = labelled_;
    result.seconds = seconds_;
    result.samples_per_second = seconds_ > 0 ? static_cast<double>(samples_) / seconds_ : 0;
    if (labelled_ > 0) {
      result.top1_percent = 100.0 * static_cast<double>(top1_) / static_cast<double>(labelled_);
      result.top5_percent = 100.0 * static_cast<double>(top5_) / static_cast<double>(labelled_);
    }
    return result;
  }

 private:
  Context context_;
  std::vector<std::int64_t> best_;
  std::int64_t samples_ = 0, labelled_ = 0, top1_ = 0, top5_ = 0;
  double seconds_ = 0;
};

void check_comparable(const Engine& engine, const Engine& baseline) {
  const auto same = [](const std::vector<BindingInfo>& a, const std::vector<BindingInfo>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const BindingInfo& x, const BindingInfo& y) {
                        return x.name == y.name && x.dtype == y.dtype;
                      });
  };
  if (!same(engine.inputs(), baseline.inputs()) || !same(engine.outputs(), baseline.outputs())) {
    throw Error(ErrorCode::kInvalidArgument,
                "the engines have different inputs or outputs and cannot be compared");
  }
}

/// Compares the values that both engines compute, batch by batch.
class LayerComparison {
 public:
  void add(Context& engine, Context& baseline, const SampleBatch& batch) {
    std::map<std::string, Tensor> reference;
    baseline.infer_observed(batch.inputs, [&](const std::string& name, const Tensor& values) {
      reference.emplace(name, values);
    });
    engine.infer_observed(batch.inputs, [&](const std::string& name, const Tensor& values) {
      const auto it = reference.find(name);
      if (it == reference.end() || it->second.shape() != values.shape()) return;
      const auto [entry, added] = index_.try_emplace(name, sums_.size());
      if (added) sums_.emplace_back(name, Noise());
      sums_[entry->second].second.add(it->second, values);
    });
  }

  std::vector<ValueComparison> results() const {
    std::vector<ValueComparison> results;
    for (const auto& [name, noise] : sums_) results.push_back(noise.result(name));
    return results;
  }

 private:
  std::vector<std::pair<std::string, Noise>> sums_;
  std::map<std::string, std::size_t> index_;
};

}  // namespace

std::vector<std::vector<std::int64_t>> top_k(const Tensor& output, std::int64_t k) {
  const Scores scores = scores_of(output);
  if (scores.data == nullptr) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("class scores are float32 [N, classes]; this output is {} {}",
                            to_string(output.dtype()), to_string(output.shape())));
  }
  const std::int64_t kept = std::min(k, scores.classes);
  std::vector<std::vector<std::int64_t>> result;
  std::vector<std::int64_t> order(static_cast<std::size_t>(scores.classes));
  for (std::int64_t row = 0; row < scores.rows; ++row) {
    const float* values = scores.data + row * scores.classes;
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::partial_sort(order.begin(), order.begin() + kept, order.end(),
                      [&](std::int64_t a, std::int64_t b) {
                        return values[a] > values[b] || (values[a] == values[b] && a < b);
                      });
    result.emplace_back(order.begin(), order.begin() + kept);
  }
  return result;
}

EvaluationReport evaluate(const Engine& engine, SampleSet& samples,
                          const EvaluationOptions& options) {
  Judge judge(engine, options.context);
  std::optional<Judge> baseline;
  if (options.baseline) {
    check_comparable(engine, *options.baseline);
    baseline.emplace(*options.baseline, options.context);
  }
  std::vector<Noise> noise(engine.outputs().size());
  LayerComparison layers;
  std::int64_t done = 0, agreeing = 0, compared = 0;
  samples.reset();
  for (SampleBatch batch; samples.next(batch);) {
    const std::vector<Tensor> outputs = judge.run(batch);
    if (baseline) {
      const std::vector<Tensor> reference = baseline->run(batch);
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        if (outputs[i].dtype() == DType::kFloat32) noise[i].add(reference[i], outputs[i]);
      }
      for (std::size_t row = 0; row < judge.best().size(); ++row) {
        agreeing += judge.best()[row] == baseline->best()[row] ? 1 : 0;
        ++compared;
      }
      if (options.layers && done < options.layer_samples) {
        layers.add(judge.context(), baseline->context(), batch);
      }
    }
    done += static_cast<std::int64_t>(batch.targets.size());
    if (options.progress) options.progress(done, samples.size());
  }
  EvaluationReport report;
  report.engine = judge.accuracy();
  if (!baseline) return report;
  report.baseline = baseline->accuracy();
  if (compared > 0) {
    report.agreement_percent =
        100.0 * static_cast<double>(agreeing) / static_cast<double>(compared);
  }
  for (std::size_t i = 0; i < noise.size(); ++i) {
    report.outputs.push_back(noise[i].result(engine.outputs()[i].name));
  }
  report.layers = layers.results();
  return report;
}

}  // namespace xinfer
