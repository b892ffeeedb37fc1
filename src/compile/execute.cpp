#include "compile/execute.h"

#include "compile/sized_plans.h"
#include "runtime/program.h"
#include "tune/tune_cpu.h"

namespace xinfer::compile {
namespace {

namespace fb = engine::fb;

Result<std::vector<std::int64_t>> evaluate_shape(const ir::SymbolicShape& shape,
                                                 const ir::Bindings& bindings) {
  std::vector<std::int64_t> values;
  for (const ir::Dim& dim : shape) {
    XINFER_ASSIGN_OR_RETURN(const std::int64_t value, dim.evaluate(bindings));
    values.push_back(value);
  }
  return values;
}

Result<std::unique_ptr<fb::BindingT>> make_binding(const std::string& name, const ir::Value& value,
                                                   const lower::SymbolRanges& symbols) {
  ir::Bindings smallest, usual, largest;
  for (const auto& [symbol, range] : symbols) {
    smallest[symbol] = range.min;
    usual[symbol] = range.opt;
    largest[symbol] = range.max;
  }
  auto binding = std::make_unique<fb::BindingT>();
  binding->name = name;
  binding->dtype = static_cast<std::uint8_t>(value.dtype);
  for (const ir::Dim& dim : value.shape) {
    const std::string symbol = dim.symbol_name();
    binding->dims.push_back(symbol.empty() ? dim.to_string() : symbol);
  }
  XINFER_ASSIGN_OR_RETURN(binding->min, evaluate_shape(value.shape, smallest));
  XINFER_ASSIGN_OR_RETURN(binding->opt, evaluate_shape(value.shape, usual));
  XINFER_ASSIGN_OR_RETURN(binding->max, evaluate_shape(value.shape, largest));
  return binding;
}

/// Every symbol of the inputs, bound to what the tensors' shapes say.
Result<lower::SymbolRanges> symbols_of(const ir::Graph& graph, const std::vector<Tensor>& inputs) {
  lower::SymbolRanges symbols;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ir::SymbolicShape& shape = graph.value(graph.inputs()[i]).shape;
    if (shape.size() != inputs[i].shape().size()) {
      return invalid_argument("input \"{}\" has shape {}; the model expects {}",
                              graph.value(graph.inputs()[i]).name, to_string(inputs[i].shape()),
                              ir::to_string(shape));
    }
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const std::int64_t size = inputs[i].shape()[axis];
      const std::string name = shape[axis].symbol_name();
      if (!name.empty()) symbols[name] = {size, size, size};
    }
  }
  return symbols;
}

/// Adds the tactics of a timing cache, or timed ones, to the engine's plan for the CPU. `file` is
/// the engine as it is without.
Status add_tactics(const tune::CpuTuneOptions& options,
                   const std::shared_ptr<const engine::EngineFile>& file, fb::EngineT& details) {
  for (const auto& plan : details.plans) {
    if (plan->target != "cpu") continue;
    for (const auto& step : plan->steps) step->tactics.clear();
    XINFER_RETURN_IF_ERROR(tune::tune_cpu(options, file, *plan).status());
  }
  return {};
}

Status choose_tactics(const CpuTuning& tuning, fb::EngineT& details,
                      const engine::BlobWriter& blobs) {
  XINFER_ASSIGN_OR_RETURN(tune::TimingCache timings, tune::TimingCache::load(tuning.timing_cache));
  const std::size_t known = timings.size();
  const std::string bytes = engine::serialize(details, blobs);
  XINFER_ASSIGN_OR_RETURN(auto file,
                          engine::EngineFile::load(std::as_bytes(std::span(bytes)), "engine"));
  tune::CpuTuneOptions options{tuning.isa, tuning.threads, tuning.time, &timings, {}};
  if (tuning.progress) {
    options.progress = [&](int done, int total) { tuning.progress({"tune cpu", done, total}); };
  }
  XINFER_RETURN_IF_ERROR(add_tactics(options, file, details));
  if (timings.size() == known) return {};
  XINFER_ASSIGN_OR_RETURN(tune::TimingCache kept, timings.save(tuning.timing_cache));
  if (kept.agrees_with(timings)) return {};
  // A build beside this one has decided first: both engines take its tactics.
  options.timings = &kept;
  return add_tactics(options, file, details);
}

}  // namespace

