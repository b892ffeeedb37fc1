// xinfer bench: throughput and latency, reported as trtexec does.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <thread>
#include <utility>

#include "arguments.h"
#include "commands.h"
#include "output.h"
#include "step_operations.h"
#include "xinfer/core/device.h"
#include "xinfer/core/error.h"

namespace xinfer::tools {
namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string engine, json;
  std::int64_t batch = 0;
  double duration_s = 3, warmup_s = 0.5;
  int streams = 1, iterations = 10;
  std::vector<double> percentiles = {90, 95, 99};
  bool layers = false, no_transfers = false;
  RunArguments run;
};

double milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

/// Random values that are not zero: normal for floats, the whole range for bytes, small integers.
Tensor random_tensor(DType dtype, const Shape& shape, std::mt19937& random) {
  Tensor tensor(dtype, shape);
  const auto fill = [&](auto values, auto&& draw) {
    for (auto& value : values) value = static_cast<std::decay_t<decltype(value)>>(draw());
  };
  std::normal_distribution<float> normal;
  if (dtype == DType::kFloat32) {
    fill(tensor.values<float>(), [&] { return normal(random); });
  } else if (dtype == DType::kInt64) {
    fill(tensor.values<std::int64_t>(), [&] { return random() % 2; });
  } else if (dtype == DType::kInt32) {
    fill(tensor.values<std::int32_t>(), [&] { return random() % 2; });
  } else {
    auto* bytes = static_cast<std::uint8_t*>(tensor.data());
    for (std::size_t i = 0; i < tensor.size_bytes(); ++i) {
      bytes[i] = dtype == DType::kBool ? random() % 2 : static_cast<std::uint8_t>(random());
    }
  }
  return tensor;
}

/// One stream: a context with tensors of its own.
class Stream {
 public:
  Stream(const Engine& engine, const Arguments& arguments, unsigned seed)
      : context_(engine, arguments.run.context()),
        is_resident_(arguments.no_transfers && context_.cpu_isa().empty()) {
    std::mt19937 random(seed);
    std::vector<Shape> shapes;
    for (const BindingInfo& input : engine.inputs()) {
      Shape shape = input.opt;
      if (arguments.batch > 0 && !shape.empty()) shape[0] = arguments.batch;
      batch_ = shape.empty() ? 1 : shape[0];
      shapes.push_back(shape);
      inputs_.push_back(random_tensor(input.dtype, shape, random));
    }
    const std::vector<Shape> out = context_.output_shapes(shapes);
    for (std::size_t i = 0; i < out.size(); ++i) {
      outputs_.emplace_back(engine.outputs()[i].dtype, out[i]);
    }
  }

  /// Latencies in ms of runs until `end`, at least so many; without transfers each is the mean of
  /// kResidentRuns runs, back to back.
  std::vector<double> run_until(Clock::time_point end, std::size_t at_least) {
    std::vector<double> latencies;
    if (is_resident_) {
      context_.infer_into(inputs_, outputs_);
      while (Clock::now() < end || latencies.size() < at_least) {
        const double each_ms = context_.run_resident(kResidentRuns) / kResidentRuns;
        latencies.insert(latencies.end(), kResidentRuns, each_ms);
      }
      return latencies;
    }
    Clock::time_point start = Clock::now();
    while (start < end || latencies.size() < at_least) {
      context_.infer_into(inputs_, outputs_);
      const Clock::time_point now = Clock::now();
      latencies.push_back(milliseconds(now - start));
      start = now;
    }
    return latencies;
  }

  Context& context() { return context_; }
  std::span<const Tensor> inputs() const { return inputs_; }
  std::int64_t batch() const { return batch_; }
  /// Whether transfers are left out of the times: on a GPU, if asked for. A CPU has none.
  bool is_resident() const { return is_resident_; }

 private:
  static constexpr int kResidentRuns = 20;

  Context context_;
  bool is_resident_ = false;
  std::vector<Tensor> inputs_, outputs_;
  std::int64_t batch_ = 1;
};

struct Statistics {
  std::size_t runs = 0;
  double min = 0, mean = 0, median = 0, max = 0;
  std::vector<std::pair<std::string, double>> percentiles;  ///< "p99" and its value
};

