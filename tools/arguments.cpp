#include "arguments.h"

#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "xinfer/core/error.h"

namespace xinfer::tools {
namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

/// "1x3x224x224".
Shape parse_shape(const std::string& text, const std::string& option) {
  Shape shape;
  for (const std::string& part : split(text, 'x')) {
    std::int64_t size = 0;
    const auto result = std::from_chars(part.data(), part.data() + part.size(), size);
    if (result.ec != std::errc() || result.ptr != part.data() + part.size()) {
      refuse(fmt::format("{}: \"{}\" is no shape; needed: sizes joined by x, as 1x3x224x224",
                         option, text));
    }
    shape.push_back(size);
  }
  return shape;
}

void apply_profile(builders::EngineBuilder& builder, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const std::vector<std::string> shapes =
      colon == std::string::npos ? std::vector<std::string>() : split(text.substr(colon + 1), ',');
  if (shapes.size() != 3) {
    refuse(
        fmt::format("--profile {}: needed: INPUT:MIN,OPT,MAX, as "
                    "images:1x3x320x320,1x3x640x640,4x3x1280x1280",
                    text));
  }
  builder.with_profile(text.substr(0, colon), parse_shape(shapes[0], "--profile"),
                       parse_shape(shapes[1], "--profile"), parse_shape(shapes[2], "--profile"));
}

void apply_shape(builders::EngineBuilder& builder, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) {
    refuse(fmt::format("--shape {}: needed: INPUT:SHAPE, as images:1x3x640x480", text));
  }
  builder.with_shape(text.substr(0, colon), parse_shape(text.substr(colon + 1), "--shape"));
}

void apply_keep(builders::EngineBuilder& builder, const std::string& text) {
  const std::size_t equals = text.rfind('=');
  const std::string precision = equals == std::string::npos ? "" : text.substr(equals + 1);
  if (precision != "fp32" && precision != "fp16") {
    refuse(fmt::format("--keep {}: needed: PATTERN=fp32 or PATTERN=fp16", text));
  }
  builder.keep(text.substr(0, equals),
               precision == "fp16" ? builders::Precision::kFp16 : builders::Precision::kFp32);
}

/// Images go through in batches; results do not depend on the size.
constexpr std::int64_t kCalibrationBatch = 8;

std::shared_ptr<builders::INT8Calibrator> make_calibrator(const ModelArguments& arguments,
                                                          const std::vector<BindingInfo>& inputs) {
  SampleOptions options;
  options.preprocess = arguments.preprocess;
  options.count = arguments.calib_count;
  options.skip_bad = arguments.skip_bad;
  options.batch_size = kCalibrationBatch;
  if (!inputs.empty() && !inputs[0].max.empty() && inputs[0].max[0] > 0) {
    options.batch_size = inputs[0].max[0];
  }
  return std::make_shared<SampleCalibrator>(
      SampleSet::open(arguments.calib, options, inputs),
      arguments.calibrator.empty() ? "auto" : arguments.calibrator);
}

}  // namespace

void add_model_options(CLI::App& command, ModelArguments& a) {
  command.add_option("model", a.model, "ONNX model")->required()->type_name("MODEL.onnx");
  command.add_option("--calib", a.calib, "Calibration samples: a folder of images, .npy or .npz")
      ->type_name("PATH");
  command
      .add_option("--calib-count", a.calib_count, "Use this many samples, spread evenly over all")
      ->type_name("N");
  command
      .add_option("--calibrator", a.calibrator,
                  "auto, entropy2, entropy, minmax, percentile[:P], mse or legacy[:Q:C]; "
                  "default auto")
      ->type_name("NAME");
  command
      .add_option("--preprocess", a.preprocess,
                  "How images become inputs: imagenet, or KEY=VALUE,… with keys resize, crop, "
                  "filter, color, scale, mean, std, layout")
      ->type_name("TEXT");
  command.add_flag("--skip-bad", a.skip_bad, "Skip images that cannot be read");
  command
      .add_option("--max-batch", a.max_batch,
                  "Largest batch; also frees a model exported with a fixed batch of 1")
      ->type_name("N");
  command
      .add_option("--profile", a.profiles,
                  "Shapes of an input with dynamic dimensions: INPUT:MIN,OPT,MAX")
      ->type_name("TEXT");
  command.add_option("--threads", a.threads, "Threads; default: all processors")->type_name("N");
  command
      .add_option("--cpu-isa", a.cpu_isa,
                  "auto, portable, avx2, avxvnni, avx512vnni or amx; default auto")
      ->type_name("NAME");
}

