// xinfer compare: two engines (or models) on the same samples.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "arguments.h"
#include "commands.h"
#include "evaluation_output.h"
#include "progress.h"

namespace xinfer::tools {
namespace {

struct Arguments {
  std::string a, b, data, labels, json, preprocess;
  std::int64_t count = 0, batch = 1, max_batch = 0;
  bool layers = false;
  RunArguments run;
};

/// An engine as it is; a model as a float32 engine that reads what the engine `other` reads.
Engine load(const std::string& path, const std::string& other, const Arguments& arguments) {
  if (!is_model(path)) return Engine::load(std::filesystem::path(path));
  builders::EngineBuilder builder;
  builder.from_onnx(std::filesystem::path(path)).with_threads(arguments.run.threads);
  if (!is_model(other)) {
    take_same_images(builder, Engine::load(std::filesystem::path(other)));
  }
  if (arguments.max_batch > 0) builder.with_max_batch_size(arguments.max_batch);
  return builder.build();
}

void run_compare(const Arguments& arguments) {
  const Engine a = load(arguments.a, arguments.b, arguments);
  const Engine b = load(arguments.b, arguments.a, arguments);
  const std::string stored = a.preprocess().empty() ? b.preprocess() : a.preprocess();
  SampleOptions samples =
      sample_options(a, arguments.preprocess.empty() ? stored : arguments.preprocess);
  samples.labels = arguments.labels;
  samples.count = arguments.count;
  samples.batch_size = arguments.batch;
  SampleSet set = SampleSet::open(arguments.data, samples, a.inputs());
  EvaluationOptions options;
  options.context = arguments.run.context();
  options.baseline = b;
  options.layers = arguments.layers;
  EvaluationReport report;
  {
    ProgressBar bar;
    options.progress = [&](std::int64_t done, std::int64_t total) {
      bar.update("compare", done, total);
    };
    report = evaluate(a, set, options);
  }
  if (arguments.json != "-") print_evaluation(report, arguments.a, arguments.b);
  nlohmann::json document = to_json(report);
  document["schema"] = "xinfer.compare/1";
  document["a"] = arguments.a;
  document["b"] = arguments.b;
  write_json(document, arguments.json);
}

}  // namespace

void add_compare(CLI::App& app) {
  CLI::App* command = app.add_subcommand("compare", "Compare two engines or models");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("a", arguments->a, "Engine or model under test")->required()->type_name("A");
  command->add_option("b", arguments->b, "Engine or model to compare with")
      ->required()
      ->type_name("B");
  command->add_option("--data", arguments->data, "Samples: folder of images, .npy, .npz")
      ->required()
      ->type_name("PATH");
  command->add_option("--labels", arguments->labels, "As for eval")->type_name("FILE");
  command->add_flag("--layers", arguments->layers, "Also compare layer by layer");
  command->add_option("--count", arguments->count, "Use this many samples")->type_name("N");
  command->add_option("--batch", arguments->batch, "Samples a run; default 1")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command->add_option("--max-batch", arguments->max_batch, "Largest batch, for models")
      ->type_name("N");
  command->add_option("--preprocess", arguments->preprocess, "Instead of what an engine stores")
      ->type_name("TEXT");
  add_run_options(*command, arguments->run);
  add_json_option(*command, arguments->json);
  command->footer("Example:\n  xinfer compare int8.engine fp32.engine --data images/ --layers");
  command->callback([arguments] { run_compare(*arguments); });
}

}  // namespace xinfer::tools
