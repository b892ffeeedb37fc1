// The public builder: collects a BuildRequest and runs it.
#include "xinfer/builders/engine_builder.h"

#include "calibrate/cache_tensorrt.h"
#include "compile/build.h"
#include "compile/check_shapes.h"
#include "compile/describe_graph.h"
#include "compile/find_ranges.h"
#include "compile/sized_plans.h"
#include "core/file.h"
#include "xinfer/builders/network.h"

namespace xinfer::builders {

struct EngineBuilder::State {
  compile::BuildRequest request;
  BuildReport report;
};

namespace {

ir::Precision to_ir(Precision precision) {
  switch (precision) {
    case Precision::kInt8:
      return ir::Precision::kInt8;
    case Precision::kFp16:
      return ir::Precision::kFp16;
    case Precision::kFp32:
      return ir::Precision::kFp32;
  }
  return ir::Precision::kFp32;
}

void check_has_model(const compile::BuildRequest& request) {
  if (request.model_path.empty() && request.model_bytes.empty() && request.graph == nullptr) {
    throw Error(ErrorCode::kInvalidArgument, "no model: call from_onnx or from_network first");
  }
}

}  // namespace

int BuildReport::layers_in(const std::string& precision) const {
  int count = 0;
  for (const LayerInfo& layer : layers) count += layer.precision == precision ? 1 : 0;
  return count;
}

EngineBuilder::EngineBuilder() : state_(std::make_unique<State>()) { make_missing_plans(); }
EngineBuilder::~EngineBuilder() = default;
EngineBuilder::EngineBuilder(EngineBuilder&&) noexcept = default;
EngineBuilder& EngineBuilder::operator=(EngineBuilder&&) noexcept = default;

EngineBuilder& EngineBuilder::from_onnx(const std::filesystem::path& path) {
  state_->request.model_path = path;
  state_->request.model_bytes.clear();
  state_->request.graph = nullptr;
  state_->request.imported = nullptr;
  return *this;
}

EngineBuilder& EngineBuilder::from_onnx(std::span<const std::byte> bytes) {
  state_->request.model_path.clear();
  state_->request.model_bytes.assign(bytes.begin(), bytes.end());
  state_->request.graph = nullptr;
  state_->request.imported = nullptr;
  return *this;
}

EngineBuilder& EngineBuilder::from_network(const Network& network) {
  compile::BuildRequest& request = state_->request;
  request.model_path.clear();
  request.model_bytes.clear();
  request.graph = std::make_shared<ir::Graph>(network.graph());
  request.imported = nullptr;
  const ir::Constraints& demands = network.constraints();
  std::vector<ir::PrecisionRule>& rules = request.constraints.precisions;
  rules.insert(rules.end(), demands.precisions.begin(), demands.precisions.end());
  for (const auto& [value, range] : demands.ranges) request.constraints.ranges[value] = range;
  return *this;
}

EngineBuilder& EngineBuilder::with_int8(std::shared_ptr<INT8Calibrator> calibrator) {
  state_->request.int8 = true;
  state_->request.calibrator = std::move(calibrator);
  return *this;
}

EngineBuilder& EngineBuilder::with_int8() { return with_int8(nullptr); }

EngineBuilder& EngineBuilder::with_fp16() {
  state_->request.fp16 = true;
  return *this;
}

EngineBuilder& EngineBuilder::with_max_batch_size(std::int64_t n) {
  if (n < 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "the largest batch is " + std::to_string(n) + "; needed: 1 or more");
  }
  state_->request.max_batch = n;
  state_->request.imported = nullptr;  // whether a fixed batch is freed is decided at import
  return *this;
}

EngineBuilder& EngineBuilder::with_profile(const std::string& input, Shape min, Shape opt,
                                           Shape max) {
  state_->request.profiles[input] = {std::move(min), std::move(opt), std::move(max)};
  return *this;
}

EngineBuilder& EngineBuilder::on(const std::string& device) {
  state_->request.device = device;
  return *this;
}

EngineBuilder& EngineBuilder::with_cuda_backend(const std::string& backend) {
  state_->request.cuda_backend = lower::parse_cuda_backend(backend).value();
  return *this;
}

EngineBuilder& EngineBuilder::with_timing_cache(const std::filesystem::path& path) {
  state_->request.timing_cache = path;
  return *this;
}

EngineBuilder& EngineBuilder::without_tuning() {
  state_->request.tuning = false;
  return *this;
}

