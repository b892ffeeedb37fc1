// xinfer eval: accuracy and speed of an engine, beside the float model's.
#include <fmt/format.h>

#include <memory>

#include "arguments.h"
#include "commands.h"
#include "evaluation_output.h"
#include "progress.h"

namespace xinfer::tools {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string engine, data, labels, baseline, json, preprocess;
  std::int64_t count = 0, batch = 1;
  bool layers = false;
  RunArguments run;
};

/// The baseline: an engine as it is, a model as a float32 engine for the same shapes.
Engine load_baseline(const Arguments& arguments, const Engine& engine) {
  if (!is_model(arguments.baseline)) return Engine::load(fs::path(arguments.baseline));
  builders::EngineBuilder builder;
  builder.from_onnx(fs::path(arguments.baseline)).with_threads(arguments.run.threads);
  take_same_images(builder, engine);
  for (const BindingInfo& input : engine.inputs()) {
    if (input.min != input.max) {
      builder.with_profile(input.name, model_shape(engine, input.min),
                           model_shape(engine, input.opt), model_shape(engine, input.max));
    }
    if (!input.max.empty() && input.max[0] > 1) builder.with_max_batch_size(input.max[0]);
  }
  return builder.build();
}

void run_eval(const Arguments& arguments) {
  const Engine engine = Engine::load(fs::path(arguments.engine));
  SampleOptions samples = sample_options(engine, arguments.preprocess);
  samples.labels = arguments.labels;
  samples.count = arguments.count;
  samples.batch_size = arguments.batch;
  SampleSet set = SampleSet::open(arguments.data, samples, engine.inputs());

  EvaluationOptions options;
  options.context = arguments.run.context();
  options.layers = arguments.layers;
  if (!arguments.baseline.empty()) options.baseline = load_baseline(arguments, engine);
  EvaluationReport report;
  {
    ProgressBar bar;
    options.progress = [&](std::int64_t done, std::int64_t total) {
      bar.update("evaluate", done, total);
    };
    report = evaluate(engine, set, options);
  }
  if (arguments.json != "-") print_evaluation(report, "engine", "baseline");
  nlohmann::json document = to_json(report);
  document["schema"] = "xinfer.eval/1";
  document["engine_file"] = arguments.engine;
  write_json(document, arguments.json);
}

}  // namespace

void add_eval(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("eval", "Measure an engine's accuracy on labelled samples");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("engine", arguments->engine, "Engine file")->required()->type_name("ENGINE");
  command->add_option("--data", arguments->data, "Samples: a folder of class folders, .npy, .npz")
      ->required()
      ->type_name("PATH");
  command
      ->add_option("--labels", arguments->labels,
                   "Class table (folder, index, name); for arrays row and class index, or .npy")
      ->type_name("FILE");
  command
      ->add_option("--baseline", arguments->baseline,
                   "Compare with this model in float32, or with this engine")
      ->type_name("MODEL.onnx|ENGINE");
  command->add_flag("--layers", arguments->layers, "Also compare layer by layer");
  command->add_option("--count", arguments->count, "Use this many samples")->type_name("N");
  command->add_option("--batch", arguments->batch, "Samples a run; default 1")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command->add_option("--preprocess", arguments->preprocess, "Instead of what the engine stores")
      ->type_name("TEXT");
  add_run_options(*command, arguments->run);
  add_json_option(*command, arguments->json);
  command->footer(
      "Example:\n  xinfer eval mobilenetv2.engine --data val/ --labels labels.tsv "
      "--baseline mobilenetv2.onnx");
  command->callback([arguments] { run_eval(*arguments); });
}

}  // namespace xinfer::tools
