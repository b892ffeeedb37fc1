#include "compile/build.h"

#include <chrono>

#include "compile/devices.h"
#include "compile/execute.h"
#include "compile/find_ranges.h"
#include "compile/image_input.h"
#include "compile/profiles.h"
#include "compile/report.h"
#include "compile/sized_plans.h"
#include "export/onnx_export.h"
#include "import/onnx_import.h"
#include "ir/fix_symbols.h"
#include "ir/verify.h"
#include "passes/adopt_quantization.h"
#include "passes/choose_int8_regions.h"
#include "passes/equalise_channels.h"
#include "passes/pipeline.h"
#include "passes/precision_plan.h"
#include "passes/round_biases.h"
#include "quant/quantize.h"

namespace xinfer::compile {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// One build: what the stages hand to each other.
class Builder {
 public:
  Builder(const BuildRequest& request, builders::BuildReport& report)
      : request_(request), report_(report) {}

  Result<std::string> build();
  Result<calibrate::Ranges> calibrate();
  Result<std::string> quantize(const builders::QuantizeOptions& options);

 private:
  Status find_targets();
  /// The CPU as the target, tuned where a timing cache is given.
  void add_cpu();
  Status import();
  Status simplify();
  /// Dimensions to which a profile gives one size become constants.
  Status fix_dimensions(bool batch);
  /// What a u8 input is normalised with, checked against the model's input.
  Result<ir::ConvertImage> find_image_conversion() const;
  /// Refuses options that do not fit the model, before calibration takes its time.
  Status check_options() const;
  /// Refuses a model that needs no calibration.
  Status expect_float_model() const;
  /// Names in rules that no node has are most likely misspelt.
  void warn_of_idle_patterns();
  /// From the simplified graph to the engine's bytes.
  Result<std::string> compile(const calibrate::Ranges& ranges);
  RangeSource range_source();
  /// `offsets`: may functions that are a little below zero be lifted to u8?
  Result<passes::PrecisionPlan> plan_precisions(const calibrate::Ranges& ranges, bool offsets);
  passes::PrecisionOptions precision_options(bool offsets);
  /// Precisions of a model that is quantised already.
  Result<passes::PrecisionPlan> adopt_precisions();
  Status insert_qdq(const passes::PrecisionPlan& plan);
  Status verify(const char* pass) const;
  void progress(const char* stage, std::int64_t done, std::int64_t total) const {
    if (request_.progress) request_.progress({stage, done, total});
  }

