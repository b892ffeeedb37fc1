#include "compile/output_error.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "compile/execute.h"
#include "ir/infer.h"
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

/// The reader alone, fed with a value of that shape; its bias does not matter to a difference.
Result<ir::Graph> reader_graph(const ir::Graph& graph, const ir::Node& node, const Shape& shape) {
  ir::Graph single;
  const ir::Value& x = graph.value(node.inputs[0]);
  const ir::Value& y = graph.value(node.outputs[0]);
  const ir::ValueId input =
      single.add_input(x.name, x.dtype, ir::SymbolicShape(shape.begin(), shape.end()));
  const ir::ValueId weights = single.add_constant("weights", *graph.value(node.inputs[1]).constant);
  const ir::NodeId id = single.add_node(node.name, node.op, {input, weights}, {y.name});
  XINFER_RETURN_IF_ERROR(ir::infer_node(single, id));
  single.add_output(y.name, single.node(id).outputs[0]);
  return single;
}

Tensor quantised(const Tensor& x, double threshold, DType grid) {
  const float scale = quant::scale_for(quant::s8_scale(threshold), grid);
  const quant::GridLimits limits = quant::limits_of(grid);
  const float low = static_cast<float>(limits.min), high = static_cast<float>(limits.max);
  Tensor y(DType::kFloat32, x.shape());
  const auto in = x.values<float>();
  const auto out = y.values<float>();
  for (std::size_t i = 0; i < in.size(); ++i) {
    const float clamped = std::min(std::max(in[i] / scale, low), high);
    out[i] = std::nearbyint(clamped) * scale;
  }
  return y;
}

/// Squared difference over squared reference.
double relative_error(const Tensor& reference, const Tensor& tested) {
  double signal = 0, noise = 0;
  const auto r = reference.values<float>();
  const auto t = tested.values<float>();
  for (std::size_t i = 0; i < r.size(); ++i) {
    const double difference = static_cast<double>(t[i]) - r[i];
    signal += static_cast<double>(r[i]) * r[i];
    noise += difference * difference;
  }
  return signal > 0 ? noise / signal : noise;
}

/// A value to be scored, with the layers that read it.
struct Target {
  std::string name;
  DType grid = DType::kInt8;
  std::vector<calibrate::Candidate> candidates;
  std::vector<ir::NodeId> readers;
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
      if (is_weighted_reader(graph, graph.node(user), id)) target.readers.push_back(user);
    }
    targets.push_back(std::move(target));
  }
  return targets;
}

/// Errors of one target's candidates over the samples' values of it.
Result<std::vector<double>> score_target(const ir::Graph& graph, const Target& target, CpuIsa isa,
                                         const std::vector<Tensor>& values) {
  std::vector<Runner> readers;
  for (ir::NodeId reader : target.readers) {
    XINFER_ASSIGN_OR_RETURN(const ir::Graph single,
                            reader_graph(graph, graph.node(reader), values[0].shape()));
    XINFER_ASSIGN_OR_RETURN(Runner runner, Runner::create(single, {}, isa));
    readers.push_back(std::move(runner));
  }
  std::vector<double> errors(target.candidates.size(), 0.0);
  for (const Tensor& value : values) {
    if (value.shape() != values[0].shape()) continue;  // a dynamic model's sample of another size
    std::vector<Tensor> references;
    for (Runner& reader : readers) {
      XINFER_ASSIGN_OR_RETURN(std::vector<Tensor> outputs, reader.run({value}));
      references.push_back(std::move(outputs[0]));
    }
    for (std::size_t c = 0; c < errors.size(); ++c) {
      const Tensor tested = quantised(value, target.candidates[c].threshold, target.grid);
      if (readers.empty()) errors[c] += relative_error(value, tested);
      for (std::size_t r = 0; r < readers.size(); ++r) {
        XINFER_ASSIGN_OR_RETURN(const std::vector<Tensor> outputs, readers[r].run({tested}));
        errors[c] += relative_error(references[r], outputs[0]);
      }
    }
  }
  return errors;
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
  std::vector<std::optional<Result<std::vector<double>>>> errors(targets.size());
  pool.parallel_for(targets.size(), [&](std::size_t i) {
    errors[i] = score_target(graph, targets[i], isa, values[i]);
  });
  pool.park();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (!errors[i]->ok()) {
      return errors[i]->status().with_context("scoring \"" + targets[i].name + "\"");
    }
    scored[targets[i].name] = {targets[i].candidates, **std::move(errors[i])};
  }
  return scored;
}

}  // namespace xinfer::compile