Statistics summarise(std::vector<double> latencies, const std::vector<double>& percentiles) {
  Statistics s;
  s.runs = latencies.size();
  if (latencies.empty()) return s;
  std::sort(latencies.begin(), latencies.end());
  const auto percentile = [&](double p) {
    const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(s.runs)));
    return latencies[std::clamp<std::size_t>(rank, 1, s.runs) - 1];
  };
  s.min = latencies.front();
  s.max = latencies.back();
  s.mean = std::accumulate(latencies.begin(), latencies.end(), 0.0) / static_cast<double>(s.runs);
  s.median = percentile(0.5);
  for (const double p : percentiles) {
    s.percentiles.emplace_back(fmt::format("p{:g}", p), percentile(p / 100));
  }
  return s;
}

/// Runs all streams side by side for a time; returns their latencies and the seconds it took: the
/// time on the clock, or without transfers the time that the runs themselves took.
std::pair<std::vector<double>, double> run_streams(std::vector<Stream>& streams, double seconds,
                                                   std::size_t at_least) {
  const Clock::time_point start = Clock::now();
  const auto end =
      start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::vector<std::vector<double>> latencies(streams.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < streams.size(); ++i) {
    threads.emplace_back([&, i] { latencies[i] = streams[i].run_until(end, at_least); });
  }
  latencies[0] = streams[0].run_until(end, at_least);
  for (std::thread& thread : threads) thread.join();
  double elapsed = milliseconds(Clock::now() - start) / 1e3;
  if (streams[0].is_resident()) {
    elapsed = 0;
    for (const auto& part : latencies) {
      elapsed = std::max(elapsed, std::accumulate(part.begin(), part.end(), 0.0) / 1e3);
    }
  }
  std::vector<double> all;
  for (const auto& part : latencies) all.insert(all.end(), part.begin(), part.end());
  return {std::move(all), elapsed};
}

/// Medians of every step over some profiled runs.
std::vector<StepProfile> profile_steps(Stream& stream) {
  constexpr int kRuns = 20;
  std::vector<std::vector<double>> times;
  std::vector<StepProfile> steps;
  for (int run = 0; run < kRuns; ++run) {
    steps = stream.context().profile(stream.inputs());
    times.resize(steps.size());
    for (std::size_t i = 0; i < steps.size(); ++i) times[i].push_back(steps[i].microseconds);
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    std::nth_element(times[i].begin(), times[i].begin() + kRuns / 2, times[i].end());
    steps[i].microseconds = times[i][kRuns / 2];
  }
  return steps;
}

/// What a step could reach: operations and bytes a second.
class Peaks {
 public:
  explicit Peaks(const Context& context) : threads_(context.threads()) {
    is_cpu_ = !context.cpu_isa().empty();
    if (is_cpu_) {
      int8_gops_ = cpu_peak_gops(context.cpu_isa(), DType::kInt8) * threads_;
      f32_gops_ = cpu_peak_gops(context.cpu_isa(), DType::kFloat32) * threads_;
      return;
    }
    for (const GpuInfo& gpu : gpus()) {
      if (gpu.name != context.device()) continue;
      int8_gops_ = gpu.peak_int8_gops;
      f32_gops_ = gpu.peak_f32_gops;
      memory_gb_per_s_ = gpu.memory_gb_per_s;
    }
  }

  /// 0 where that is not known.
  double gops(const StepProfile& step) const {
    return step.kernel.find("f32") != std::string::npos ? f32_gops_ : int8_gops_;
  }

  /// On a CPU: of the cache, or the memory, that holds what the step moves. 0 if not known.
  double gb_per_s(const StepProfile& step) {
    if (!is_cpu_) return memory_gb_per_s_;
    if (step.bytes <= 0) return 0;
    // Sizes are measured by powers of two, each once.
    const int size = std::max(14, static_cast<int>(std::ceil(std::log2(step.bytes))));
    const auto [it, added] = read_gb_per_s_.try_emplace(size, 0);
    if (added) it->second = cpu_read_gb_per_s(std::size_t{1} << size, threads_);
    return it->second;
  }

