#include "compile/output_error.h"

#include <algorithm>
#include <optional>

#include "compile/execute.h"
#include "ir/infer.h"
#include "quant/quantization_error.h"
#include "quant/quantize.h"
#include "runtime/program.h"

namespace xinfer::compile {
namespace {

/// A graph made ready on one thread.
class Runner {
 public:
  static Result<Runner> create(const ir::Graph& graph, const lower::SymbolRanges& symbols,
                               CpuIsa isa) {
    Runner runner;
    XINFER_ASSIGN_OR_RETURN(const std::string bytes, make_engine_bytes(graph, symbols, {}));
    XINFER_ASSIGN_OR_RETURN(auto file,
                            engine::EngineFile::load(std::as_bytes(std::span(bytes)), "scoring"));
    runtime::ProgramOptions options;
    options.isa = isa;
    options.threads = 1;
    XINFER_ASSIGN_OR_RETURN(runner.program_, runtime::Program::create(std::move(file), options));
    return runner;
  }

  Result<std::vector<Tensor>> run(const std::vector<Tensor>& inputs) {
    std::vector<Shape> shapes;
    std::vector<const void*> in_data;
    for (const Tensor& input : inputs) {
      shapes.push_back(input.shape());
      in_data.push_back(input.data());
    }
    XINFER_RETURN_IF_ERROR(program_->bind_shapes(shapes));
    std::vector<Tensor> outputs;
    std::vector<void*> out_data;
    for (std::size_t i = 0; i < program_->output_shapes().size(); ++i) {
      const auto* binding = program_->file().engine().outputs()->Get(static_cast<unsigned>(i));
      outputs.emplace_back(static_cast<DType>(binding->dtype()), program_->output_shapes()[i]);
      out_data.push_back(outputs.back().data());
    }
    XINFER_RETURN_IF_ERROR(program_->run(in_data, out_data));
    return outputs;
  }

 private:
  std::unique_ptr<runtime::Program> program_;
};

bool is_weighted_reader(const ir::Graph& graph, const ir::Node& node, ir::ValueId value) {
  const bool kind =
      std::holds_alternative<ir::Conv>(node.op) || std::holds_alternative<ir::MatMul>(node.op);
  return kind && node.inputs.size() > 1 && node.inputs[0] == value &&
         graph.value(node.inputs[1]).is_constant();
}

bool mixes_channels(const ir::Graph& graph, const ir::Node& node) {
  const auto* conv = std::get_if<ir::Conv>(&node.op);
  return conv == nullptr || conv->groups == 1 ||
         graph.value(node.inputs[1]).constant->shape()[1] > 1;
}

/// True for functions of one value that may lie between a depthwise layer and the next.
bool is_function(const ir::Node& node) {
  return std::holds_alternative<ir::Unary>(node.op) || std::holds_alternative<ir::Clip>(node.op);
}

/// From a reader to the layer that mixes its channels: itself, or what follows it through functions
/// and depthwise layers, each the only reader of the one before. Ends early where the way forks.
std::vector<ir::NodeId> chain_from(const ir::Graph& graph, const ir::UseMap& uses,
                                   ir::NodeId reader) {
  std::vector<ir::NodeId> chain = {reader};
  std::size_t last_layer = 1;  // what lies behind the last layer found is left out
  while (is_function(graph.node(chain.back())) ||
         !mixes_channels(graph, graph.node(chain.back()))) {
    const ir::ValueId value = graph.node(chain.back()).outputs[0];
    const std::vector<ir::NodeId>& users = uses.users(value);
    if (users.size() != 1 || graph.is_graph_output(value)) break;
    const ir::Node& next = graph.node(users[0]);
    const bool layer = is_weighted_reader(graph, next, value);
    if (!layer && !is_function(next)) break;
    chain.push_back(users[0]);
    if (layer) last_layer = chain.size();
  }
  chain.resize(last_layer);
  return chain;
}

/// The chain alone, fed with a value of that shape.
Result<ir::Graph> chain_graph(const ir::Graph& graph, const std::vector<ir::NodeId>& chain,
                              const Shape& shape) {
  ir::Graph single;
  const ir::Value& x = graph.value(graph.node(chain[0]).inputs[0]);
  ir::ValueId value =
      single.add_input(x.name, x.dtype, ir::SymbolicShape(shape.begin(), shape.end()));
  for (ir::NodeId source : chain) {
    const ir::Node& node = graph.node(source);
    std::vector<ir::ValueId> inputs = {value};
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      const ir::ValueId input = node.inputs[i];
      const bool constant = input != ir::kNoValue && graph.value(input).is_constant();
      inputs.push_back(
          constant ? single.add_constant(graph.value(input).name, *graph.value(input).constant)
                   : ir::kNoValue);
    }
    const std::string& name = graph.value(node.outputs[0]).name;
    const ir::NodeId id = single.add_node(node.name, node.op, std::move(inputs), {name});
    XINFER_RETURN_IF_ERROR(ir::infer_node(single, id));
    value = single.node(id).outputs[0];
  }
  single.add_output(single.value(value).name, value);
  return single;
}

/// A value to be scored, with the layers that read it.
struct Target {
  std::string name;
  DType grid = DType::kInt8;
  std::vector<calibrate::Candidate> candidates;
  std::vector<std::vector<ir::NodeId>> readers;  ///< each with what its error is measured behind
};

std::vector<Target> find_targets(
    const ir::Graph& graph,
    const std::map<std::string, std::vector<calibrate::Candidate>>& candidates,
    const std::map<std::string, DType>& grids) {
  const ir::UseMap uses(graph);
  std::vector<Target> targets;
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    const auto id = static_cast<ir::ValueId>(i);
    const auto it = candidates.find(graph.value(id).name);
    if (it == candidates.end() || it->second.size() < 2) continue;
    Target target = {it->first, grids.at(it->first), it->second, {}};
    for (ir::NodeId user : uses.users(id)) {
      if (is_weighted_reader(graph, graph.node(user), id)) {
        target.readers.push_back(chain_from(graph, uses, user));
      }
    }
    targets.push_back(std::move(target));
  }
  return targets;
}

