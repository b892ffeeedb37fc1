// xinfer quantize: ONNX model and samples to a Q/DQ ONNX model for other runtimes.
#include <fmt/format.h>

#include <memory>

#include "arguments.h"
#include "commands.h"
#include "output.h"
#include "progress.h"
#include "xinfer/core/error.h"

namespace xinfer::tools {
namespace {

struct QuantizeArguments {
  ModelArguments model;
  std::string output, json, target = "onnxruntime";
};

void run_quantize(QuantizeArguments& arguments) {
  builders::QuantizeOptions options;
  options.for_tensorrt = arguments.target == "tensorrt";
  if (!options.for_tensorrt && arguments.target != "onnxruntime") {
    throw Error(ErrorCode::kInvalidArgument,
                "--for " + arguments.target + ": needed: onnxruntime or tensorrt");
  }
  arguments.model.int8 = true;
  builders::EngineBuilder builder = make_builder(arguments.model);
  const builders::BuildReport report = with_progress_bar(
      builder, [&] { return builder.quantize_and_save(arguments.output, options); });
  if (arguments.json != "-") {
    fmt::print("{}: {}, {} layers in INT8 ({:.1f} % of the multiply-accumulates), in {:.1f} s\n",
               arguments.output, megabytes(report.engine_bytes), report.layers_in("int8"),
               100 * report.int8_mac_share, report.total_seconds);
  }
  write_json({{"schema", "xinfer.quantize/1"},
              {"model", arguments.output},
              {"model_bytes", report.engine_bytes},
              {"int8_layers", report.layers_in("int8")},
              {"int8_mac_share", report.int8_mac_share},
              {"calibration_samples", report.calibration_samples},
              {"total_seconds", report.total_seconds},
              {"warnings", report.warnings}},
             arguments.json);
}

}  // namespace

void add_quantize(CLI::App& app) {
  CLI::App* command = app.add_subcommand("quantize", "Write a Q/DQ ONNX model for other runtimes");
  auto arguments = std::make_shared<QuantizeArguments>();
  add_model_options(*command, arguments->model);
  command->add_option("-o,--output", arguments->output, "ONNX model to write")
      ->required()
      ->type_name("MODEL.onnx");
  command
      ->add_option("--for", arguments->target,
                   "onnxruntime (default; OpenVINO too): u8 where values are never negative, int32 "
                   "biases; tensorrt: s8 everywhere, float biases")
      ->type_name("RUNTIME");
  add_precision_options(*command, arguments->model);
  add_json_option(*command, arguments->json);
  command->footer(
      "Example:\n  xinfer quantize model.onnx --calib images/ --preprocess imagenet "
      "-o model_int8.onnx");
  command->callback([arguments] { run_quantize(*arguments); });
}

}  // namespace xinfer::tools
