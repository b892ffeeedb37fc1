#include "tune/tune_cpu.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "kernels/conv/gemm_kernel.h"
#include "runtime/program.h"
#include "xinfer/core/device.h"

namespace xinfer::tune {
namespace {

namespace fb = engine::fb;
using kernels::ConvShape;
using kernels::ConvTactic;
using runtime::TunableStep;

/// Rounds in which every candidate has a turn, and the least time and runs of a turn. A turn is
/// short beside the slices of time in which other programs disturb it, so minima over rounds count.
constexpr int kRounds = 6;
constexpr auto kTurn = std::chrono::microseconds(400);
constexpr int kTurnRuns = 2;
/// Candidates that are slower by this factor after some rounds drop out; the first one stays.
constexpr double kHopeless = 1.15;
constexpr int kHopefulRounds = 2;
/// What a tactic must be faster by to replace the cost model's: less is within what timings vary.
constexpr double kWorthwhile = 0.97;

using Shapes = std::vector<Shape>;

/// The shapes that profiles name: smallest, usual and largest, each once.
std::vector<Shapes> profile_shapes(const fb::Engine& engine) {
  using Sizes = const flatbuffers::Vector<std::int64_t>* (fb::Binding::*)() const;
  std::vector<Shapes> all;
  for (const Sizes sizes : {&fb::Binding::min, &fb::Binding::opt, &fb::Binding::max}) {
    Shapes shapes;
    for (const fb::Binding* input : *engine.inputs()) {
      const auto* list = (input->*sizes)();
      shapes.emplace_back(list->begin(), list->end());
    }
    if (std::find(all.begin(), all.end(), shapes) == all.end()) all.push_back(std::move(shapes));
  }
  return all;
}

/// Microseconds of the fastest run in a turn.
double time_turn(runtime::Step& step, ThreadPool& pool, Status& status) {
  using Clock = std::chrono::steady_clock;
  double best = 1e30;
  const auto begin = Clock::now();
  auto start = begin;
  for (int run = 0; status.ok() && (run < kTurnRuns || start - begin < kTurn); ++run) {
    status = step.run(pool);
    const auto end = Clock::now();
    best = std::min(best, std::chrono::duration<double, std::micro>(end - start).count());
    start = end;
  }
  return best;
}

struct Candidate {
  ConvTactic tactic;
  std::unique_ptr<runtime::Step> step;
  double us = 1e30;
};

/// Every candidate's time; the first is the cost model's.
Result<std::vector<Candidate>> time_candidates(const TunableStep& problem,
                                               const std::vector<ConvTactic>& tactics,
                                               ThreadPool& pool) {
  std::vector<Candidate> candidates;
  for (const ConvTactic& tactic : tactics) {
    Candidate candidate;
    candidate.tactic = tactic;
    XINFER_ASSIGN_OR_RETURN(candidate.step, problem.make(tactic));
    candidates.push_back(std::move(candidate));
  }
  double best = 1e30;
  Status status;
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      Candidate& candidate = candidates[i];
      if (i > 0 && round >= kHopefulRounds && candidate.us > kHopeless * best) continue;
      candidate.us = std::min(candidate.us, time_turn(*candidate.step, pool, status));
      XINFER_RETURN_IF_ERROR(status);
      best = std::min(best, candidate.us);
    }
  }
  return candidates;
}

const Candidate& fastest_of(const std::vector<Candidate>& candidates) {
  const auto best = std::min_element(candidates.begin(), candidates.end(),
                                     [](const auto& a, const auto& b) { return a.us < b.us; });
  return best->us < kWorthwhile * candidates.front().us ? *best : candidates.front();
}

/// The epilogue's form, which decides what storing costs.
std::string epilogue_text(const fb::EpilogueT& epilogue) {
  std::string text;
  for (const auto& step : epilogue.steps) {
    text += fmt::format(" {}", fb::EnumNameEpilogueKind(step->kind));
  }
  return text;
}

