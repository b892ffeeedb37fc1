// xinfer run: an engine on images or arrays.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>

#include "arguments.h"
#include "commands.h"
#include "output.h"
#include "progress.h"
#include "xinfer/core/error.h"
#include "xinfer/data/arrays.h"
#include "xinfer/evaluate/evaluate.h"

namespace xinfer::tools {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string engine, output, labels, json, preprocess;
  std::vector<std::string> inputs;
  std::int64_t k = 5;
  RunArguments run;
};

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

/// NAME=FILE.npy for an input of the engine.
bool is_named_array(const std::string& text, const Engine& engine) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || fs::exists(text)) return false;
  const std::string name = text.substr(0, equals);
  return std::any_of(engine.inputs().begin(), engine.inputs().end(),
                     [&](const BindingInfo& input) { return input.name == name; });
}

SampleBatch named_arrays(const Arguments& arguments, const Engine& engine) {
  SampleBatch batch;
  for (const BindingInfo& input : engine.inputs()) {
    const auto it =
        std::find_if(arguments.inputs.begin(), arguments.inputs.end(),
                     [&](const std::string& text) { return text.starts_with(input.name + "="); });
    if (it == arguments.inputs.end()) refuse(fmt::format("input \"{}\" is missing", input.name));
    batch.inputs.push_back(load_npy(it->substr(input.name.size() + 1)));
  }
  const Shape& shape = batch.inputs[0].shape();
  batch.names.assign(shape.empty() ? 1 : static_cast<std::size_t>(shape[0]), "");
  for (std::size_t i = 0; i < batch.names.size(); ++i) batch.names[i] = fmt::format("row {}", i);
  return batch;
}

std::string class_text(std::int64_t index, const std::vector<std::string>& names) {
  const auto at = static_cast<std::size_t>(index);
  return at < names.size() && !names[at].empty() ? fmt::format("{} {}", index, names[at])
                                                 : std::to_string(index);
}

bool is_classifier(const Tensor& output) {
  const Shape& shape = output.shape();
  return output.dtype() == DType::kFloat32 && shape.size() >= 2 && shape[1] > 1 &&
         std::all_of(shape.begin() + 2, shape.end(), [](std::int64_t d) { return d == 1; });
}

/// Outputs of all batches, row by row.
class Results {
 public:
  void add(const std::vector<Tensor>& outputs) {
    parts_.resize(outputs.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) parts_[i].push_back(outputs[i]);
  }
  Tensor joined(std::size_t output) const {
    const std::vector<Tensor>& parts = parts_[output];
    Shape shape = parts[0].shape();
    if (parts.size() == 1 || shape.empty()) return parts[0];
    shape[0] = 0;
    for (const Tensor& part : parts) shape[0] += part.shape()[0];
    Tensor all(parts[0].dtype(), shape);
    auto* at = static_cast<std::byte*>(all.data());
    for (const Tensor& part : parts) {
      std::memcpy(at, part.data(), part.size_bytes());
      at += part.size_bytes();
    }
    return all;
  }

 private:
  std::vector<std::vector<Tensor>> parts_;
};

void check_output_path(const Engine& engine, const std::string& path) {
  const fs::path extension = fs::path(path).extension();
  const bool fits = extension == ".npz" || (extension == ".npy" && engine.outputs().size() == 1);
  if (!path.empty() && !fits) {
    refuse(fmt::format("{}: needed: .npz, or .npy for the one output of an engine", path));
  }
}

void save(const Results& results, const Engine& engine, const std::string& path) {
  if (path.empty()) return;
  if (fs::path(path).extension() == ".npz") {
    std::vector<std::pair<std::string, Tensor>> arrays;
    for (std::size_t i = 0; i < engine.outputs().size(); ++i) {
      arrays.emplace_back(engine.outputs()[i].name, results.joined(i));
    }
    return save_npz(path, arrays);
  }
  save_npy(path, results.joined(0));
}