Result<std::string> make_engine_bytes(const ir::Graph& graph, const lower::SymbolRanges& symbols,
                                      fb::EngineT details, const EngineTargets& targets) {
  engine::BlobWriter blobs;
  for (ir::ValueId input : graph.inputs()) {
    const ir::Value& value = graph.value(input);
    for (const ir::Dim& dim : value.shape) {
      for (const std::string& symbol : dim.symbols()) {
        if (symbols.contains(symbol)) continue;
        return invalid_argument(
            "input \"{}\" has shape {}: the dynamic dimension \"{}\" needs a profile "
            "(smallest, usual and largest shape)",
            value.name, ir::to_string(value.shape), symbol);
      }
    }
    XINFER_ASSIGN_OR_RETURN(auto binding, make_binding(value.name, value, symbols));
    details.inputs.push_back(std::move(binding));
  }
  for (const ir::GraphOutput& output : graph.outputs()) {
    XINFER_ASSIGN_OR_RETURN(auto binding,
                            make_binding(output.name, graph.value(output.value), symbols));
    details.outputs.push_back(std::move(binding));
  }
  for (const auto& [name, range] : symbols) {
    auto symbol = std::make_unique<fb::SymbolRangeT>();
    symbol->name = name;
    symbol->min = range.min;
    symbol->opt = range.opt;
    symbol->max = range.max;
    details.symbols.push_back(std::move(symbol));
  }
  if (targets.cpu) {
    XINFER_ASSIGN_OR_RETURN(auto plan, lower::lower_cpu(graph, symbols, blobs));
    details.plans.push_back(std::move(plan));
  }
  for (const CudaBuild& target : targets.cuda) {
    XINFER_RETURN_IF_ERROR(
        add_cuda_plans(graph, symbols, target, targets.cuda_sizes, blobs, details));
  }
  if (targets.cpu && targets.cpu_tuning) {
    XINFER_RETURN_IF_ERROR(choose_tactics(*targets.cpu_tuning, details, blobs));
  }
  if (!targets.cuda.empty() && !targets.cuda_sizes.empty()) {
    attach_graph(graph, targets, blobs, details);
  }
  return engine::serialize(details, blobs);
}

Result<std::vector<Tensor>> execute(const ir::Graph& graph, const std::vector<Tensor>& inputs) {
  if (inputs.size() != graph.inputs().size()) {
    return invalid_argument("{} inputs given; the model has {}", inputs.size(),
                            graph.inputs().size());
  }
  XINFER_ASSIGN_OR_RETURN(const lower::SymbolRanges symbols, symbols_of(graph, inputs));
  XINFER_ASSIGN_OR_RETURN(const std::string bytes, make_engine_bytes(graph, symbols, {}));
  XINFER_ASSIGN_OR_RETURN(auto file,
                          engine::EngineFile::load(std::as_bytes(std::span(bytes)), "graph"));
  runtime::ProgramOptions options;
  options.threads = 1;
  XINFER_ASSIGN_OR_RETURN(auto program, runtime::Program::create(std::move(file), options));
  std::vector<Shape> shapes;
  std::vector<const void*> in_data;
  for (const Tensor& input : inputs) {
    shapes.push_back(input.shape());
    in_data.push_back(input.data());
  }
  XINFER_RETURN_IF_ERROR(program->bind_shapes(shapes));
  std::vector<Tensor> outputs;
  std::vector<void*> out_data;
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    outputs.emplace_back(graph.value(graph.outputs()[i].value).dtype, program->output_shapes()[i]);
    out_data.push_back(outputs.back().data());
  }
  XINFER_RETURN_IF_ERROR(program->run(in_data, out_data));
  return outputs;
}

passes::Evaluator node_evaluator() {
  return [](const ir::Graph& graph, ir::NodeId id) -> Result<std::vector<Tensor>> {
    const ir::Node& node = graph.node(id);
    ir::Graph single;
    std::vector<ir::ValueId> inputs;
    for (ir::ValueId input : node.inputs) {
      if (input == ir::kNoValue) {
        inputs.push_back(ir::kNoValue);
        continue;
      }
      const ir::Value& value = graph.value(input);
      inputs.push_back(single.add_constant(value.name, *value.constant));
      single.value(inputs.back()).scale = value.scale;
    }
    std::vector<std::string> names;
    for (ir::ValueId output : node.outputs) {
      names.push_back(output == ir::kNoValue ? "" : graph.value(output).name);
    }
    const ir::NodeId copy = single.add_node(node.name, node.op, std::move(inputs), names);
    for (ir::ValueId output : single.node(copy).outputs) {
      if (output != ir::kNoValue) single.add_output(single.value(output).name, output);
    }
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == ir::kNoValue) continue;
      ir::Value& made = single.value(single.node(copy).outputs[i]);
      made.dtype = graph.value(node.outputs[i]).dtype;
      made.scale = graph.value(node.outputs[i]).scale;
      made.shape = graph.value(node.outputs[i]).shape;
    }
    return execute(single, {});
  };
}

}  // namespace xinfer::compile
