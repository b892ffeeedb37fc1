#include "tune/tune.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

#include "tune/kernel_timer.h"

namespace xinfer::tune {
namespace {

using kernels::cuda::KernelSpec;
using lower::BatchPoint;

/// A set of candidates and everyone who waits for its decision.
struct Question {
  std::string key;
  const lower::OpenLaunch* launch = nullptr;
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

/// Questions that the timing cache does not answer; answered ones are settled.
Result<std::vector<Question>> open_questions(const TuneOptions& options, const std::string& device,
                                             lower::OpenCudaPlan& open) {
  std::vector<Question> questions;
  std::map<std::string, std::size_t> by_key;
  for (lower::OpenLaunch& launch : open.launches) {
    for (BatchPoint& point : launch.points) {
      if (point.candidates.size() < 2) continue;
      XINFER_ASSIGN_OR_RETURN(const std::string key,
                              candidate_key(point, options.build.architecture));
      auto known = options.timings->find(device, options.build.architecture, key);
      if (!known) known = shipped_timings().find(device, options.build.architecture, key);
      if (known && prefer(point, known->tactic)) continue;
      const auto [it, added] = by_key.try_emplace(key, questions.size());
      if (added) questions.push_back({key, &launch, {}});
      questions[it->second].points.push_back(&point);
    }
  }
  return questions;
}

/// Times every candidate of a question; the fastest decides.
Result<Timing> answer(KernelTimer& timer, const Question& question,
                      std::span<const std::vector<std::byte>> cubins) {
  const BatchPoint& point = *question.points.front();
  OperandSizes sizes;
  for (const lower::OperandExtent& extent : question.launch->operands) {
    sizes.emplace_back(extent.operand, extent.bytes_at(point.largest_batch));
  }
  Timing best;
  for (std::size_t i = 0; i < point.candidates.size(); ++i) {
    Result<double> time =
        timer.microseconds(point.candidates[i], cubins[i], sizes, point.largest_batch);
    if (!time.ok()) return time.status().with_context("timing " + point.candidates[i].tactic);
    if (best.tactic.empty() || *time < best.microseconds) {
      best = {point.candidates[i].tactic, *time};
    }
  }
  return best;
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
  std::vector<const KernelSpec*> specs;
  for (const Question& question : questions) {
    for (const KernelSpec& spec : question.points.front()->candidates) specs.push_back(&spec);
  }
  XINFER_ASSIGN_OR_RETURN(const auto cubins,
                          jit::compile_kernels(specs, options.build, *options.cubins));
  std::size_t first = 0;
  for (const Question& question : questions) {
    const std::size_t count = question.points.front()->candidates.size();
    XINFER_ASSIGN_OR_RETURN(const Timing best,
                            answer(*timer, question, std::span(cubins).subspan(first, count)));
    first += count;
    options.timings->add(device, options.build.architecture, question.key, best);
    for (BatchPoint* point : question.points) prefer(*point, best.tactic);
  }
  return {};
}

}  // namespace xinfer::tune
