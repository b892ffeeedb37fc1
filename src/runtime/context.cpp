// The public Context: checks the caller's tensors and runs a Program on them.
#include <fmt/format.h>

#include <optional>

#include "core/cpu_isa.h"
#include "runtime/engine_state.h"
#include "runtime/executor.h"
#include "xinfer/core/engine.h"

namespace xinfer {

struct Context::State {
  Engine engine;
  std::unique_ptr<runtime::Executor> program;
  std::vector<Shape> shapes;  ///< of the inputs of the current call
  std::vector<const void*> in_data;
  std::vector<void*> out_data;
  std::vector<runtime::CallerMemory> in_memory, out_memory;  ///< of enqueued runs

  /// Takes over the addresses and shapes of the inputs, and binds the shapes.
  void bind_inputs(std::span<const Tensor> inputs);
  void bind_outputs(std::span<Tensor> outputs);
  void enqueue(std::span<const IoTensor> inputs, std::span<const IoTensor> outputs,
               std::optional<void*> stream);
  std::vector<Tensor> make_outputs() const;

 private:
  void check_input(std::size_t index, DType dtype, const void* data) const;
  void check_output(std::size_t index, DType dtype, const Shape& shape, const void* data) const;
  void check_counts(std::size_t given, std::size_t needed, const char* what) const;
};

namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

}  // namespace

void Context::State::check_counts(std::size_t given, std::size_t needed, const char* what) const {
  if (given == needed) return;
  refuse(fmt::format("{} {} given; the engine has {}", given, what, needed));
}

void Context::State::check_input(std::size_t index, DType dtype, const void* data) const {
  const BindingInfo& binding = engine.inputs()[index];
  if (dtype != binding.dtype) {
    refuse(fmt::format("input \"{}\" is {}; the engine expects {}", binding.name, to_string(dtype),
                       to_string(binding.dtype)));
  }
  if (data == nullptr) refuse(fmt::format("input \"{}\" has no data", binding.name));
}

void Context::State::check_output(std::size_t index, DType dtype, const Shape& shape,
                                  const void* data) const {
  const BindingInfo& binding = engine.outputs()[index];
  const Shape& written = program->output_shapes()[index];
  if (dtype != binding.dtype || shape != written) {
    refuse(fmt::format("output \"{}\" is given as {} {}; the engine writes {} {}", binding.name,
                       to_string(dtype), to_string(shape), to_string(binding.dtype),
                       to_string(written)));
  }
  if (data == nullptr && element_count(written) > 0) {
    refuse(fmt::format("output \"{}\" has no memory", binding.name));
  }
}

void Context::State::bind_inputs(std::span<const Tensor> inputs) {
  check_counts(inputs.size(), engine.inputs().size(), "inputs");
  shapes.resize(inputs.size());
  in_data.resize(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    check_input(i, inputs[i].dtype(), inputs[i].data());
    shapes[i] = inputs[i].shape();
    in_data[i] = inputs[i].data();
  }
  program->bind_shapes(shapes).value();
}

void Context::State::enqueue(std::span<const IoTensor> inputs, std::span<const IoTensor> outputs,
                             std::optional<void*> stream) {
  check_counts(inputs.size(), engine.inputs().size(), "inputs");
  check_counts(outputs.size(), engine.outputs().size(), "outputs");
  shapes.resize(inputs.size());
  in_memory.resize(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    check_input(i, inputs[i].dtype, inputs[i].data);
    shapes[i] = inputs[i].shape;
    in_memory[i] = {inputs[i].data, inputs[i].on_gpu};
  }
  program->bind_shapes(shapes).value();
  out_memory.resize(outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    check_output(i, outputs[i].dtype, outputs[i].shape, outputs[i].data);
    out_memory[i] = {outputs[i].data, outputs[i].on_gpu};
  }
  program->enqueue(in_memory, out_memory, stream).value();
}

std::vector<Tensor> Context::State::make_outputs() const {
  std::vector<Tensor> outputs;
  const auto& bindings = engine.outputs();
  for (std::size_t i = 0; i < bindings.size(); ++i) {
    outputs.emplace_back(bindings[i].dtype, program->output_shapes()[i]);
  }
  return outputs;
}

void Context::State::bind_outputs(std::span<Tensor> outputs) {
  check_counts(outputs.size(), engine.outputs().size(), "outputs");
  out_data.resize(outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    check_output(i, outputs[i].dtype(), outputs[i].shape(), outputs[i].data());
    out_data[i] = outputs[i].data();
  }
}

