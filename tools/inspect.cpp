// xinfer inspect: what an engine, a model or a calibration cache holds.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "arguments.h"
#include "commands.h"
#include "output.h"
#include "xinfer/builders/model_info.h"

namespace xinfer::tools {
namespace {

struct Arguments {
  std::string path, json;
  bool layers = false, text = false;
};

std::string dims_text(const BindingInfo& binding) {
  return fmt::format("[{}]", fmt::join(binding.dims, ", "));
}

nlohmann::json to_json(const std::vector<BindingInfo>& bindings) {
  nlohmann::json list = nlohmann::json::array();
  for (const BindingInfo& binding : bindings) {
    list.push_back({{"name", binding.name},
                    {"dtype", to_string(binding.dtype)},
                    {"dims", binding.dims},
                    {"min", binding.min},
                    {"opt", binding.opt},
                    {"max", binding.max}});
  }
  return list;
}

nlohmann::json to_json(const std::vector<StepInfo>& steps) {
  nlohmann::json list = nlohmann::json::array();
  for (const StepInfo& step : steps) {
    nlohmann::json kernels = nlohmann::json::array(), variants = nlohmann::json::array();
    for (const KernelInfo& kernel : step.kernels) {
      kernels.push_back(kernel.tactic);
      variants.push_back({{"kernel", kernel.tactic},
                          {"largest_batch", kernel.largest_batch},
                          {"registers", kernel.registers},
                          {"local_bytes", kernel.local_bytes}});
    }
    list.push_back({{"name", step.name},
                    {"kind", step.kind},
                    {"kernels", kernels},
                    {"variants", variants},
                    {"origins", step.origins},
                    {"output_dtype", step.output_dtype},
                    {"chain", step.chain}});
  }
  return list;
}

void print_bindings(const char* heading, const std::vector<BindingInfo>& bindings, bool profiles) {
  for (const BindingInfo& binding : bindings) {
    fmt::print("{:<8}{} {}{}", heading, binding.name, to_string(binding.dtype), dims_text(binding));
    if (profiles && binding.min != binding.max) {
      fmt::print(", {} to {}", to_string(binding.min), to_string(binding.max));
    }
    fmt::print("\n");
  }
}

/// The kernels of a GPU plan, a line each.
void print_kernels(const Engine& engine, const std::string& target) {
  Table table({"step", "kernel", "batch up to", "registers", "local bytes"});
  for (const StepInfo& step : engine.steps(target)) {
    for (const KernelInfo& kernel : step.kernels) {
      table.add({step.name, kernel.tactic, std::to_string(kernel.largest_batch),
                 std::to_string(kernel.registers), std::to_string(kernel.local_bytes)});
    }
  }
  fmt::print("\nkernels of {}\n", target);
  table.print({2, 3, 4});
}

void inspect_engine(const Arguments& arguments, const Engine& engine) {
  const std::vector<LayerInfo> layers = engine.layers();
  nlohmann::json layer_list = nlohmann::json::array();
  Table table({"layer", "op", "precision", "MACs", "output", "scale", "clip %", "reason"});
  for (const LayerInfo& layer : layers) {
    table.add({layer.name, layer.op, layer.precision, std::to_string(layer.macs),
               layer.output_dtype, layer.scale != 0 ? fmt::format("{:.6g}", layer.scale) : "",
               layer.clip_share > 0 ? fmt::format("{:.3g}", 100 * layer.clip_share) : "",
               layer.reason});
    layer_list.push_back({{"name", layer.name},
                          {"op", layer.op},
                          {"precision", layer.precision},
                          {"macs", layer.macs},
                          {"output", layer.output},
                          {"output_dtype", layer.output_dtype},
                          {"scale", layer.scale},
                          {"threshold", layer.threshold},
                          {"clip_share", layer.clip_share},
                          {"reason", layer.reason}});
  }
  nlohmann::json plans = nlohmann::json::array();
  for (const std::string& target : engine.targets()) {
    plans.push_back({{"target", target},
                     {"activation_bytes", engine.activation_bytes(target)},
                     {"steps", to_json(engine.steps(target))}});
  }
  if (arguments.json != "-") {
    fmt::print("engine  {} for {}\n", engine.model_name(), fmt::join(engine.targets(), ", "));
    print_bindings("input", engine.inputs(), true);
    print_bindings("output", engine.outputs(), true);
    fmt::print("memory  {} weights and kernels\n", megabytes(engine.weight_bytes()));
    for (const std::string& target : engine.targets()) {
      fmt::print("plan    {}: {} steps, {} activations\n", target, engine.steps(target).size(),
                 megabytes(engine.activation_bytes(target)));
    }
    fmt::print("int8    {:.1f} % of multiply-accumulates; {} layers\n",
               100 * engine.int8_mac_share(), layers.size());
    if (!engine.preprocess().empty()) fmt::print("images  {}\n", engine.preprocess());
    for (const auto& [key, value] : engine.properties()) fmt::print("{:<7} {}\n", key, value);
    if (arguments.layers) table.print({3, 5, 6});
    for (const std::string& target : engine.targets()) {
      if (arguments.layers && target.starts_with("cuda")) print_kernels(engine, target);
    }
  }
  write_json({{"schema", "xinfer.inspect.engine/1"},
              {"model", engine.model_name()},
              {"targets", engine.targets()},
              {"inputs", to_json(engine.inputs())},
              {"outputs", to_json(engine.outputs())},
              {"preprocess", engine.preprocess()},
              {"properties", engine.properties()},
              {"weight_bytes", engine.weight_bytes()},
              {"activation_bytes", engine.activation_bytes()},
              {"int8_mac_share", engine.int8_mac_share()},
              {"layers", layer_list},
              {"steps", plans.empty() ? nlohmann::json::array() : plans[0]["steps"]},
              {"plans", plans}},
             arguments.json);
}

void inspect_onnx(const Arguments& arguments) {
  const builders::ModelInfo model = builders::inspect_model(arguments.path);
  nlohmann::json nodes = nlohmann::json::array();
  Table table({"node", "op", "output"});
  for (const builders::NodeInfo& node : model.nodes) {
    table.add({node.name, node.op, node.output_type});
    nodes.push_back({{"name", node.name},
                     {"op", node.op},
                     {"inputs", node.inputs},
                     {"outputs", node.outputs},
                     {"output_type", node.output_type}});
  }
  if (arguments.json != "-") {
    for (const std::string& warning : model.warnings) fmt::print(stderr, "note: {}\n", warning);
    fmt::print("model   {}, opset {}, {} nodes, {} weights\n", model.name, model.opset,
               model.nodes.size(), megabytes(model.weight_bytes));
    print_bindings("input", model.inputs, false);
    print_bindings("output", model.outputs, false);
    if (arguments.layers) table.print();
    if (arguments.text) fmt::print("{}", model.text);
  }
  write_json({{"schema", "xinfer.inspect.model/1"},
              {"model", model.name},
              {"opset", model.opset},
              {"inputs", to_json(model.inputs)},
              {"outputs", to_json(model.outputs)},
              {"weight_bytes", model.weight_bytes},
              {"warnings", model.warnings},
              {"nodes", nodes}},
             arguments.json);
}

void inspect_ranges(const Arguments& arguments) {
  const builders::CacheInfo cache = builders::inspect_cache(arguments.path);
  nlohmann::json values = nlohmann::json::array();
  Table table({"value", "calibrator", "threshold", "amax", "clip %"});
  for (const builders::RangeInfo& range : cache.ranges) {
    table.add({range.name, range.calibrator, fmt::format("{:.6g}", range.threshold),
               range.amax > 0 ? fmt::format("{:.6g}", range.amax) : "",
               fmt::format("{:.3g}", 100 * range.clip_share)});
    values.push_back({{"name", range.name},
                      {"calibrator", range.calibrator},
                      {"threshold", range.threshold},
                      {"scale", range.scale},
                      {"amax", range.amax},
                      {"min", range.min},
                      {"max", range.max},
                      {"clip_share", range.clip_share}});
  }
  if (arguments.json != "-") {
    fmt::print("cache   {}, {} values, {}\n", cache.tensorrt ? "TensorRT text" : "xinfer JSON",
               cache.ranges.size(), cache.algorithm);
    if (cache.samples > 0) fmt::print("samples {}\n", cache.samples);
    table.print({2, 3, 4});
  }
  write_json({{"schema", "xinfer.inspect.cache/1"},
              {"algorithm", cache.algorithm},
              {"tensorrt", cache.tensorrt},
              {"samples", cache.samples},
              {"values", values}},
             arguments.json);
}

/// The file's first bytes tell an engine; a model is told by its name; the rest are caches.
void run_inspect(const Arguments& arguments) {
  const std::filesystem::path path = arguments.path;
  if (path.extension() == ".onnx") return inspect_onnx(arguments);
  std::ifstream file(path, std::ios::binary);
  char magic[6] = {};
  file.read(magic, sizeof(magic));
  if (std::string(magic, sizeof(magic)) == "XINFER" || path.extension() == ".engine") {
    return inspect_engine(arguments, Engine::load(path));
  }
  inspect_ranges(arguments);
}

}  // namespace

void add_inspect(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("inspect", "Show what an engine, a model or a calibration cache holds");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("file", arguments->path, "Engine, ONNX model or calibration cache")
      ->required()
      ->type_name("FILE");
  command->add_flag("--layers", arguments->layers,
                    "List every layer, and the kernels of GPU plans");
  command->add_flag("--text", arguments->text, "Print a model's graph as text");
  add_json_option(*command, arguments->json);
  command->footer("Example:\n  xinfer inspect mobilenetv2.engine --layers");
  command->callback([arguments] { run_inspect(*arguments); });
}

}  // namespace xinfer::tools