/// A layer's output on the float values, and their power.
struct Reference {
  explicit Reference(Tensor output)
      : values(std::move(output)), power(quant::squared_sum(values.values<float>())) {}

  /// Squared difference over squared reference.
  double relative_error(const Tensor& tested) const {
    const double noise = quant::squared_difference(tested.values<float>(), values.values<float>());
    return power > 0 ? noise / power : noise;
  }

  Tensor values;
  double power;
};

/// Errors of one target's candidates over the samples' values of it.
Result<ScoredValue> score_target(const ir::Graph& graph, const Target& target, CpuIsa isa,
                                 const std::vector<Tensor>& values) {
  std::vector<Runner> readers;
  for (const std::vector<ir::NodeId>& reader : target.readers) {
    XINFER_ASSIGN_OR_RETURN(const ir::Graph single, chain_graph(graph, reader, values[0].shape()));
    XINFER_ASSIGN_OR_RETURN(Runner runner, Runner::create(single, {}, isa));
    readers.push_back(std::move(runner));
  }
  ScoredValue scored = {!readers.empty(), target.candidates, {}, {}};
  std::vector<double>& errors = scored.errors;
  errors.assign(target.candidates.size(), 0.0);
  scored.own_errors = errors;
  std::size_t samples = 0;
  for (const Tensor& value : values) {
    if (value.shape() != values[0].shape()) continue;  // a dynamic model's sample of another size
    ++samples;
    const auto elements = value.values<float>();
    std::vector<Reference> references;
    for (Runner& reader : readers) {
      XINFER_ASSIGN_OR_RETURN(std::vector<Tensor> outputs, reader.run({value}));
      references.emplace_back(std::move(outputs[0]));
    }
    if (readers.empty()) references.emplace_back(value);
    Tensor tested(DType::kFloat32, value.shape());
    for (std::size_t c = 0; c < errors.size(); ++c) {
      const float s8 = quant::s8_scale(target.candidates[c].threshold);
      quant::round_to_grid(elements, quant::scale_for(s8, target.grid), target.grid,
                           tested.values<float>());
      if (!elements.empty()) {
        scored.own_errors[c] += quant::squared_difference(elements, tested.values<float>()) /
                                static_cast<double>(elements.size());
      }
      if (readers.empty()) errors[c] += references[0].relative_error(tested);
      for (std::size_t r = 0; r < readers.size(); ++r) {
        XINFER_ASSIGN_OR_RETURN(const std::vector<Tensor> outputs, readers[r].run({tested}));
        errors[c] += references[r].relative_error(outputs[0]);
      }
    }
  }
  const std::size_t measured = samples * std::max<std::size_t>(readers.size(), 1);
  for (double& error : errors) error /= static_cast<double>(measured);
  for (double& error : scored.own_errors) error /= static_cast<double>(samples);
  return scored;
}

/// The float graph with every target as an output.
ir::Graph observed_graph(const ir::Graph& graph, const std::vector<Target>& targets) {
  ir::Graph observed = graph;
  observed.outputs().clear();
  for (const Target& target : targets) {
    observed.add_output(target.name, observed.find_value(target.name));
  }
  return observed;
}

}  // namespace

void ScoringSamples::offer(std::uint64_t hash, const std::vector<Tensor>& inputs) {
  if (kept_.size() == capacity_ && hash >= std::prev(kept_.end())->first) return;
  std::vector<Tensor> copies;
  for (const Tensor& input : inputs) copies.push_back(input.clone());
  kept_.emplace(hash, std::move(copies));
  if (kept_.size() > capacity_) kept_.erase(std::prev(kept_.end()));
}

std::vector<std::vector<Tensor>> ScoringSamples::take() && {
  std::vector<std::vector<Tensor>> samples;
  for (auto& [hash, inputs] : kept_) samples.push_back(std::move(inputs));
  kept_.clear();
  return samples;
}

Result<ScoredValues> score_by_output_error(
    const ir::Graph& graph, const lower::SymbolRanges& symbols,
    const std::vector<std::vector<Tensor>>& samples,
    const std::map<std::string, std::vector<calibrate::Candidate>>& candidates,
    const std::map<std::string, DType>& grids, CpuIsa isa, ThreadPool& pool) {
  ScoredValues scored;
  const std::vector<Target> targets = find_targets(graph, candidates, grids);
  if (targets.empty() || samples.empty()) return scored;
  XINFER_ASSIGN_OR_RETURN(Runner whole,
                          Runner::create(observed_graph(graph, targets), symbols, isa));
  std::vector<std::vector<Tensor>> values(targets.size());
  for (const std::vector<Tensor>& sample : samples) {
    XINFER_ASSIGN_OR_RETURN(std::vector<Tensor> outputs, whole.run(sample));
    for (std::size_t i = 0; i < targets.size(); ++i) values[i].push_back(std::move(outputs[i]));
  }
  std::vector<std::optional<Result<ScoredValue>>> errors(targets.size());
  pool.parallel_for(targets.size(), [&](std::size_t i) {
    errors[i] = score_target(graph, targets[i], isa, values[i]);
  });
  pool.park();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (!errors[i]->ok()) {
      return errors[i]->status().with_context("scoring \"" + targets[i].name + "\"");
    }
    scored[targets[i].name] = **std::move(errors[i]);
  }
  return scored;
}

}  // namespace xinfer::compile