 private:
  bool is_cpu_ = false;
  int threads_ = 1;
  double int8_gops_ = 0, f32_gops_ = 0, memory_gb_per_s_ = 0;
  std::map<int, double> read_gb_per_s_;  ///< by the logarithm of bytes
};

/// The least time that a step's operations and bytes take at the peaks.
struct Roofline {
  double computing_us = 0, moving_us = 0;

  double us() const { return std::max(computing_us, moving_us); }
  /// What the time is spent on that the step needs more of; "" where nothing is known.
  const char* bound() const {
    return us() <= 0 ? "" : computing_us >= moving_us ? "products" : "bytes";
  }
};

Roofline roofline_of(const StepProfile& step, double operations, Peaks& peaks) {
  Roofline roofline;
  const double gops = peaks.gops(step);
  if (gops > 0) roofline.computing_us = operations / gops / 1e3;
  const double gb_per_s = peaks.gb_per_s(step);
  if (gb_per_s > 0) roofline.moving_us = step.bytes / gb_per_s / 1e3;
  return roofline;
}

nlohmann::json print_steps(const Engine& engine, Stream& stream, bool print) {
  const std::vector<StepProfile> steps = profile_steps(stream);
  std::vector<double> operations =
      step_operations(engine, stream.context().target(), stream.batch());
  count_where_done(steps, operations);
  double total = 0, least_us = 0;
  for (const StepProfile& step : steps) total += step.microseconds;
  Peaks peaks(stream.context());
  Table table({"step", "kind", "kernel", "µs", "%", "GOPS", "% of peak", "GB/s", "% of roofline",
               "bound by"});
  nlohmann::json list = nlohmann::json::array();
  const auto known = [](double value) { return value > 0 ? nlohmann::json(value) : nullptr; };
  const auto text = [](double value) { return value > 0 ? fmt::format("{:.0f}", value) : ""; };
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double us = std::max(steps[i].microseconds, 1e-3);
    const double gops = operations[i] / us / 1e3, gb_per_s = steps[i].bytes / us / 1e3;
    const double peak_gops = peaks.gops(steps[i]);
    const double peak_share = peak_gops > 0 ? gops / peak_gops : 0;
    const Roofline roofline = roofline_of(steps[i], operations[i], peaks);
    const double share = roofline.us() / us;
    least_us += roofline.us();
    table.add({steps[i].name, steps[i].kind, steps[i].kernel, fmt::format("{:.1f}", us),
               fmt::format("{:.1f}", 100 * us / total), text(gops), text(100 * peak_share),
               text(gb_per_s), text(100 * share), roofline.bound()});
    list.push_back({{"name", steps[i].name},
                    {"kind", steps[i].kind},
                    {"kernel", steps[i].kernel},
                    {"microseconds", steps[i].microseconds},
                    {"gops", known(gops)},
                    {"peak_share", known(peak_share)},
                    {"gb_per_s", known(gb_per_s)},
                    {"roofline_share", known(share)},
                    {"bound", share > 0 ? nlohmann::json(roofline.bound()) : nullptr}});
  }
  if (print) {
    table.print({3, 4, 5, 6, 7, 8});
    fmt::print("all steps   {:.1f} µs; at the roofline {:.1f} µs ({:.0f} %)\n", total, least_us,
               100 * least_us / std::max(total, 1e-3));
  }
  return list;
}