  const BuildRequest& request_;
  builders::BuildReport& report_;
  ir::Graph graph_;
  lower::SymbolRanges symbols_;
  EngineTargets targets_;
};

Status Builder::verify(const char* pass) const {
  Status status = ir::verify(graph_);
  return status.ok() ? Status() : std::move(status).with_context(std::string("after ") + pass);
}

Status Builder::import() {
  progress("import", 0, 1);
  if (request_.imported != nullptr) {
    graph_ = request_.imported->graph;
    report_.warnings = request_.imported->warnings;
  } else {
    XINFER_ASSIGN_OR_RETURN(ImportedModel model, import_model(request_));
    graph_ = std::move(model.graph);
    report_.warnings = std::move(model.warnings);
  }
  XINFER_ASSIGN_OR_RETURN(
      symbols_, symbol_ranges(graph_, request_.profiles, request_.max_batch, report_.warnings));
  progress("import", 1, 1);
  return verify("import");
}

Status Builder::simplify() {
  XINFER_RETURN_IF_ERROR(passes::simplify(graph_, node_evaluator()));
  return verify("simplify");
}

Result<ir::ConvertImage> Builder::find_image_conversion() const {
  XINFER_ASSIGN_OR_RETURN(const Preprocessing preprocessing,
                          parse_preprocessing(request_.preprocess));
  return image_conversion(graph_, preprocessing);
}

Status Builder::check_options() const {
  XINFER_RETURN_IF_ERROR(plan_sizes(graph_, symbols_, request_.shapes).status());
  if (request_.u8_input) return find_image_conversion().status();
  XINFER_ASSIGN_OR_RETURN(const Preprocessing preprocessing,
                          parse_preprocessing(request_.preprocess));
  return check_pixel_input(graph_, preprocessing);
}

Status Builder::expect_float_model() const {
  if (!passes::holds_quantization(graph_)) return {};
  return invalid_argument(
      "the model is quantised already: it holds QuantizeLinear; calibrate the float model");
}

void Builder::warn_of_idle_patterns() {
  for (const std::string& pattern : request_.patterns) {
    if (passes::matches_any_node(graph_, pattern)) continue;
    report_.warnings.push_back(
        fmt::format("the rule \"{}\" matches no node and no output of one", pattern));
  }
}

RangeSource Builder::range_source() {
  RangeSource source{request_, graph_, symbols_, {}, report_};
  for (const CudaBuild& build : targets_.cuda) {
    if (build.tune_on >= 0 && !source.gpu) source.gpu = build;
  }
  return source;
}

Status Builder::fix_dimensions(bool batch) {
  std::map<std::string, std::int64_t> sizes = fixed_sizes(graph_, request_.profiles);
  if (!batch) {
    for (const std::string& symbol : batch_symbols(graph_)) sizes.erase(symbol);
  }
  if (sizes.empty()) return {};
  XINFER_RETURN_IF_ERROR(ir::fix_symbols(graph_, sizes));
  for (const auto& [symbol, size] : sizes) symbols_.erase(symbol);
  return simplify();
}

Result<passes::PrecisionPlan> Builder::plan_precisions(const calibrate::Ranges& ranges,
                                                       bool offsets) {
  passes::RangeMap map = usable_ranges(ranges, report_.warnings);
  passes::equalise_channels(graph_, map, request_.constraints);
  XINFER_RETURN_IF_ERROR(verify("equalise_channels"));
  return passes::plan_precisions(graph_, map, request_.constraints, precision_options(offsets));
}

Result<passes::PrecisionPlan> Builder::adopt_precisions() {
  XINFER_ASSIGN_OR_RETURN(
      passes::PrecisionPlan plan,
      passes::adopt_quantization(graph_, request_.constraints, precision_options(false)));
  XINFER_RETURN_IF_ERROR(verify("adopt_quantization"));
  return plan;
}

Status Builder::insert_qdq(const passes::PrecisionPlan& plan) {
  XINFER_RETURN_IF_ERROR(passes::insert_qdq(graph_, plan));
  return verify("insert_qdq");
}

passes::PrecisionOptions Builder::precision_options(bool offsets) {
  passes::PrecisionOptions options;
  options.int8 = request_.int8;
  options.fp16 = request_.fp16;
  options.fp16_exists = !targets_.cuda.empty();
  if (options.fp16 && targets_.cpu) {
    report_.warnings.push_back(
        "FP16 was asked for: there are FP16 kernels for GPUs alone; on the CPU those layers run in "
        "FP32");
  }
  options.offsets = offsets;
  return options;
}

/// What the steps that nodes become will be looked up by.
lower::NodePrecisions precisions_by_origin(const ir::Graph& graph,
                                           const passes::PrecisionPlan& plan) {
  lower::NodePrecisions precisions;
  for (const auto& [id, planned] : plan.nodes) {
    const ir::Node& node = graph.node(id);
    precisions[node.name] = planned.precision;
    for (const std::string& origin : node.origins) precisions[origin] = planned.precision;
  }
  return precisions;
}

Status Builder::find_targets() {
  XINFER_ASSIGN_OR_RETURN(targets_, parse_targets(request_.device, request_.cuda_backend));
  for (CudaBuild& cuda : targets_.cuda) {
    cuda.cubin_folder = default_cubin_folder();
    cuda.threads = request_.threads;
    cuda.progress = request_.progress;
    cuda.timing_cache = request_.timing_cache;
    cuda.tuning = request_.tuning;
    if (!request_.tuning) cuda.tune_on = -1;
  }
  if (targets_.cpu) add_cpu();
  return {};
}

void Builder::add_cpu() {
  targets_.cpu = true;
  if (request_.timing_cache.empty()) return;
  targets_.cpu_tuning = CpuTuning{request_.isa, request_.threads, request_.tuning,
                                  request_.timing_cache, request_.progress};
}

Result<std::string> Builder::build() {
  XINFER_RETURN_IF_ERROR(find_targets());
  XINFER_RETURN_IF_ERROR(import());
  XINFER_RETURN_IF_ERROR(check_options());
  XINFER_RETURN_IF_ERROR(simplify());
  calibrate::Ranges ranges;
  if (passes::holds_quantization(graph_)) {
    if (request_.calibrator != nullptr || !request_.calibration_cache.empty()) {
      report_.warnings.push_back(
          "the model is quantised already: its own scales are used, and nothing is calibrated");
    }
  } else if (request_.int8) {
    XINFER_ASSIGN_OR_RETURN(ranges, find_ranges(range_source()));
  }
  XINFER_RETURN_IF_ERROR(fix_dimensions(/*batch=*/false));
  warn_of_idle_patterns();
  const ir::Graph simplified = graph_;
  Result<std::string> bytes = compile(ranges);
  const bool gpu_was_a_guess = request_.device == "auto" && !targets_.cuda.empty();
  if (!bytes.ok() && gpu_was_a_guess && bytes.status().code() == ErrorCode::kUnsupported) {
    report_.warnings.push_back("built for the CPU: " + bytes.status().message());
    targets_ = {};
    add_cpu();
    graph_ = simplified;
    bytes = compile(ranges);
  }
  return bytes;
}

Result<std::string> Builder::compile(const calibrate::Ranges& ranges) {
  progress("compile", 0, 1);
  if (!targets_.cuda.empty()) {
    targets_.cuda_backend = request_.cuda_backend;
    XINFER_ASSIGN_OR_RETURN(targets_.cuda_sizes, plan_sizes(graph_, symbols_, request_.shapes));
  }
  const bool quantised = passes::holds_quantization(graph_);
  XINFER_ASSIGN_OR_RETURN(
      const passes::PrecisionPlan plan,
      quantised ? adopt_precisions() : plan_precisions(ranges, /*offsets=*/true));
  for (CudaBuild& cuda : targets_.cuda) cuda.precisions = precisions_by_origin(graph_, plan);
  engine::fb::EngineT details = describe_build(graph_, plan, ranges);
  details.preprocess = request_.preprocess;
  if (!quantised) {
    XINFER_RETURN_IF_ERROR(insert_qdq(plan));
    XINFER_RETURN_IF_ERROR(passes::round_biases(graph_));
    XINFER_RETURN_IF_ERROR(verify("round_biases"));
  }
  if (request_.u8_input) {
    XINFER_ASSIGN_OR_RETURN(ir::ConvertImage conversion, find_image_conversion());
    describe_image_input(conversion, details);
    XINFER_RETURN_IF_ERROR(take_image_input(graph_, std::move(conversion)));
    XINFER_RETURN_IF_ERROR(verify("take_image_input"));
  }
  XINFER_RETURN_IF_ERROR(passes::fuse(graph_));
  XINFER_RETURN_IF_ERROR(verify("fuse"));
  XINFER_ASSIGN_OR_RETURN(std::string bytes,
                          make_engine_bytes(graph_, symbols_, std::move(details), targets_));
  progress("compile", 1, 1);
  return bytes;
}

Result<calibrate::Ranges> Builder::calibrate() {
  XINFER_RETURN_IF_ERROR(find_targets());
  XINFER_RETURN_IF_ERROR(import());
  XINFER_RETURN_IF_ERROR(check_options());
  XINFER_RETURN_IF_ERROR(simplify());
  XINFER_RETURN_IF_ERROR(expect_float_model());
  return calibrate_samples(range_source());
}

/// Every value on the s8 grid of its threshold.
void make_signed(passes::PrecisionPlan& plan) {
  for (auto& [id, value] : plan.values) {
    value.dtype = DType::kInt8;
    value.scale = quant::s8_scale(value.threshold);
  }
}

Result<std::string> Builder::quantize(const builders::QuantizeOptions& options) {
  if (request_.u8_input) {
    return invalid_argument(
        "a u8 input is part of an engine; a quantised ONNX model keeps the float32 input");
  }
  XINFER_RETURN_IF_ERROR(import());
  XINFER_RETURN_IF_ERROR(check_options());
  XINFER_RETURN_IF_ERROR(simplify());
  XINFER_RETURN_IF_ERROR(expect_float_model());
  XINFER_ASSIGN_OR_RETURN(const calibrate::Ranges ranges, find_ranges(range_source()));
  XINFER_RETURN_IF_ERROR(fix_dimensions(/*batch=*/true));
  warn_of_idle_patterns();
  progress("compile", 0, 1);
  XINFER_ASSIGN_OR_RETURN(passes::PrecisionPlan plan,
                          plan_precisions(ranges, /*offsets=*/!options.for_tensorrt));
  if (options.for_tensorrt) make_signed(plan);
  report_.layers = layers_of(describe_build(graph_, plan, ranges));
  report_.int8_mac_share = plan.int8_mac_share(graph_);
  XINFER_RETURN_IF_ERROR(insert_qdq(plan));
  XINFER_ASSIGN_OR_RETURN(std::string model, export_onnx(graph_, {!options.for_tensorrt}));
  progress("compile", 1, 1);
  return model;
}

}  // namespace

