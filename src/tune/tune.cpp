#include "tune/tune.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "lower/cuda/replaced_launches.h"
#include "tune/fastest_candidate.h"
#include "tune/kernel_timer.h"

namespace xinfer::tune {
namespace {

using kernels::cuda::KernelSpec;
using lower::BatchPoint;

/// A set of candidates and everyone who waits for its decision.
struct Question {
  std::string key;
  const lower::OpenLaunch* launch = nullptr;
  /// The launches before, nearest first, that a candidate replaces: the times of those that do not
  /// include theirs.
  std::vector<const lower::OpenLaunch*> replaced;
  std::vector<BatchPoint*> points;
};

/// Puts the candidate of that tactic first; false if there is none.
bool prefer(BatchPoint& point, const std::string& tactic) {
  const auto it = std::find_if(point.candidates.begin(), point.candidates.end(),
                               [&](const KernelSpec& spec) { return spec.tactic == tactic; });
  if (it == point.candidates.end()) return false;
  std::rotate(point.candidates.begin(), it, it + 1);
  return true;
}

/// The most launches that a candidate replaces.
int most_replaced(const BatchPoint& point) {
  int most = 0;
  for (const KernelSpec& spec : point.candidates) most = std::max(most, spec.replaces_previous);
  return most;
}

/// The kernels that some candidates of a question replace, nearest first, as decided by now.
std::vector<const KernelSpec*> replaced_kernels(const Question& question) {
  const BatchPoint& point = *question.points.front();
  std::vector<const KernelSpec*> specs;
  for (const lower::OpenLaunch* replaced : question.replaced) {
    specs.push_back(&lower::point_for(*replaced, point.largest_batch).candidates.front());
  }
  return specs;
}

/// The cubins of all kernels that questions may have to time, compiled side by side.
class TimedKernels {
 public:
  static Result<TimedKernels> compile(const std::vector<Question>& questions,
                                      const TuneOptions& options) {
    std::vector<const KernelSpec*> specs;
    for (const Question& question : questions) {
      for (const KernelSpec& spec : question.points.front()->candidates) specs.push_back(&spec);
      // What its candidates replace may yet be decided otherwise, for a candidate of a question
      // before this one.
      const std::vector<const KernelSpec*> replaced = replaced_kernels(question);
      specs.insert(specs.end(), replaced.begin(), replaced.end());
    }
    XINFER_ASSIGN_OR_RETURN(auto cubins,
                            jit::compile_kernels(specs, options.build, *options.cubins));
    TimedKernels kernels;
    for (std::size_t i = 0; i < specs.size(); ++i) {
      kernels.cubins_.try_emplace(key_of(*specs[i]), std::move(cubins[i]));
    }
    return kernels;
  }

  Result<std::span<const std::byte>> find(const KernelSpec& spec) const {
    const auto it = cubins_.find(key_of(spec));
    if (it == cubins_.end()) return internal_error("{} was not compiled for timing", spec.tactic);
    return std::span<const std::byte>(it->second);
  }

 private:
  using Key = std::tuple<std::string, std::string, std::string>;
  static Key key_of(const KernelSpec& spec) { return {spec.source, spec.layer, spec.tactic}; }