EngineBuilder& EngineBuilder::with_calibration_cache(const std::filesystem::path& path,
                                                     CacheMismatch mismatch) {
  state_->request.calibration_cache = path;
  state_->request.cache_mismatch = mismatch == CacheMismatch::kPartial
                                       ? calibrate::CacheMismatch::kPartial
                                       : calibrate::CacheMismatch::kRefuse;
  return *this;
}

EngineBuilder& EngineBuilder::with_calibration_algorithm(const std::string& algorithm) {
  state_->request.algorithm = algorithm;
  return *this;
}

EngineBuilder& EngineBuilder::keep(const std::string& pattern, Precision precision) {
  state_->request.constraints.precisions.push_back({pattern, to_ir(precision), true});
  state_->request.patterns.push_back(pattern);
  return *this;
}

EngineBuilder& EngineBuilder::int8_only(const std::string& pattern) {
  state_->request.constraints.int8_only.push_back(pattern);
  state_->request.patterns.push_back(pattern);
  return *this;
}

EngineBuilder& EngineBuilder::with_range(const std::string& value, double low, double high) {
  state_->request.constraints.ranges[value] = {low, high};
  return *this;
}

EngineBuilder& EngineBuilder::with_shape(const std::string& input, Shape shape) {
  state_->request.shapes.emplace_back(input, std::move(shape));
  return *this;
}

EngineBuilder& EngineBuilder::with_preprocess(const std::string& text) {
  state_->request.preprocess = text;
  return *this;
}

EngineBuilder& EngineBuilder::with_u8_input() {
  state_->request.u8_input = true;
  return *this;
}

EngineBuilder& EngineBuilder::with_threads(int threads) {
  if (threads < 0) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("threads is {}; needed: 0 (all processors) or more", threads));
  }
  state_->request.threads = threads;
  return *this;
}

EngineBuilder& EngineBuilder::with_cpu_isa(const std::string& isa) {
  state_->request.isa = parse_isa(isa).value();
  return *this;
}

EngineBuilder& EngineBuilder::with_progress(ProgressCallback callback) {
  state_->request.progress = std::move(callback);
  return *this;
}

std::vector<BindingInfo> EngineBuilder::inputs() {
  compile::BuildRequest& request = state_->request;
  check_has_model(request);
  if (request.imported == nullptr) {
    request.imported =
        std::make_shared<compile::ImportedModel>(compile::import_model(request).value());
  }
  return compile::describe_inputs(request.imported->graph);
}

Engine EngineBuilder::build() {
  check_has_model(state_->request);
  compile::BuildResult result = compile::build(state_->request).value();
  Engine engine = Engine::load(std::as_bytes(std::span(result.engine)));
  compile::check_shapes(engine);
  state_->report = std::move(result.report);
  state_->report.layers = engine.layers();
  state_->report.int8_mac_share = engine.int8_mac_share();
  return engine;
}

BuildReport EngineBuilder::build_and_save(const std::filesystem::path& path) {
  const Engine engine = build();
  if (state_->request.progress) state_->request.progress({"write", 0, 1});
  engine.save(path);
  if (state_->request.progress) state_->request.progress({"write", 1, 1});
  return state_->report;
}

const BuildReport& EngineBuilder::report() const { return state_->report; }

BuildReport EngineBuilder::calibrate_and_save(const std::filesystem::path& cache) {
  check_has_model(state_->request);
  state_->report = {};
  const calibrate::Ranges ranges = compile::calibrate_only(state_->request, state_->report).value();
  compile::write_cache_file(ranges, cache).value();
  return state_->report;
}

std::string EngineBuilder::calibrate() {
  check_has_model(state_->request);
  state_->report = {};
  const calibrate::Ranges ranges = compile::calibrate_only(state_->request, state_->report).value();
  return calibrate::write_tensorrt_cache(ranges).value();
}

std::vector<std::byte> EngineBuilder::quantize(const QuantizeOptions& options) {
  check_has_model(state_->request);
  state_->report = {};
  compile::BuildRequest request = state_->request;
  request.int8 = true;
  const std::string model = compile::quantize(request, options, state_->report).value();
  const auto bytes = std::as_bytes(std::span(model));
  state_->report.engine_bytes = bytes.size();
  return {bytes.begin(), bytes.end()};
}

BuildReport EngineBuilder::quantize_and_save(const std::filesystem::path& path,
                                             const QuantizeOptions& options) {
  write_file_atomically(path, quantize(options)).value();
  return state_->report;
}

void make_missing_plans() { runtime::set_plan_maker(compile::make_missing_plan); }

}  // namespace xinfer::builders