Context::Context(Engine engine, const ContextOptions& options) {
  if (options.threads < 0) {
    refuse(fmt::format("threads is {}; needed: 0 (all processors) or more", options.threads));
  }
  runtime::ExecutorOptions executor_options;
  executor_options.device = parse_device(options.device).value();
  if (!executor_options.device.architecture.empty()) {
    refuse(
        fmt::format("device \"{}\": an architecture is something to build for; to run, give a "
                    "device: cuda, cuda:1",
                    options.device));
  }
  executor_options.isa = parse_isa(options.cpu_isa).value();
  executor_options.threads = options.threads;
  auto program = runtime::make_executor(engine.state_->file, executor_options).value();
  state_ =
      std::make_unique<State>(State{std::move(engine), std::move(program), {}, {}, {}, {}, {}});
}

Context::~Context() = default;
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;

const Engine& Context::engine() const { return state_->engine; }

std::vector<Tensor> Context::infer(std::span<const Tensor> inputs) {
  state_->bind_inputs(inputs);
  std::vector<Tensor> outputs = state_->make_outputs();
  state_->bind_outputs(outputs);
  state_->program->run(state_->in_data, state_->out_data).value();
  return outputs;
}

Tensor Context::infer(const Tensor& input) { return infer(std::span(&input, 1)).at(0); }

std::map<std::string, Tensor> Context::infer(const std::map<std::string, Tensor>& inputs) {
  std::vector<Tensor> ordered;
  for (const BindingInfo& binding : engine().inputs()) {
    const auto it = inputs.find(binding.name);
    if (it == inputs.end()) refuse(fmt::format("input \"{}\" is missing", binding.name));
    ordered.push_back(it->second);
  }
  for (const auto& [name, tensor] : inputs) {
    bool known = false;
    for (const BindingInfo& binding : engine().inputs()) known = known || binding.name == name;
    if (!known) refuse(fmt::format("the engine has no input \"{}\"", name));
  }
  std::vector<Tensor> results = infer(ordered);
  std::map<std::string, Tensor> named;
  for (std::size_t i = 0; i < results.size(); ++i) {
    named[engine().outputs()[i].name] = std::move(results[i]);
  }
  return named;
}

void Context::infer_into(std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  state_->bind_inputs(inputs);
  state_->bind_outputs(outputs);
  state_->program->run(state_->in_data, state_->out_data).value();
}

void Context::infer_into(std::span<const IoTensor> inputs, std::span<const IoTensor> outputs) {
  state_->enqueue(inputs, outputs, std::nullopt);
  state_->program->synchronize().value();
}

void Context::infer_async(std::span<const IoTensor> inputs, std::span<const IoTensor> outputs) {
  state_->enqueue(inputs, outputs, std::nullopt);
}

void Context::infer_async(std::span<const IoTensor> inputs, std::span<const IoTensor> outputs,
                          void* stream) {
  state_->enqueue(inputs, outputs, stream);
}

void Context::synchronize() { state_->program->synchronize().value(); }

std::vector<Shape> Context::output_shapes(std::span<const Shape> inputs) {
  state_->program->bind_shapes(inputs).value();
  return state_->program->output_shapes();
}

std::vector<StepProfile> Context::profile(std::span<const Tensor> inputs) {
  state_->bind_inputs(inputs);
  std::vector<Tensor> outputs = state_->make_outputs();
  state_->bind_outputs(outputs);
  std::vector<runtime::StepTime> times;
  state_->program->run_profiled(state_->in_data, state_->out_data, times).value();
  const auto& steps = *state_->program->plan().steps();
  std::vector<StepProfile> profile;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const engine::fb::Step& step = *steps.Get(static_cast<unsigned>(i));
    const engine::fb::Cuda* cuda = step.params_as_Cuda();
    profile.push_back({.name = step.name()->str(),
                       .kind = cuda != nullptr ? cuda->family()->str()
                                               : engine::fb::EnumNameParams(step.params_type()),
                       .kernel = times[i].kernel,
                       .microseconds = times[i].microseconds,
                       .bytes = times[i].bytes,
                       .left_out = times[i].left_out});
  }
  return profile;
}

std::vector<Tensor> Context::infer_observed(std::span<const Tensor> inputs,
                                            const ValueCallback& callback) {
  state_->bind_inputs(inputs);
  std::vector<Tensor> outputs = state_->make_outputs();
  state_->bind_outputs(outputs);
  const auto observe = [&](const auto& names, const runtime::TensorView& view) {
    const Tensor values = runtime::real_values(view);
    for (const auto* name : names) {
      if (!values.empty()) callback(name->str(), values);
    }
    return Status();
  };
  state_->program->run_observed(state_->in_data, state_->out_data, observe).value();
  return outputs;
}

int Context::threads() const { return state_->program->threads(); }
std::string Context::target() const { return state_->program->plan().target()->str(); }
std::string Context::cpu_isa() const { return target() == "cpu" ? state_->program->device() : ""; }
std::string Context::device() const { return state_->program->device(); }

double Context::run_resident(int runs) {
  return state_->program->run_resident(state_->in_data, state_->out_data, runs).value();
}

std::size_t Context::memory_bytes() const { return state_->program->memory_bytes(); }

}  // namespace xinfer