/// Prints one line a sample; returns its JSON.
nlohmann::json describe(const SampleBatch& batch, const std::vector<Tensor>& outputs,
                        const std::vector<std::string>& names, const Arguments& arguments) {
  nlohmann::json samples = nlohmann::json::array();
  const bool print = arguments.json != "-";
  if (!is_classifier(outputs[0])) {
    for (const std::string& name : batch.names) {
      samples.push_back({{"sample", name}});
      if (print) fmt::print("{}: {}\n", name, to_string(outputs[0].shape()));
    }
    return samples;
  }
  const auto ranked = top_k(outputs[0], arguments.k);
  const auto scores = outputs[0].values<float>();
  const auto classes = static_cast<std::size_t>(outputs[0].shape()[1]);
  for (std::size_t row = 0; row < ranked.size(); ++row) {
    nlohmann::json top = nlohmann::json::array();
    if (print) fmt::print("{}\n", batch.names[row]);
    for (std::int64_t index : ranked[row]) {
      const float score = scores[row * classes + static_cast<std::size_t>(index)];
      top.push_back({{"class", index}, {"name", class_text(index, names)}, {"score", score}});
      if (print) fmt::print("  {:9.4f}  {}\n", score, class_text(index, names));
    }
    samples.push_back({{"sample", batch.names[row]}, {"top", top}});
  }
  return samples;
}

void run_engine(const Arguments& arguments) {
  const Engine engine = Engine::load(fs::path(arguments.engine));
  check_output_path(engine, arguments.output);
  Context context(engine, arguments.run.context());
  const std::vector<std::string> names =
      arguments.labels.empty() ? std::vector<std::string>() : read_class_names(arguments.labels);
  nlohmann::json samples = nlohmann::json::array();
  Results results;
  const auto run_batch = [&](const SampleBatch& batch) {
    const std::vector<Tensor> outputs = context.infer(batch.inputs);
    for (auto& sample : describe(batch, outputs, names, arguments)) samples.push_back(sample);
    if (!arguments.output.empty()) results.add(outputs);
  };
  if (is_named_array(arguments.inputs[0], engine)) {
    run_batch(named_arrays(arguments, engine));
  } else {
    SampleOptions options = sample_options(engine, arguments.preprocess);
    const Shape& largest = engine.inputs().at(0).max;
    options.batch_size = largest.empty() ? 1 : std::min<std::int64_t>(largest[0], 16);
    std::vector<fs::path> paths(arguments.inputs.begin(), arguments.inputs.end());
    SampleSet set = paths.size() == 1 ? SampleSet::open(paths[0], options, engine.inputs())
                                      : SampleSet::open_images(paths, options, engine.inputs());
    // On a terminal the results themselves show how far it is.
    std::optional<ProgressBar> bar;
    if (::isatty(STDOUT_FILENO) == 0) bar.emplace();
    std::int64_t done = 0;
    for (SampleBatch batch; set.next(batch);) {
      run_batch(batch);
      done += static_cast<std::int64_t>(batch.names.size());
      if (bar) bar->update("run", done, set.size());
    }
  }
  save(results, engine, arguments.output);
  write_json({{"schema", "xinfer.run/1"}, {"engine", arguments.engine}, {"samples", samples}},
             arguments.json);
}

}  // namespace

void add_run(CLI::App& app) {
  CLI::App* command = app.add_subcommand("run", "Run an engine on images or arrays");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("engine", arguments->engine, "Engine file")->required()->type_name("ENGINE");
  command
      ->add_option("inputs", arguments->inputs,
                   "Images, folders of images, a .npy or .npz, or NAME=FILE.npy for each input")
      ->required()
      ->type_name("INPUT…");
  command->add_option("--top-k", arguments->k, "Best classes to print; default 5")
      ->type_name("K")
      ->check(CLI::PositiveNumber);
  command->add_option("--labels", arguments->labels, "Class table: folder, index, name")
      ->type_name("FILE");
  command->add_option("-o,--output", arguments->output, "Write the outputs to a .npy or .npz")
      ->type_name("FILE");
  command->add_option("--preprocess", arguments->preprocess, "Instead of what the engine stores")
      ->type_name("TEXT");
  add_run_options(*command, arguments->run);
  add_json_option(*command, arguments->json);
  command->footer("Example:\n  xinfer run mobilenetv2.engine cat.jpg --labels labels.tsv");
  command->callback([arguments] { run_engine(*arguments); });
}

}  // namespace xinfer::tools
