#include "compile/calibration.h"

#include <fmt/format.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "calibrate/calibrators.h"
#include "calibrate/race.h"
#include "compile/calibration_input.h"
#include "compile/execute.h"
#include "compile/gpu_calibration.h"
#include "compile/output_error.h"
#include "core/thread_pool.h"
#include "ir/text.h"
#include "passes/channel_groups.h"
#include "passes/non_negative.h"
#include "runtime/program.h"

namespace xinfer::compile {
namespace {

/// Samples of one batch, cut into the slices that one run takes.
struct Slices {
  std::vector<Tensor> inputs;  ///< whole batch, model order
  std::int64_t samples = 0;
  std::int64_t samples_per_run = 1;
};

/// One thread's program with its output buffers.
struct Worker {
  std::unique_ptr<runtime::Program> program;
  std::vector<Tensor> outputs;
};

/// Samples [run * per_run, (run + 1) * per_run) of a batch, not copied.
Tensor slice_of(const Tensor& batch, std::int64_t run, std::int64_t per_run) {
  Shape shape = batch.shape();
  const std::size_t bytes = batch.size_bytes() / static_cast<std::size_t>(shape[0]);
  shape[0] = per_run;
  auto* data =
      static_cast<const std::byte*>(batch.data()) + static_cast<std::size_t>(run * per_run) * bytes;
  return Tensor::view(batch.dtype(), std::move(shape), const_cast<std::byte*>(data));
}

/// A calibration in progress.
class Calibration {
 public:
  Calibration(const ir::Graph& graph, const lower::SymbolRanges& symbols,
              builders::INT8Calibrator& calibrator, const CalibrationOptions& options)
      : graph_(graph),
        symbols_(symbols),
        calibrator_(calibrator),
        options_(options),
        pool_(options.threads) {}

  Result<CalibrationResult> run();

 private:
  Status prepare();
  Status prepare_gpu();
  Status prepare_cpu();
  Status declare_values();
  Result<bool> next_slices(Slices& slices);
  Status run_slices(const Slices& slices);
  Status run_on_cpu(const Slices& slices);
  Status run_slice(Worker& worker, const Slices& slices, std::int64_t slice);
  Status observe(const runtime::TensorView& view, const std::string& name, std::int64_t sample);
  void report_progress() const;

  const ir::Graph& graph_;
  const lower::SymbolRanges& symbols_;
  builders::INT8Calibrator& calibrator_;
  const CalibrationOptions& options_;
  ThreadPool pool_;
  std::unique_ptr<GpuCalibration> gpu_;  ///< null: samples run on the CPU
  std::vector<Worker> workers_;
  std::vector<std::string> warnings_;
  std::vector<std::string> input_names_;
  std::int64_t fixed_batch_ = 0;  ///< 0: the batch is dynamic

  Result<ScoredValues> score_candidates();

  /// Samples that the `auto` calibrator scores candidates on.
  static constexpr std::size_t kScoringSamples = 8;