void add_precision_options(CLI::App& command, ModelArguments& a) {
  command
      .add_option("--calib-cache", a.calib_cache,
                  "Calibration cache: read if it exists, else written (JSON if it ends in .json, "
                  "else TensorRT's text)")
      ->type_name("FILE");
  command
      .add_option("--cache-mismatch", a.cache_mismatch,
                  "A cache with other values: refuse (default) or partial")
      ->type_name("HOW");
  command
      .add_option("--keep", a.keep,
                  "Keep layers whose node or output name matches in a precision: PATTERN=fp32")
      ->type_name("RULE");
  command.add_option("--int8-only", a.int8_only, "Only layers that match may be INT8")
      ->type_name("PATTERN");
}

builders::EngineBuilder make_builder(const ModelArguments& a) {
  builders::EngineBuilder builder;
  builder.from_onnx(std::filesystem::path(a.model)).on(a.device).with_threads(a.threads);
  builder.with_cpu_isa(a.cpu_isa).with_preprocess(a.preprocess);
  builder.with_cuda_backend(a.cuda_backend);
  if (!a.timing_cache.empty()) builder.with_timing_cache(a.timing_cache);
  if (a.no_tuning) builder.without_tuning();
  if (a.u8_input) builder.with_u8_input();
  if (a.max_batch != 0) builder.with_max_batch_size(a.max_batch);
  if (a.fp16) builder.with_fp16();
  if (a.cache_mismatch != "refuse" && a.cache_mismatch != "partial") {
    refuse(fmt::format("--cache-mismatch {}: needed: refuse or partial", a.cache_mismatch));
  }
  if (!a.calib_cache.empty()) {
    builder.with_calibration_cache(a.calib_cache, a.cache_mismatch == "partial"
                                                      ? builders::CacheMismatch::kPartial
                                                      : builders::CacheMismatch::kRefuse);
  }
  if (a.int8) {
    const bool cached = !a.calib_cache.empty() && std::filesystem::exists(a.calib_cache);
    if (a.calib.empty() && !cached) {
      refuse(a.calib_cache.empty()
                 ? "--int8 needs --calib with samples or --calib-cache with an existing cache; a "
                   "model "
                   "that is quantised already is built without it"
                 : fmt::format("--calib-cache {}: no such file, and no --calib to make it from",
                               a.calib_cache));
    }
    builder.with_int8(cached ? nullptr : make_calibrator(a, builder.inputs()));
  } else if (!a.calib.empty() || !a.calib_cache.empty()) {
    refuse("--calib and --calib-cache belong to an INT8 build: add --int8");
  }
  if (!a.calibrator.empty()) builder.with_calibration_algorithm(a.calibrator);
  for (const std::string& profile : a.profiles) apply_profile(builder, profile);
  for (const std::string& shape : a.shapes) apply_shape(builder, shape);
  for (const std::string& rule : a.keep) apply_keep(builder, rule);
  for (const std::string& pattern : a.int8_only) builder.int8_only(pattern);
  return builder;
}

void take_same_images(builders::EngineBuilder& builder, const Engine& engine) {
  if (!engine.properties().contains("u8_input")) return;
  builder.with_u8_input().with_preprocess(engine.preprocess());
}

Shape model_shape(const Engine& engine, const Shape& shape) {
  const auto properties = engine.properties();
  const auto layout = properties.find("u8_input");
  if (layout == properties.end() || layout->second != "nchw") return shape;
  return {shape[0], shape[3], shape[1], shape[2]};
}

void add_run_options(CLI::App& command, RunArguments& a) {
  command
      .add_option("--device", a.device,
                  "cpu, cuda or cuda:N; default: cpu if the engine was built for it, else cuda")
      ->type_name("DEVICE");
  command.add_option("--threads", a.threads, "Threads; default: all processors")->type_name("N");
  command
      .add_option("--cpu-isa", a.cpu_isa,
                  "auto, portable, avx2, avxvnni, avx512vnni or amx; default auto")
      ->type_name("NAME");
}

bool is_model(const std::string& path) {
  return std::filesystem::path(path).extension() == ".onnx";
}

void add_json_option(CLI::App& command, std::string& path) {
  command.add_option("--json", path, "Write the result as JSON; - is standard output")
      ->type_name("FILE");
}

}  // namespace xinfer::tools