/// 16 hexadecimal digits over the problem and its candidates.
std::string problem_key(const TunableStep& step, const std::string& epilogue, DType output,
                        const std::vector<ConvTactic>& tactics, const std::string& kernel) {
  const ConvShape& s = step.shape;
  std::string text = fmt::format(
      "{} {}x{}x{}x{} -> {}x{}x{} groups {} kernel {}x{} stride {}x{} dilation {}x{} pad {}x{} "
      "pixels {} {} output {}{}",
      kernel, s.batch, s.in_h, s.in_w, s.in_channels, s.out_h, s.out_w, s.out_channels, s.groups,
      s.kernel_h, s.kernel_w, s.stride_h, s.stride_w, s.dilation_h, s.dilation_w, s.pad_top,
      s.pad_left, s.x_pixel_stride, s.y_pixel_stride, to_string(output), epilogue);
  for (const ConvTactic& tactic : tactics) text += "; " + to_string(tactic);
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

std::unique_ptr<fb::TacticT> stored(const ConvTactic& tactic, const ConvShape& shape, CpuIsa isa,
                                    int threads) {
  auto t = std::make_unique<fb::TacticT>();
  t->isa = to_string(isa);
  t->threads = static_cast<std::uint32_t>(threads);
  t->batch = shape.batch;
  t->height = shape.out_h;
  t->width = shape.out_w;
  t->reads_lines = tactic.rows == kernels::RowAccess::kLines;
  t->tile_rows = static_cast<std::uint32_t>(tactic.tile_rows);
  t->tile_panels = static_cast<std::uint32_t>(tactic.tile_panels);
  t->block_rows = tactic.block_rows;
  t->row_parts = static_cast<std::uint32_t>(tactic.row_parts);
  t->column_parts = static_cast<std::uint32_t>(tactic.column_parts);
  return t;
}

/// One tuning of a plan.
class CpuTuner {
 public:
  CpuTuner(const CpuTuneOptions& options, fb::PlanT& plan)
      : options_(options),
        plan_(plan),
        device_(cpu_name()),
        architecture_(std::string("cpu:") + to_string(options.isa)) {}

  Status tune(unsigned index, const TunableStep& step, ThreadPool& pool) {
    fb::StepT& target = *plan_.steps[index];
    for (const auto& known : target.tactics) {
      if (known->threads == static_cast<unsigned>(pool.threads()) &&
          known->batch == step.shape.batch && known->height == step.shape.out_h &&
          known->width == step.shape.out_w) {
        return {};
      }
    }
    const kernels::GemmKernel& kernel = kernels::select_gemm_kernel(step.type, options_.isa);
    const std::vector<ConvTactic> tactics =
        kernels::list_tactics(step.shape, kernel, pool.threads());
    const auto* conv = target.params.AsConv();
    const std::string epilogue =
        epilogue_text(conv != nullptr ? *conv->epilogue : *target.params.AsGemm()->epilogue);
    const auto output = static_cast<unsigned>(target.outputs.at(0));
    const auto dtype = static_cast<DType>(plan_.tensors.at(output)->dtype);
    const std::string key = problem_key(step, epilogue, dtype, tactics, kernel.name);
    std::optional<ConvTactic> tactic = remembered(key, tactics);
    if (!tactic && options_.time) {
      XINFER_ASSIGN_OR_RETURN(tactic, timed(key, step, tactics, pool));
    }
    if (tactic) target.tactics.push_back(stored(*tactic, step.shape, options_.isa, pool.threads()));
    return {};
  }

  const CpuTuneReport& report() const { return report_; }
  const std::string& device() const { return device_; }

 private:
  std::optional<ConvTactic> remembered(const std::string& key,
                                       const std::vector<ConvTactic>& tactics) const {
    const std::optional<Timing> known = options_.timings->find(device_, architecture_, key);
    if (!known) return std::nullopt;
    const Result<ConvTactic> tactic = kernels::parse_tactic(known->tactic);
    const bool listed =
        tactic.ok() && std::find(tactics.begin(), tactics.end(), *tactic) != tactics.end();
    return listed ? std::optional(*tactic) : std::nullopt;
  }

  Result<std::optional<ConvTactic>> timed(const std::string& key, const TunableStep& step,
                                          const std::vector<ConvTactic>& tactics,
                                          ThreadPool& pool) {
    XINFER_ASSIGN_OR_RETURN(const std::vector<Candidate> candidates,
                            time_candidates(step, tactics, pool));
    const Candidate& best = fastest_of(candidates);
    ++report_.problems;
    report_.expected_us += candidates.front().us;
    report_.fastest_us += best.us;
    options_.timings->add(device_, architecture_, key, {to_string(best.tactic), best.us});
    return std::optional(best.tactic);
  }

  const CpuTuneOptions& options_;
  fb::PlanT& plan_;
  std::string device_, architecture_;
  CpuTuneReport report_;
};

}  // namespace

Result<CpuTuneReport> tune_cpu(const CpuTuneOptions& options,
                               const std::shared_ptr<const engine::EngineFile>& file,
                               fb::PlanT& plan) {
  CpuTuner tuner(options, plan);
  const std::vector<Shapes> all_shapes = profile_shapes(file->engine());
  const int all = options.threads > 0 ? options.threads : available_processors();
  const std::set<int> thread_counts = {1, all};
  const int total = static_cast<int>(thread_counts.size() * all_shapes.size());
  int done = 0;
  for (const int threads : thread_counts) {
    runtime::ProgramOptions program_options;
    program_options.isa = options.isa;
    program_options.threads = threads;
    XINFER_ASSIGN_OR_RETURN(const auto program, runtime::Program::create(file, program_options));
    for (const Shapes& shapes : all_shapes) {
      XINFER_RETURN_IF_ERROR(program->bind_shapes(shapes));
      XINFER_RETURN_IF_ERROR(
          program->tune_steps([&](unsigned index, const TunableStep& step, ThreadPool& pool) {
            return tuner.tune(index, step, pool);
          }));
      if (options.progress) options.progress(++done, total);
    }
  }
  plan.tuned_on = tuner.device();
  return tuner.report();
}

}  // namespace xinfer::tune
