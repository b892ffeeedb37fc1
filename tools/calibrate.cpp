// xinfer calibrate: samples to a calibration cache.
#include <fmt/format.h>

#include <memory>

#include "arguments.h"
#include "commands.h"
#include "output.h"
#include "progress.h"
#include "xinfer/core/error.h"

namespace xinfer::tools {
namespace {

struct CalibrateArguments {
  ModelArguments model;
  std::string cache, json;
};

void run_calibrate(CalibrateArguments& arguments) {
  if (arguments.model.calib.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "calibrate needs samples: --calib PATH");
  }
  arguments.model.int8 = true;
  builders::EngineBuilder builder = make_builder(arguments.model);
  const builders::BuildReport report =
      with_progress_bar(builder, [&] { return builder.calibrate_and_save(arguments.cache); });
  if (arguments.json != "-") {
    fmt::print("{}: {} samples in {:.1f} s\n", arguments.cache, report.calibration_samples,
               report.calibration_seconds);
  }
  write_json({{"schema", "xinfer.calibrate/1"},
              {"cache", arguments.cache},
              {"samples", report.calibration_samples},
              {"seconds", report.calibration_seconds},
              {"warnings", report.warnings}},
             arguments.json);
}

}  // namespace

void add_calibrate(CLI::App& app) {
  CLI::App* command = app.add_subcommand("calibrate", "Calibrate and write the cache only");
  auto arguments = std::make_shared<CalibrateArguments>();
  add_model_options(*command, arguments->model);
  command
      ->add_option("-o,--output", arguments->cache,
                   "Cache to write: .json is ours, any other "
                   "name TensorRT's text")
      ->required()
      ->type_name("CACHE");
  add_json_option(*command, arguments->json);
  command->footer(
      "Example:\n  xinfer calibrate model.onnx --calib images/ --preprocess imagenet "
      "-o model.cache.json");
  command->callback([arguments] { run_calibrate(*arguments); });
}

}  // namespace xinfer::tools