  lower::SymbolRanges sample_symbols_;  ///< with a batch of one run
  std::map<std::string, DType> grids_;
  ScoringSamples scoring_samples_{kScoringSamples};
  calibrate::RangeCollector collector_;
  std::unordered_map<std::string, std::mutex> locks_;  ///< a histogram takes one thread at a time
  calibrate::DataIdentity identity_;
  std::int64_t samples_ = 0;
};

Status Calibration::prepare() {
  if (graph_.inputs().empty()) return invalid_argument("the model has no inputs to calibrate with");
  lower::SymbolRanges symbols = symbols_;
  for (ir::ValueId id : graph_.inputs()) {
    const ir::Value& input = graph_.value(id);
    input_names_.push_back(input.name);
    if (input.shape.empty()) {
      return unsupported("input \"{}\" is a scalar; calibration needs a batch axis", input.name);
    }
    const std::string batch = input.shape[0].symbol_name();
    if (!batch.empty()) symbols[batch] = {1, 1, 1};
    if (input.shape[0].is_constant()) fixed_batch_ = input.shape[0].constant();
  }
  sample_symbols_ = std::move(symbols);
  if (options_.gpu) XINFER_RETURN_IF_ERROR(prepare_gpu());
  if (gpu_ == nullptr) XINFER_RETURN_IF_ERROR(prepare_cpu());
  return declare_values();
}

Status Calibration::prepare_gpu() {
  auto made = GpuCalibration::create(graph_, sample_symbols_, fixed_batch_, *options_.gpu);
  if (made.ok()) {
    gpu_ = *std::move(made);
    return {};
  }
  if (made.status().code() != ErrorCode::kUnsupported) return made.status();
  warnings_.push_back("calibrated on the CPU: " + made.status().message());
  return {};
}

Status Calibration::prepare_cpu() {
  XINFER_ASSIGN_OR_RETURN(const std::string bytes, make_engine_bytes(graph_, sample_symbols_, {}));
  XINFER_ASSIGN_OR_RETURN(const auto file,
                          engine::EngineFile::load(std::as_bytes(std::span(bytes)), "calibration"));
  for (int i = 0; i < pool_.threads(); ++i) {
    runtime::ProgramOptions program_options;
    program_options.isa = options_.isa;
    program_options.threads = 1;
    Worker worker;
    XINFER_ASSIGN_OR_RETURN(worker.program, runtime::Program::create(file, program_options));
    workers_.push_back(std::move(worker));
  }
  return {};
}

Status Calibration::declare_values() {
  const std::vector<bool> non_negative = passes::find_non_negative(graph_);
  std::unordered_map<std::string, DType> grids;
  for (std::size_t i = 0; i < graph_.value_count(); ++i) {
    const ir::Value& value = graph_.value(static_cast<ir::ValueId>(i));
    grids[value.name] = non_negative[i] ? DType::kUInt8 : DType::kInt8;
  }
  for (const std::string& name : float_value_names(graph_)) {
    const bool is_input =
        std::find(input_names_.begin(), input_names_.end(), name) != input_names_.end();
    collector_.declare(name, grids.at(name), is_input);
    if (!is_input) grids_[name] = grids.at(name);
    locks_[name];
  }
  // The executor keeps channels last, so that they are the last axis of whatever is observed.
  for (const passes::ChannelGroup& group : passes::find_channel_groups(graph_)) {
    for (ir::ValueId value : group.values) {
      collector_.observe_channels(graph_.value(value).name, group.channels);
      if (gpu_ != nullptr) gpu_->observe_channels(graph_.value(value).name, group.channels);
    }
  }
  return {};
}

Result<bool> Calibration::next_slices(Slices& slices) {
  slices.inputs.assign(input_names_.size(), Tensor());
  if (!calibrator_.next_batch(input_names_, slices.inputs)) return false;
  if (slices.inputs.size() != input_names_.size()) {
    return invalid_argument("the calibrator set {} tensors; the model has {} inputs",
                            slices.inputs.size(), input_names_.size());
  }
  slices.samples = slices.inputs[0].shape().empty() ? 0 : slices.inputs[0].shape()[0];
  for (std::size_t i = 0; i < slices.inputs.size(); ++i) {
    XINFER_RETURN_IF_ERROR(check_calibration_input(graph_.value(graph_.inputs()[i]),
                                                   slices.inputs[i], slices.samples, fixed_batch_));
  }
  slices.samples_per_run = std::max<std::int64_t>(fixed_batch_, 1);
  return true;
}

Status Calibration::observe(const runtime::TensorView& view, const std::string& name,
                            std::int64_t sample) {
  const auto lock = locks_.find(name);
  if (lock == locks_.end() || view.dtype != DType::kFloat32) return {};
  // A slice of a concatenation is copied out of it.
  const Tensor dense = view.is_dense() ? Tensor() : runtime::real_values(view);
  const auto* values = static_cast<const float*>(view.is_dense() ? view.data : dense.data());
  const std::lock_guard<std::mutex> guard(lock->second);
  collector_.add(name, {values, static_cast<std::size_t>(view.size())}, sample);
  return {};
}

Status Calibration::run_slice(Worker& worker, const Slices& slices, std::int64_t slice) {
  std::vector<Shape> shapes;
  std::vector<const void*> in_data;
  const std::int64_t first = slice * slices.samples_per_run;
  for (const Tensor& input : slices.inputs) {
    const Tensor part = slice_of(input, slice, slices.samples_per_run);
    shapes.push_back(part.shape());
    in_data.push_back(part.data());
  }
  XINFER_RETURN_IF_ERROR(worker.program->bind_shapes(shapes));
  std::vector<void*> out_data;
  worker.outputs.resize(graph_.outputs().size());
  for (std::size_t i = 0; i < worker.outputs.size(); ++i) {
    const Shape& shape = worker.program->output_shapes()[i];
    if (worker.outputs[i].empty() || worker.outputs[i].shape() != shape) {
      worker.outputs[i] = Tensor(graph_.value(graph_.outputs()[i].value).dtype, shape);
    }
    out_data.push_back(worker.outputs[i].data());
  }
  return worker.program->run_observed(
      in_data, out_data, [&](const auto& names, const runtime::TensorView& view) {
        for (const auto* name : names) {
          XINFER_RETURN_IF_ERROR(observe(view, name->str(), samples_ + first));
        }
        return Status();
      });
}

Status Calibration::run_on_cpu(const Slices& slices) {
  const std::int64_t runs = slices.samples / slices.samples_per_run;
  std::atomic<std::int64_t> next = 0;
  std::vector<Status> statuses(workers_.size());
  pool_.parallel_for(workers_.size(), [&](std::size_t i) {
    for (std::int64_t slice = next++; slice < runs && statuses[i].ok(); slice = next++) {
      statuses[i] = run_slice(workers_[i], slices, slice);
    }
  });
  pool_.park();
  for (Status& status : statuses) XINFER_RETURN_IF_ERROR(std::move(status));
  return {};
}

Status Calibration::run_slices(const Slices& slices) {
  XINFER_RETURN_IF_ERROR(gpu_ != nullptr ? gpu_->run(slices.inputs, samples_) : run_on_cpu(slices));
  const std::int64_t runs = slices.samples / slices.samples_per_run;
  for (std::int64_t run = 0; run < runs; ++run) {
    calibrate::DataIdentity identity;
    std::vector<Tensor> inputs;
    for (const Tensor& input : slices.inputs) {
      inputs.push_back(slice_of(input, run, slices.samples_per_run));
      identity.add(
          {static_cast<const std::byte*>(inputs.back().data()), inputs.back().size_bytes()});
    }
    if (options_.calibrator.algorithm == calibrate::Algorithm::kAuto) {
      scoring_samples_.offer(identity.hash, inputs);
    }
    identity.count = static_cast<std::uint64_t>(slices.samples_per_run);
    identity_.add(identity);
  }
  samples_ += slices.samples;
  return collector_.data_status();
}

void Calibration::report_progress() const {
  if (options_.progress) {
    options_.progress({"calibrate", samples_, calibrator_.sample_count().value_or(0)});
  }
}

/// The scoring samples are few and may lack what is rare: errors are scaled to the value's own
/// error over all samples, which its histogram tells.
void extend_to_all_samples(const quant::Histogram& histogram, DType grid, ScoredValue& value) {
  for (std::size_t i = 0; i < value.errors.size(); ++i) {
    const calibrate::ExpectedError all =
        calibrate::expected_error(histogram, value.candidates[i].threshold, grid);
    if (value.own_errors[i] > 0) {
      value.errors[i] *= (all.rounding + all.clipping) / value.own_errors[i];
    }
  }
}

Result<ScoredValues> Calibration::score_candidates() {
  std::map<std::string, std::vector<calibrate::Candidate>> candidates;
  for (const auto& [name, grid] : grids_) {
    const quant::Histogram* histogram = collector_.histogram(name);
    if (histogram == nullptr || histogram->amax() == 0) continue;
    candidates[name] = calibrate::candidates(*histogram, grid);
  }
  XINFER_ASSIGN_OR_RETURN(
      ScoredValues scored,
      score_by_output_error(graph_, sample_symbols_, std::move(scoring_samples_).take(), candidates,
                            grids_, options_.isa, pool_));
  for (auto& [name, value] : scored) {
    extend_to_all_samples(*collector_.histogram(name), grids_.at(name), value);
  }
  return scored;
}

/// The error of that candidate; NaN, which never wins, where it was not scored.
double score_of(const ScoredValues& scored, const std::string& value,
                const calibrate::Candidate& candidate) {
  const auto it = scored.find(value);
  if (it == scored.end()) return std::numeric_limits<double>::quiet_NaN();
  for (std::size_t i = 0; i < it->second.candidates.size(); ++i) {
    if (it->second.candidates[i].threshold == candidate.threshold) return it->second.errors[i];
  }
  return std::numeric_limits<double>::quiet_NaN();
}

Result<CalibrationResult> Calibration::run() {
  XINFER_RETURN_IF_ERROR(prepare());
  report_progress();
  Slices slices;
  for (;;) {
    XINFER_ASSIGN_OR_RETURN(const bool more, next_slices(slices));
    if (!more) break;
    XINFER_RETURN_IF_ERROR(run_slices(slices));
    report_progress();
  }
  if (samples_ == 0) {
    return invalid_argument("the calibration set is empty: the calibrator gave no batch");
  }
  if (gpu_ != nullptr) {
    XINFER_RETURN_IF_ERROR(gpu_->finish(collector_));
    XINFER_RETURN_IF_ERROR(collector_.data_status());
  }
  calibrate::ValueScore score;
  ScoredValues scored;
  if (options_.calibrator.algorithm == calibrate::Algorithm::kAuto) {
    XINFER_ASSIGN_OR_RETURN(scored, score_candidates());
    score = [&](const std::string& value, const calibrate::Candidate& candidate) {
      return score_of(scored, value, candidate);
    };
  }
  XINFER_ASSIGN_OR_RETURN(
      calibrate::Calibration finished,
      collector_.finish(options_.calibrator, model_hash(graph_), identity_, &pool_, score));
  for (const auto& [name, value] : scored) {
    calibrate::ValueRange* range = finished.ranges.find(name);
    if (!value.at_reader || range == nullptr) continue;
    const double error = score_of(scored, name, {range->calibrator, range->threshold});
    // Not a number where no candidate was taken: a value that is nearly all zero.
    if (std::isfinite(error)) range->output_error = error;
  }
  warnings_.insert(warnings_.end(), finished.warnings.begin(), finished.warnings.end());
  return CalibrationResult{std::move(finished.ranges), std::move(warnings_), samples_};
}

}  // namespace

std::string model_hash(const ir::Graph& graph) {
  const std::string text = ir::print(graph);
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

std::vector<std::string> float_value_names(const ir::Graph& graph) {
  std::vector<std::string> names;
  for (ir::ValueId input : graph.inputs()) {
    if (graph.value(input).dtype == DType::kFloat32) names.push_back(graph.value(input).name);
  }
  for (ir::NodeId id : graph.order()) {
    for (ir::ValueId output : graph.node(id).outputs) {
      if (output != ir::kNoValue && graph.value(output).dtype == DType::kFloat32) {
        names.push_back(graph.value(output).name);
      }
    }
  }
  return names;
}

Result<CalibrationResult> run_calibration(const ir::Graph& graph,
                                          const lower::SymbolRanges& symbols,
                                          builders::INT8Calibrator& calibrator,
                                          const CalibrationOptions& options) {
  return Calibration(graph, symbols, calibrator, options).run();
}

}  // namespace xinfer::compile