void run_bench(const Arguments& arguments) {
  const Clock::time_point load_start = Clock::now();
  const Engine engine = Engine::load(std::filesystem::path(arguments.engine));
  const double load_ms = milliseconds(Clock::now() - load_start);
  if (arguments.streams < 1) {
    throw Error(ErrorCode::kInvalidArgument, "--streams needs 1 or more");
  }
  for (const double p : arguments.percentiles) {
    if (p <= 0 || p > 100) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("--percentiles: {:g}; needed: above 0, at most 100", p));
    }
  }
  std::vector<Stream> streams;
  for (int i = 0; i < arguments.streams; ++i) {
    streams.emplace_back(engine, arguments, static_cast<unsigned>(i + 1));
  }
  run_streams(streams, arguments.warmup_s, 1);
  const auto at_least = static_cast<std::size_t>(std::max(arguments.iterations, 1));
  const auto [latencies, seconds] = run_streams(streams, arguments.duration_s, at_least);
  const Statistics s = summarise(latencies, arguments.percentiles);
  const double runs_per_second = static_cast<double>(s.runs) / seconds;
  const std::int64_t batch = streams[0].batch();
  const bool print = arguments.json != "-";
  const char* transfers = !streams[0].context().cpu_isa().empty() ? "none"
                          : streams[0].is_resident()              ? "left out"
                                                                  : "included";
  if (print) {
    fmt::print("engine      {} ({}: {}, {} threads, {} streams, batch {})\n", arguments.engine,
               streams[0].context().target(), streams[0].context().device(),
               streams[0].context().threads(), arguments.streams, batch);
    fmt::print("load        {:.2f} ms; memory {} weights, {} activations a stream\n", load_ms,
               megabytes(engine.weight_bytes()), megabytes(streams[0].context().memory_bytes()));
    fmt::print("throughput  {:.2f} runs/s, {:.2f} samples/s\n", runs_per_second,
               runs_per_second * static_cast<double>(batch));
    fmt::print("transfers   {}\n", transfers);
    fmt::print("latency     min {:.3f} ms, mean {:.3f} ms, median {:.3f} ms, ", s.min, s.mean,
               s.median);
    for (const auto& [name, value] : s.percentiles) fmt::print("{} {:.3f} ms, ", name, value);
    fmt::print("max {:.3f} ms ({} runs)\n", s.max, s.runs);
  }
  nlohmann::json latency = {{"min", s.min}, {"mean", s.mean}, {"median", s.median}, {"max", s.max}};
  for (const auto& [name, value] : s.percentiles) latency[name] = value;
  nlohmann::json document = {{"schema", "xinfer.bench/1"},
                             {"engine", arguments.engine},
                             {"target", streams[0].context().target()},
                             {"device", streams[0].context().device()},
                             {"cpu_isa", streams[0].context().cpu_isa()},
                             {"threads", streams[0].context().threads()},
                             {"streams", arguments.streams},
                             {"batch", batch},
                             {"load_ms", load_ms},
                             {"runs", s.runs},
                             {"runs_per_second", runs_per_second},
                             {"samples_per_second", runs_per_second * static_cast<double>(batch)},
                             {"transfers", transfers},
                             {"latency_ms", latency}};
  if (arguments.layers) document["steps"] = print_steps(engine, streams[0], print);
  write_json(document, arguments.json);
}

}  // namespace

void add_bench(CLI::App& app) {
  CLI::App* command = app.add_subcommand("bench", "Measure throughput and latency");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("engine", arguments->engine, "Engine file")->required()->type_name("ENGINE");
  command->add_option("--batch", arguments->batch, "Batch; default: the engine's usual one")
      ->type_name("N");
  command->add_option("--duration", arguments->duration_s, "Seconds to measure; default 3")
      ->type_name("S");
  command->add_option("--warmup", arguments->warmup_s, "Seconds before; default 0.5")
      ->type_name("S");
  command->add_option("--streams", arguments->streams, "Contexts that run side by side; default 1")
      ->type_name("N");
  command->add_flag(
      "--no-transfers", arguments->no_transfers,
      "Leave out transfers between host and GPU: time runs on inputs already there, back "
      "to back; a CPU has none");
  command->add_option("--iterations", arguments->iterations, "Runs at least; default 10")
      ->type_name("N");
  command->add_option("--percentiles", arguments->percentiles, "Of the latency; default 90,95,99")
      ->delimiter(',')
      ->type_name("P,…");
  command->add_flag("--layers", arguments->layers, "Time every step");
  add_run_options(*command, arguments->run);
  add_json_option(*command, arguments->json);
  command->footer("Example:\n  xinfer bench mobilenetv2.engine --batch 1 --threads 2 --layers");
  command->callback([arguments] { run_bench(*arguments); });
}

}  // namespace xinfer::tools