  std::map<Key, std::vector<std::byte>> cubins_;
};

OperandSizes operand_sizes(const lower::OpenLaunch& launch, std::int64_t batch) {
  OperandSizes sizes;
  for (const lower::OperandExtent& extent : launch.operands) {
    sizes.emplace_back(extent.operand, extent.bytes_at(batch));
  }
  return sizes;
}

/// Questions that the timing cache does not answer; answered ones are settled.
Result<std::vector<Question>> open_questions(const TuneOptions& options, const std::string& device,
                                             lower::OpenCudaPlan& open) {
  std::vector<Question> questions;
  std::map<std::string, std::size_t> by_key;
  for (std::size_t i = 0; i < open.launches.size(); ++i) {
    for (BatchPoint& point : open.launches[i].points) {
      if (point.candidates.size() < 2) continue;
      XINFER_ASSIGN_OR_RETURN(const std::string key,
                              candidate_key(point, options.build.architecture));
      auto known = options.timings->find(device, options.build.architecture, key);
      if (!known) known = shipped_timings().find(device, options.build.architecture, key);
      if (known && prefer(point, known->tactic)) continue;
      const auto [it, added] = by_key.try_emplace(key, questions.size());
      if (added) {
        Question question{key, &open.launches[i], {}, {}};
        for (int before = 1; before <= most_replaced(point); ++before) {
          question.replaced.push_back(&open.launches[i - static_cast<std::size_t>(before)]);
        }
        questions.push_back(std::move(question));
      }
      questions[it->second].points.push_back(&point);
    }
  }
  return questions;
}

/// Microseconds of the launches that a question's candidates replace, nearest first, with the
/// kernels that earlier answers decided for them.
Result<std::vector<double>> replaced_times(KernelTimer& timer, const TimedKernels& kernels,
                                           const Question& question) {
  const std::vector<const KernelSpec*> replaced = replaced_kernels(question);
  const std::int64_t batch = question.points.front()->largest_batch;
  std::vector<double> times;
  for (std::size_t i = 0; i < replaced.size(); ++i) {
    XINFER_ASSIGN_OR_RETURN(const auto cubin, kernels.find(*replaced[i]));
    XINFER_ASSIGN_OR_RETURN(const double time,
                            timer.microseconds(*replaced[i], cubin,
                                               operand_sizes(*question.replaced[i], batch), batch));
    times.push_back(time);
  }
  return times;
}

/// Times the candidates of a question; the fastest decides.
Result<Timing> answer(KernelTimer& timer, const TimedKernels& kernels, const Question& question) {
  const BatchPoint& point = *question.points.front();
  const std::int64_t batch = point.largest_batch;
  const OperandSizes sizes = operand_sizes(*question.launch, batch);
  XINFER_ASSIGN_OR_RETURN(const std::vector<double> before,
                          replaced_times(timer, kernels, question));
  const auto time = [&](std::size_t i) -> Result<double> {
    const KernelSpec& spec = point.candidates[i];
    XINFER_ASSIGN_OR_RETURN(const auto cubin, kernels.find(spec));
    Result<double> all = timer.microseconds(spec, cubin, sizes, batch);
    if (!all.ok()) return all.status().with_context("timing " + spec.tactic);
    for (auto j = static_cast<std::size_t>(spec.replaces_previous); j < before.size(); ++j) {
      *all += before[j];
    }
    return all;
  };
  XINFER_ASSIGN_OR_RETURN(const FastestCandidate best,
                          fastest_candidate(point.candidates.size(), time));
  return Timing{point.candidates[best.index].tactic, best.microseconds};
}

/// Keeps what was timed. Where a build beside this one has decided first, both take its kernels.
Status keep_answers(const TuneOptions& options, const std::string& device,
                    const std::vector<Question>& questions) {
  if (options.timing_file.empty() || questions.empty()) return {};
  XINFER_ASSIGN_OR_RETURN(*options.timings, options.timings->save(options.timing_file));
  for (const Question& question : questions) {
    const auto kept = options.timings->find(device, options.build.architecture, question.key);
    for (BatchPoint* point : question.points) prefer(*point, kept->tactic);
  }
  return {};
}

}  // namespace

std::string without_floats(std::string_view constants) {
  const auto is_digit = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
  std::string result;
  for (std::size_t i = 0; i < constants.size();) {
    std::size_t end = i;
    if (constants.substr(i, 2) == "0x") {
      end += 2;
      while (end < constants.size() && (is_digit(constants[end]) || constants[end] == '.')) ++end;
      if (end < constants.size() && constants[end] == 'p') {
        end = constants.find('f', end);  // the literal's suffix: exponents are decimal
        result += "float";
        i = end == std::string_view::npos ? constants.size() : end + 1;
        continue;
      }
    }
    result += constants[i++];
  }
  return result;
}

Result<std::string> candidate_key(const BatchPoint& point, const std::string& architecture) {
  jit::Compilation all;
  for (const KernelSpec& spec : point.candidates) {
    XINFER_ASSIGN_OR_RETURN(const jit::Compilation one, jit::compilation_of(spec, architecture));
    all.source += one.source + without_floats(spec.layer) + spec.tactic;
    for (const jit::NamedSource& header : one.headers) {
      if (header.name != "layer.cuh") all.headers.push_back(header);
    }
  }
  all.architecture = fmt::format("{} batch {}", architecture, point.largest_batch);
  return jit::compilation_key(all, 0);
}

Status tune(const TuneOptions& options, lower::OpenCudaPlan& open) {
  std::optional<KernelTimer> timer;
  if (options.ordinal >= 0) {
    XINFER_ASSIGN_OR_RETURN(timer, KernelTimer::open(options.ordinal));
  }
  const std::string device = timer ? timer->device().name : "";
  XINFER_ASSIGN_OR_RETURN(const std::vector<Question> questions,
                          open_questions(options, device, open));
  if (!timer) return {};
  XINFER_ASSIGN_OR_RETURN(const TimedKernels kernels, TimedKernels::compile(questions, options));
  for (const Question& question : questions) {
    XINFER_ASSIGN_OR_RETURN(const Timing best, answer(*timer, kernels, question));
    options.timings->add(device, options.build.architecture, question.key, best);
    for (BatchPoint* point : question.points) prefer(*point, best.tactic);
  }
  return keep_answers(options, device, questions);
}

}  // namespace xinfer::tune