Result<ImportedModel> import_model(const BuildRequest& request) {
  ImportedModel model;
  if (request.graph != nullptr) {
    model.graph = *request.graph;
    return model;
  }
  ImportOptions options;
  options.free_batch = request.max_batch > 0;
  XINFER_ASSIGN_OR_RETURN(model.graph,
                          request.model_path.empty()
                              ? import_onnx(request.model_bytes, options, &model.warnings)
                              : import_onnx(request.model_path, options, &model.warnings));
  if (!request.model_path.empty()) model.graph.name = request.model_path.stem().string();
  return model;
}

Result<BuildResult> build(const BuildRequest& request) {
  const Clock::time_point start = Clock::now();
  BuildResult result;
  XINFER_ASSIGN_OR_RETURN(result.engine, Builder(request, result.report).build());
  result.report.total_seconds = seconds_since(start);
  result.report.engine_bytes = result.engine.size();
  return result;
}

Result<calibrate::Ranges> calibrate_only(const BuildRequest& request,
                                         builders::BuildReport& report) {
  const Clock::time_point start = Clock::now();
  Result<calibrate::Ranges> ranges = Builder(request, report).calibrate();
  report.total_seconds = seconds_since(start);
  return ranges;
}

Result<std::string> quantize(const BuildRequest& request, const builders::QuantizeOptions& options,
                             builders::BuildReport& report) {
  const Clock::time_point start = Clock::now();
  Result<std::string> model = Builder(request, report).quantize(options);
  report.total_seconds = seconds_since(start);
  return model;
}

}  // namespace xinfer::compile
