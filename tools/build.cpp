// xinfer build: ONNX model (and samples) to engine.
#include <fmt/format.h>

#include <map>
#include <memory>

#include "arguments.h"
#include "commands.h"
#include "output.h"
#include "progress.h"

namespace xinfer::tools {
namespace {

struct BuildArguments {
  ModelArguments model;
  std::string engine, json;
};

/// INT8 and other layers by op, and the reasons of those that are not INT8.
void print_layers(const builders::BuildReport& report) {
  std::map<std::string, std::map<std::string, int>> by_op;
  std::map<std::string, int> totals;
  for (const LayerInfo& layer : report.layers) {
    ++by_op[layer.op][layer.precision];
    ++totals[layer.precision];
  }
  Table table({"op", "int8", "fp16", "fp32"});
  for (auto& [op, counts] : by_op) {
    table.add({op, std::to_string(counts["int8"]), std::to_string(counts["fp16"]),
               std::to_string(counts["fp32"])});
  }
  table.add({"all", std::to_string(totals["int8"]), std::to_string(totals["fp16"]),
             std::to_string(totals["fp32"])});
  table.print({1, 2, 3});
}

void print_not_int8(const builders::BuildReport& report) {
  constexpr int kShown = 10;
  int shown = 0, hidden = 0;
  for (const LayerInfo& layer : report.layers) {
    if (layer.precision == "int8" || layer.macs == 0) continue;
    if (shown++ < kShown) {
      fmt::print("  {} ({}): {}\n", layer.name, layer.op, layer.reason);
    } else {
      ++hidden;
    }
  }
  if (hidden > 0) fmt::print("  … and {} more: xinfer inspect ENGINE --layers\n", hidden);
}

nlohmann::json to_json(const builders::BuildReport& report, const std::string& engine) {
  nlohmann::json layers = nlohmann::json::array();
  for (const LayerInfo& layer : report.layers) {
    layers.push_back({{"name", layer.name},
                      {"op", layer.op},
                      {"precision", layer.precision},
                      {"reason", layer.reason},
                      {"macs", layer.macs},
                      {"output", layer.output},
                      {"output_dtype", layer.output_dtype},
                      {"scale", layer.scale},
                      {"threshold", layer.threshold},
                      {"clip_share", layer.clip_share}});
  }
  return {{"schema", "xinfer.build/1"},
          {"engine", engine},
          {"engine_bytes", report.engine_bytes},
          {"int8_mac_share", report.int8_mac_share},
          {"calibration_samples", report.calibration_samples},
          {"calibration_seconds", report.calibration_seconds},
          {"total_seconds", report.total_seconds},
          {"warnings", report.warnings},
          {"layers", layers}};
}

void run_build(const BuildArguments& arguments) {
  builders::EngineBuilder builder = make_builder(arguments.model);
  const builders::BuildReport report =
      with_progress_bar(builder, [&] { return builder.build_and_save(arguments.engine); });
  if (arguments.json != "-") {
    print_layers(report);
    if (arguments.model.int8) {
      fmt::print("INT8 share of multiply-accumulates: {:.1f} %\n", 100 * report.int8_mac_share);
      print_not_int8(report);
    }
    if (report.calibration_samples > 0) {
      fmt::print("calibrated on {} samples in {:.1f} s\n", report.calibration_samples,
                 report.calibration_seconds);
    }
    fmt::print("{}: {}, built in {:.1f} s\n", arguments.engine, megabytes(report.engine_bytes),
               report.total_seconds);
  }
  write_json(to_json(report, arguments.engine), arguments.json);
}

}  // namespace

void add_build(CLI::App& app) {
  CLI::App* command = app.add_subcommand("build", "Build an engine from an ONNX model");
  auto arguments = std::make_shared<BuildArguments>();
  add_model_options(*command, arguments->model);
  command->add_option("-o,--output", arguments->engine, "Engine file to write")
      ->required()
      ->type_name("ENGINE");
  command->add_flag("--int8", arguments->model.int8, "INT8 where it is possible and safe");
  command->add_flag("--fp16", arguments->model.fp16, "FP16 elsewhere, on devices that have it");
  command
      ->add_option("--device", arguments->model.device,
                   "cpu, cuda, cuda:N, cuda:sm_90a (a GPU that need not be there), or several "
                   "joined by commas; default: cuda where there is a GPU, else cpu")
      ->type_name("DEVICE");
  command
      ->add_option("--cuda-backend", arguments->model.cuda_backend,
                   "Tensor core instructions: auto (default), mma or wgmma")
      ->type_name("NAME");
  command
      ->add_option("--timing-cache", arguments->model.timing_cache,
                   "Kernels timed before: read if it exists; what is timed is added. For the "
                   "CPU, tactics are timed only with this option")
      ->type_name("FILE");
  command->add_flag("--no-tuning", arguments->model.no_tuning,
                    "Kernels and tactics by the cost model and the timing cache, without timing");
  command
      ->add_option("--shape", arguments->model.shapes,
                   "GPUs: another shape of an input with dynamic dimensions that kernels are made "
                   "for: INPUT:SHAPE")
      ->type_name("TEXT");
  command->add_flag("--u8-input", arguments->model.u8_input,
                    "The engine reads images as uint8 [N, H, W, C]; scale, mean and std of "
                    "--preprocess become part of it. --calib, --profile and --shape stay those of "
                    "the model's float32 input");
  add_precision_options(*command, arguments->model);
  add_json_option(*command, arguments->json);
  command->footer(
      "Example:\n  xinfer build mobilenetv2.onnx --int8 --calib images/ --preprocess imagenet "
      "-o mobilenetv2.engine");
  command->callback([arguments] { run_build(*arguments); });
}

}  // namespace xinfer::tools
