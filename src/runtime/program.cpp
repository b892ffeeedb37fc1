#include "runtime/program.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>

#include "core/aligned_buffer.h"
#include "runtime/batch_split.h"
#include "runtime/steps/chain.h"
#include "xinfer/core/device.h"

namespace xinfer::runtime {

using engine::fb::Storage;

Result<std::unique_ptr<Program>> Program::create(std::shared_ptr<const engine::EngineFile> file,
                                                 const ProgramOptions& options) {
  if (const engine::fb::Plan* plan = find_plan(*file, "cpu")) {
    return std::unique_ptr<Program>(new Program(std::move(file), *plan, options));
  }
  return failure(ErrorCode::kIncompatibleEngine, "{}: holds no plan for cpu; it was built for: {}",
                 file->origin(), targets_text(*file));
}

Program::Program(std::shared_ptr<const engine::EngineFile> file, const engine::fb::Plan& plan,
                 const ProgramOptions& options)
    : file_(std::move(file)),
      options_(options),
      pool_(options.threads),
      arena_(allocate_buffer(plan.arena_bytes())),
      bound_(file_, plan, memory_of(plan)) {
  for (const engine::fb::Step* step : *plan.steps()) {
    workspace_bytes_ = std::max<std::size_t>(workspace_bytes_, step->workspace_bytes());
  }
  workspace_ = allocate_buffer(workspace_bytes_);
  tactics_hold_ = plan.tuned_on() != nullptr && plan.tuned_on()->string_view() == cpu_name();
  samples_independent_ = options_.split_batch && samples_are_independent(file_->engine(), plan);
}

PlanMemory Program::memory_of(const engine::fb::Plan& plan) const {
  const std::span<const std::byte> blobs = file_->blobs();
  PlanMemory memory;
  memory.arena = static_cast<std::byte*>(arena_.get());
  memory.arena_bytes = plan.arena_bytes();
  if (samples_are_independent(file_->engine(), plan)) {
    memory.largest_batch = std::numeric_limits<std::int64_t>::max();
    for (const engine::fb::Binding* input : *file_->engine().inputs()) {
      memory.largest_batch = std::min(memory.largest_batch, input->max()->Get(0));
    }
  }
  memory.constant = [blobs](std::size_t offset, std::size_t size_bytes) -> std::byte* {
    if (offset > blobs.size() || size_bytes > blobs.size() - offset) return nullptr;
    return const_cast<std::byte*>(blobs.data() + offset);
  };
  return memory;
}

Status Program::bind_shapes(std::span<const Shape> shapes) {
  if (bound_.is_bound_to(shapes) && (chunk_ > 0 || !steps_.empty())) return {};
  steps_.clear();
  chunk_ = 0;
  XINFER_RETURN_IF_ERROR(bound_.bind(shapes));
  if (samples_independent_) XINFER_RETURN_IF_ERROR(make_lanes(shapes));
  return chunk_ == 0 ? make_steps() : Status();
}

/// Decides whether the batch is cut, and binds a program for every thread to a chunk's shapes.
Status Program::make_lanes(std::span<const Shape> shapes) {
  BatchSplitProblem problem;
  problem.batch = shapes[0][0];
  problem.threads = pool_.threads();
  problem.weight_bytes = file_->blobs().size();
  problem.activation_bytes =
      plan().arena_bytes() /
      static_cast<std::size_t>(file_->engine().inputs()->Get(0)->max()->Get(0));
  for (const engine::fb::Binding* input : *file_->engine().inputs()) {
    problem.smallest_batch = std::max(problem.smallest_batch, input->min()->Get(0));
  }
  const std::int64_t chunk = choose_chunk(problem);
  if (chunk == 0) return {};
  std::vector<Shape> chunk_shapes(shapes.begin(), shapes.end());
  for (Shape& shape : chunk_shapes) {
    if (shape[0] != problem.batch) return {};
    shape[0] = chunk;
  }
  ProgramOptions options = options_;
  options.threads = 1;
  options.split_batch = false;
  while (lanes_.size() < static_cast<std::size_t>(pool_.threads())) {
    lanes_.push_back(std::unique_ptr<Program>(new Program(file_, plan(), options)));
  }
  for (const std::unique_ptr<Program>& lane : lanes_) {
    XINFER_RETURN_IF_ERROR(lane->bind_shapes(chunk_shapes));
  }
  chunk_ = chunk;
  return {};
}

std::size_t Program::memory_bytes() const {
  std::size_t bytes = plan().arena_bytes() + workspace_bytes_;
  if (chunk_ == 0) return bytes;
  return bytes * static_cast<std::size_t>(chunk_) * lanes_.size() /
         static_cast<std::size_t>(file_->engine().inputs()->Get(0)->max()->Get(0));
}

StepSource Program::source_of(unsigned step) const {
  return {*file_,
          *plan().steps()->Get(step),
          bound_.tensors(),
          bound_.dims(),
          options_.isa,
          pool_.threads(),
          {static_cast<std::byte*>(workspace_.get()), workspace_bytes_},
          tactics_hold_};
}

unsigned Program::chain_length(unsigned step) const {
  const std::uint32_t length = plan().steps()->Get(step)->chain();
  return options_.chain_steps ? std::max(length, 1u) : 1u;
}

Status Program::make_steps() {
  const unsigned count = plan().steps()->size();
  steps_.resize(count);
  runs_.assign(count, 1);
  for (unsigned i = 0; i < count; i += chain_length(i)) {
    Status status = make_steps_from(i, chain_length(i));
    if (!status.ok()) {
      steps_.clear();
      return status;
    }
  }
  return {};
}

/// Makes one step, or a chain's, which run as one if that is faster.
Status Program::make_steps_from(unsigned first, unsigned count) {
  const auto in_step = [&](Status status, unsigned i) {
    return std::move(status).with_context("step \"" + plan().steps()->Get(i)->name()->str() + "\"");
  };
  const unsigned last = first + count - 1;
  if (count > 1) {
    std::vector<StepSource> sources;
    for (unsigned i = first; i <= last; ++i) sources.push_back(source_of(i));
    Result<std::unique_ptr<Step>> chain = make_chain_step(sources);
    if (!chain.ok()) return in_step(chain.status(), last);
    if (*chain != nullptr) {
      for (unsigned i = first; i < last; ++i) steps_[i] = make_chained_step();
      std::fill(&runs_[first], &runs_[last], 0u);
      steps_[last] = *std::move(chain);
      runs_[last] = count;
      return {};
    }
  }
  for (unsigned i = first; i <= last; ++i) {
    Result<std::unique_ptr<Step>> made = make_step(source_of(i));
    if (!made.ok()) return in_step(made.status(), i);
    steps_[i] = *std::move(made);
    runs_[i] = 1;
  }
  return {};
}

bool Program::touches_bindings(unsigned first, unsigned count) const {
  for (unsigned i = first; i < first + count; ++i) {
    if (bound_.touches_bindings(i)) return true;
  }
  return false;
}

Status Program::set_addresses(std::span<const void* const> inputs, std::span<void* const> outputs) {
  if (steps_.size() != plan().steps()->size()) return internal_error("run before bind_shapes");
  XINFER_ASSIGN_OR_RETURN(const bool changed, bound_.set_addresses(inputs, outputs));
  if (!changed) return {};
  for (unsigned i = 0; i < steps_.size(); ++i) {
    const unsigned first = i + 1 - runs_[i];
    if (!steps_[i]->holds_addresses() || !touches_bindings(first, runs_[i])) continue;
    XINFER_ASSIGN_OR_RETURN(const bool rebound, steps_[i]->rebind(source_of(i)));
    if (!rebound) XINFER_RETURN_IF_ERROR(make_steps_from(first, runs_[i]));
  }
  return {};
}

Status Program::tune_steps(const TuneStep& tune) {
  if (chunk_ > 0) return lanes_[0]->tune_steps(tune);
  std::vector<Tensor> tensors;
  std::vector<const void*> inputs;
  std::vector<void*> outputs;
  const auto& in = *file_->engine().inputs();
  const auto& out = *file_->engine().outputs();
  for (unsigned i = 0; i < in.size(); ++i) {
    tensors.emplace_back(static_cast<DType>(in[i]->dtype()), bound_.shapes()[i]);
    inputs.push_back(tensors.back().data());
  }
  for (unsigned i = 0; i < out.size(); ++i) {
    tensors.emplace_back(static_cast<DType>(out[i]->dtype()), output_shapes()[i]);
    outputs.push_back(tensors.back().data());
  }
  XINFER_RETURN_IF_ERROR(run(inputs, outputs));
  for (unsigned i = 0; i < steps_.size(); ++i) {
    if (runs_[i] != 1) continue;
    XINFER_ASSIGN_OR_RETURN(const std::optional<TunableStep> step, tunable_step(source_of(i)));
    if (step) XINFER_RETURN_IF_ERROR(tune(i, *step, pool_));
  }
  pool_.park();
  return {};
}

template <typename AfterStep>
Status Program::run_steps(AfterStep&& after_step) {
  Status status;
  for (unsigned i = 0; i < steps_.size() && status.ok(); ++i) {
    status = steps_[i]->run(pool_);
    if (!status.ok()) {
      status =
          std::move(status).with_context("step \"" + plan().steps()->Get(i)->name()->str() + "\"");
      break;
    }
    status = after_step(i);
  }
  pool_.park();
  return status;
}

/// Every lane takes the next chunk until there is none.
Status Program::run_lanes(std::span<const void* const> inputs, std::span<void* const> outputs) {
  const std::int64_t chunks = bound_.shapes()[0][0] / chunk_;
  std::atomic<std::int64_t> next = 0;
  std::vector<Status> statuses(lanes_.size());
  const auto part_bytes = [&](unsigned binding, const auto& bindings, const Shape& shape) {
    const std::size_t bytes = size_of(static_cast<DType>(bindings.Get(binding)->dtype())) *
                              static_cast<std::size_t>(element_count(shape));
    return bytes / static_cast<std::size_t>(chunks);
  };
  pool_.parallel_for(lanes_.size(), [&](std::size_t lane) {
    std::vector<const void*> in(inputs.size());
    std::vector<void*> out(outputs.size());
    for (std::int64_t chunk; statuses[lane].ok() && (chunk = next.fetch_add(1)) < chunks;) {
      for (unsigned i = 0; i < in.size(); ++i) {
        in[i] = static_cast<const std::byte*>(inputs[i]) +
                static_cast<std::size_t>(chunk) *
                    part_bytes(i, *file_->engine().inputs(), bound_.shapes()[i]);
      }
      for (unsigned i = 0; i < out.size(); ++i) {
        out[i] = static_cast<std::byte*>(outputs[i]) +
                 static_cast<std::size_t>(chunk) *
                     part_bytes(i, *file_->engine().outputs(), output_shapes()[i]);
      }
      statuses[lane] = lanes_[lane]->run(in, out);
    }
  });
  pool_.park();
  for (Status& status : statuses) XINFER_RETURN_IF_ERROR(std::move(status));
  return {};
}

Status Program::run(std::span<const void* const> inputs, std::span<void* const> outputs) {
  if (chunk_ > 0) return run_lanes(inputs, outputs);
  XINFER_RETURN_IF_ERROR(set_addresses(inputs, outputs));
  return run_steps([](unsigned) { return Status(); });
}

Status Program::enqueue(std::span<const CallerMemory> inputs, std::span<const CallerMemory> outputs,
                        std::optional<void*> stream) {
  if (stream) return invalid_argument("a stream is given, but this context runs on the CPU");
  std::vector<const void*> in;
  std::vector<void*> out;
  for (const auto* list : {&inputs, &outputs}) {
    for (const CallerMemory& memory : *list) {
      if (memory.on_gpu) {
        return invalid_argument("a tensor is in GPU memory, but this context runs on the CPU");
      }
    }
  }
  for (const CallerMemory& memory : inputs) in.push_back(memory.data);
  for (const CallerMemory& memory : outputs) out.push_back(memory.data);
  return run(in, out);
}

/// What chains skip has to be computed for observers. Later runs leave it at that.
Status Program::prepare_observed_run() {
  const bool chained = std::any_of(runs_.begin(), runs_.end(), [](unsigned n) { return n != 1; });
  options_.chain_steps = false;
  return chained || steps_.empty() ? make_steps() : Status();
}

Status Program::run_observed(std::span<const void* const> inputs, std::span<void* const> outputs,
                             const Observer& observer) {
  XINFER_RETURN_IF_ERROR(prepare_observed_run());
  XINFER_RETURN_IF_ERROR(set_addresses(inputs, outputs));
  for (unsigned i = 0; i < bound_.tensors().size(); ++i) {
    const engine::fb::Tensor& tensor = *plan().tensors()->Get(i);
    if (tensor.storage() != Storage::Input || !tensor.names()) continue;
    XINFER_RETURN_IF_ERROR(observer(*tensor.names(), bound_.tensors()[i]));
  }
  return run_steps([&](unsigned i) -> Status {
    for (std::int32_t output : *plan().steps()->Get(i)->outputs()) {
      if (output < 0) continue;
      const engine::fb::Tensor& tensor = *plan().tensors()->Get(static_cast<unsigned>(output));
      if (!tensor.names() || tensor.names()->size() == 0) continue;
      XINFER_RETURN_IF_ERROR(
          observer(*tensor.names(), bound_.tensors()[static_cast<std::size_t>(output)]));
    }
    return {};
  });
}

double Program::bytes_of(unsigned step) const {
  const auto& steps = *plan().steps();
  double bytes = 0;
  const auto add = [&](std::int32_t index) {
    if (index < 0) return;
    const TensorView& view = bound_.tensors()[static_cast<std::size_t>(index)];
    bytes += static_cast<double>(view.size()) * static_cast<double>(size_of(view.dtype));
  };
  const engine::fb::Step& s = *steps.Get(step);
  if (const auto* concat = s.params_as_Concat(); concat != nullptr && concat->in_place()) {
    // What was written into its slice is not moved; the rest is read and written.
    for (unsigned i = 0; i < s.inputs()->size() && i < concat->in_place()->size(); ++i) {
      if (concat->in_place()->Get(i) == 0) add(s.inputs()->Get(i));
    }
    return 2 * bytes;
  }
  for (unsigned i = step + 1 - runs_[step]; i <= step; ++i) {
    // Within a chain the first input is what the step before it has just computed.
    const bool continues = i != step + 1 - runs_[step];
    for (unsigned k = continues ? 1 : 0; k < steps.Get(i)->inputs()->size(); ++k) {
      add(steps.Get(i)->inputs()->Get(k));
    }
    const engine::fb::Blob* weights = nullptr;
    if (const auto* conv = steps.Get(i)->params_as_Conv()) weights = conv->weights();
    if (const auto* gemm = steps.Get(i)->params_as_Gemm()) weights = gemm->weights();
    if (weights != nullptr) bytes += static_cast<double>(weights->size());
  }
  if (runs_[step] > 0) {
    for (const std::int32_t output : *s.outputs()) add(output);
  }
  return bytes;
}

Status Program::run_profiled(std::span<const void* const> inputs, std::span<void* const> outputs,
                             std::vector<StepTime>& times) {
  using Clock = std::chrono::steady_clock;
  if (steps_.empty()) XINFER_RETURN_IF_ERROR(make_steps());
  XINFER_RETURN_IF_ERROR(set_addresses(inputs, outputs));
  times.assign(steps_.size(), {});
  Clock::time_point start = Clock::now();
  return run_steps([&](unsigned i) {
    const Clock::time_point end = Clock::now();
    times[i] = {.microseconds = std::chrono::duration<double, std::micro>(end - start).count(),
                .kernel = steps_[i]->kernel(),
                .bytes = bytes_of(i),
                .left_out = runs_[i] == 0};
    start = end;
    return Status();
  });
}

Result<double> Program::run_resident(std::span<const void* const> inputs,
                                     std::span<void* const> outputs, int runs) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < runs; ++i) XINFER_RETURN_IF_ERROR(run(inputs, outputs));
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

}  // namespace xinfer::runtime
