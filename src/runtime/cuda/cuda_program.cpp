#include "runtime/cuda/cuda_program.h"

#include <algorithm>

#include "core/aligned_buffer.h"
#include "runtime/cuda/launched_kernels.h"

namespace xinfer::runtime {
namespace {

namespace fb = engine::fb;
using kernels::cuda::BoundKernel;
using kernels::cuda::Operand;
using kernels::cuda::OperandAddresses;

void* pointer(cuda::DevicePointer address) { return reinterpret_cast<void*>(address); }
cuda::DevicePointer address(const void* data) {
  return reinterpret_cast<cuda::DevicePointer>(data);
}

std::size_t largest_bytes(const fb::Binding& binding) {
  std::size_t bytes = size_of(static_cast<DType>(binding.dtype()));
  for (const std::int64_t dim : *binding.max()) {
    bytes *= static_cast<std::size_t>(std::max<std::int64_t>(dim, 0));
  }
  return bytes;
}

}  // namespace

Result<std::unique_ptr<CudaProgram>> CudaProgram::create(
    std::shared_ptr<const engine::EngineFile> file, const CudaProgramOptions& options) {
  XINFER_ASSIGN_OR_RETURN(auto engine, CudaEngine::open(file, options.ordinal, options.plan));
  const cuda::ContextScope scope(engine->context());
  XINFER_RETURN_IF_ERROR(scope.status());
  std::unique_ptr<CudaProgram> program(new CudaProgram(std::move(file), std::move(engine)));
  XINFER_RETURN_IF_ERROR(program->allocate());
  return program;
}

Status CudaProgram::allocate() {
  XINFER_ASSIGN_OR_RETURN(stream_, cuda::Stream::create());
  XINFER_ASSIGN_OR_RETURN(done_, cuda::Event::create_untimed());
  Result<cuda::Buffer> arena = cuda::Buffer::allocate(plan().arena_bytes() + kBufferMargin);
  if (!arena.ok()) return arena.status().with_context(file_->origin() + ": activations");
  arena_ = *std::move(arena);
  const int ordinal = engine_->context().ordinal();
  for (const fb::Binding* binding : *file_->engine().inputs()) {
    inputs_.emplace_back("input \"" + binding->name()->str() + "\"", ordinal,
                         largest_bytes(*binding));
  }
  for (const fb::Binding* binding : *file_->engine().outputs()) {
    outputs_.emplace_back("output \"" + binding->name()->str() + "\"", ordinal,
                          largest_bytes(*binding));
  }
  return Status();
}

CudaProgram::~CudaProgram() {
  const cuda::ContextScope scope(engine_->context());
  if (busy_stream_) static_cast<void>(done_->synchronize().ok());  // its memory is about to go
  by_shapes_.clear();
  done_.reset();
  stream_ = cuda::Stream();
  inputs_.clear();
  outputs_.clear();
  arena_ = cuda::Buffer();
}

std::size_t CudaProgram::memory_bytes() const {
  std::size_t bytes = arena_.size_bytes();
  for (const auto* list : {&inputs_, &outputs_}) {
    for (const CallerSlot& slot : *list) bytes += slot.device_bytes();
  }
  return bytes;
}

Status CudaProgram::bind_shapes(std::span<const Shape> shapes) {
  if (bound_ != nullptr && bound_->plan.is_bound_to(shapes)) return {};
  bound_ = nullptr;
  const std::vector<Shape> key(shapes.begin(), shapes.end());
  auto found = by_shapes_.find(key);
  if (found == by_shapes_.end()) {
    const cuda::ContextScope scope(engine_->context());
    XINFER_RETURN_IF_ERROR(scope.status());
    XINFER_RETURN_IF_ERROR(make_room());
    XINFER_ASSIGN_OR_RETURN(std::unique_ptr<Bound> made, make_bound(shapes));
    found = by_shapes_.emplace(key, std::move(made)).first;
  }
  bound_ = found->second.get();
  bound_->last_bound = ++bindings_;
  return {};
}

/// Forgets the shapes bound longest ago if there are too many to add one.
Status CudaProgram::make_room() {
  if (by_shapes_.size() < kMostShapes) return Status();
  XINFER_RETURN_IF_ERROR(synchronize());  // its graph may be running
  by_shapes_.erase(std::ranges::min_element(
      by_shapes_, {}, [](const auto& entry) { return entry.second->last_bound; }));
  return Status();
}

Result<std::unique_ptr<CudaProgram::Bound>> CudaProgram::make_bound(
    std::span<const Shape> shapes) const {
  PlanMemory memory;
  memory.arena = static_cast<std::byte*>(pointer(arena_.address()));
  memory.arena_bytes = plan().arena_bytes();
  memory.constant = [this](std::size_t offset, std::size_t size_bytes) {
    return static_cast<std::byte*>(pointer(engine_->address_of(offset, size_bytes)));
  };
  auto bound =
      std::unique_ptr<Bound>(new Bound{BoundPlan(file_, plan(), std::move(memory)), {}, {}, {}, 0});
  XINFER_RETURN_IF_ERROR(bound->plan.bind(shapes));
  bound->input_bytes.resize(inputs_.size());
  for (unsigned i = 0; i < plan().tensors()->size(); ++i) {
    const fb::Tensor& tensor = *plan().tensors()->Get(i);
    if (tensor.storage() != fb::Storage::Input) continue;
    const std::size_t bytes = bound->plan.tensors()[i].size_bytes();
    XINFER_RETURN_IF_ERROR(inputs_[tensor.binding()].check_fits(bytes, file_->origin()));
    bound->input_bytes[tensor.binding()] = bytes;
  }
  for (unsigned i = 0; i < outputs_.size(); ++i) {
    std::size_t bytes = size_of(static_cast<DType>(file_->engine().outputs()->Get(i)->dtype()));
    for (const std::int64_t dim : bound->plan.output_shapes()[i]) {
      bytes *= static_cast<std::size_t>(dim);
    }
    XINFER_RETURN_IF_ERROR(outputs_[i].check_fits(bytes, file_->origin()));
    bound->output_bytes.push_back(bytes);
  }
  return bound;
}

std::string CudaProgram::step_name(unsigned step) const {
  return plan().steps()->Get(step)->name()->str();
}

Result<std::optional<BoundKernel>> CudaProgram::make_launch(unsigned step,
                                                            const char*& tactic) const {
  const fb::Cuda& launch = *plan().steps()->Get(step)->params_as_Cuda();
  const unsigned chosen = chosen_kernel(launch, bound_->plan.dims());
  if (chosen == engine::kNoKernel) {
    tactic = kLaterStep;
    return std::optional<BoundKernel>();
  }
  OperandAddresses addresses;
  for (const fb::CudaOperand* operand : *launch.operands()) {
    cuda::DevicePointer at = 0;
    if (operand->tensor() >= 0) {
      const TensorView& view = bound_->plan.tensors()[static_cast<std::size_t>(operand->tensor())];
      at = address(view.data) + operand->offset_bytes();
    } else if (operand->blob() != nullptr) {
      at = engine_->address_of(operand->blob()->offset(), operand->blob()->size());
    }
    addresses.set(static_cast<Operand>(operand->operand()), at);
  }
  const CudaEngine::LoadedKernel& kernel = engine_->kernel(chosen);
  tactic = kernel.spec.tactic.c_str();
  const bool overlap = engine_->device().compute_capability >= 90;
  const std::int64_t batch = bound_->plan.dims()[launch.batch()];
  Result<BoundKernel> made = BoundKernel::bind(kernel.spec, kernel.function, addresses, batch,
                                               engine_->device().multiprocessors, overlap);
  if (made.ok()) return std::optional(*std::move(made));
  return made.status().with_context("step \"" + step_name(step) + "\"");
}

/// Lets the launches read and write there. Those that touch no input or output stay as they are.
Status CudaProgram::point_at(std::span<const void* const> inputs, std::span<void* const> outputs) {
  XINFER_ASSIGN_OR_RETURN(const bool changed, bound_->plan.set_addresses(inputs, outputs));
  LaunchGraph& launches = bound_->launches;
  const char* tactic = "";
  for (auto i = static_cast<unsigned>(launches.size()); i < plan().steps()->size(); ++i) {
    XINFER_ASSIGN_OR_RETURN(std::optional<BoundKernel> made, make_launch(i, tactic));
    launches.add(std::move(made), step_name(i), tactic);
  }
  if (!changed) return Status();
  for (unsigned i = 0; i < launches.size(); ++i) {
    if (!bound_->plan.touches_bindings(i)) continue;
    XINFER_ASSIGN_OR_RETURN(std::optional<BoundKernel> made, make_launch(i, tactic));
    launches.replace(i, std::move(made));
  }
  return Status();
}

/// Puts a run behind the one before it, which uses the same activations.
Status CudaProgram::begin(const cuda::Stream& stream) {
  if (!busy_stream_ || *busy_stream_ == stream.handle()) return Status();
  return stream.wait_for(*done_);
}

Status CudaProgram::end(const cuda::Stream& stream) {
  XINFER_RETURN_IF_ERROR(done_->record(stream));
  busy_stream_ = stream.handle();
  return Status();
}

Status CudaProgram::bring_in(std::span<const CallerMemory> inputs, const cuda::Stream& stream) {
  in_.assign(inputs_.size(), nullptr);
  for (unsigned i = 0; i < inputs_.size(); ++i) {
    const std::size_t bytes = bound_->input_bytes[i];
    if (bytes == 0) continue;
    XINFER_ASSIGN_OR_RETURN(const cuda::DevicePointer at,
                            inputs_[i].bring_in(inputs[i], bytes, stream));
    in_[i] = pointer(at);
  }
  return Status();
}

Status CudaProgram::place(std::span<const CallerMemory> outputs) {
  out_.clear();
  for (unsigned i = 0; i < outputs_.size(); ++i) {
    XINFER_ASSIGN_OR_RETURN(const cuda::DevicePointer at,
                            outputs_[i].place(outputs[i], bound_->output_bytes[i]));
    out_.push_back(pointer(at));
  }
  return Status();
}

Status CudaProgram::bring_out(std::span<const CallerMemory> outputs, const cuda::Stream& stream,
                              bool at_once) {
  for (unsigned i = 0; i < outputs_.size(); ++i) {
    XINFER_RETURN_IF_ERROR(
        outputs_[i].bring_out(outputs[i], bound_->output_bytes[i], stream, at_once));
  }
  return Status();
}

Status CudaProgram::enqueue(std::span<const CallerMemory> inputs,
                            std::span<const CallerMemory> outputs, std::optional<void*> stream) {
  if (bound_ == nullptr) return internal_error("run before bind_shapes");
  const cuda::ContextScope scope(engine_->context());
  XINFER_RETURN_IF_ERROR(scope.status());
  const cuda::Stream on =
      cuda::Stream::view(stream ? static_cast<cuda::StreamHandle>(*stream) : stream_.handle());
  XINFER_RETURN_IF_ERROR(begin(on));
  XINFER_RETURN_IF_ERROR(bring_in(inputs, on));
  XINFER_RETURN_IF_ERROR(place(outputs));
  XINFER_RETURN_IF_ERROR(point_at(in_, out_));
  XINFER_RETURN_IF_ERROR(bound_->launches.launch(on, stream_));
  XINFER_RETURN_IF_ERROR(bring_out(outputs, on, /*at_once=*/true));
  return end(on);
}

Status CudaProgram::synchronize() {
  if (!busy_stream_) return Status();
  const cuda::ContextScope scope(engine_->context());
  XINFER_RETURN_IF_ERROR(scope.status());
  busy_stream_.reset();
  return done_->synchronize().with_context(file_->origin() + ": a run on " + device());
}

namespace {

std::vector<CallerMemory> on_host(std::span<const void* const> inputs) {
  std::vector<CallerMemory> memory;
  for (const void* data : inputs) memory.push_back({const_cast<void*>(data), false});
  return memory;
}

std::vector<CallerMemory> on_host(std::span<void* const> outputs) {
  std::vector<CallerMemory> memory;
  for (void* data : outputs) memory.push_back({data, false});
  return memory;
}

}  // namespace

/// Brings host inputs to the device, and lets the launches write into buffers there.
Status CudaProgram::prepare(std::span<const void* const> inputs, std::span<void* const> outputs) {
  if (bound_ == nullptr) return internal_error("run before bind_shapes");
  XINFER_RETURN_IF_ERROR(begin(stream_));
  XINFER_RETURN_IF_ERROR(bring_in(on_host(inputs), stream_));
  XINFER_RETURN_IF_ERROR(place(on_host(outputs)));
  return point_at(in_, out_);
}

/// Brings the outputs to the host and waits for them.
Status CudaProgram::finish(std::span<void* const> outputs) {
  XINFER_RETURN_IF_ERROR(bring_out(on_host(outputs), stream_, /*at_once=*/false));
  XINFER_RETURN_IF_ERROR(
      stream_.synchronize().with_context(file_->origin() + ": a run on " + device()));
  busy_stream_.reset();
  for (CallerSlot& slot : outputs_) slot.finish();
  return Status();
}

Status CudaProgram::run(std::span<const void* const> inputs, std::span<void* const> outputs) {
  const cuda::ContextScope scope(engine_->context());
  XINFER_RETURN_IF_ERROR(scope.status());
  XINFER_RETURN_IF_ERROR(prepare(inputs, outputs));
  XINFER_RETURN_IF_ERROR(bound_->launches.launch(stream_, stream_));
  return finish(outputs);
}

Status CudaProgram::observe(unsigned index, const Observer& observer) const {
  const fb::Tensor& tensor = *plan().tensors()->Get(index);
  if (!tensor.names() || tensor.names()->size() == 0) return Status();
  TensorView view = bound_->plan.tensors()[index];
  std::vector<std::byte> bytes(view.extent_bytes());
  XINFER_RETURN_IF_ERROR(cuda::copy_to_host(bytes.data(), address(view.data), bytes.size()));
  view.data = bytes.data();
  return observer(*tensor.names(), view);
}

Status CudaProgram::run_observed(std::span<const void* const> inputs,
                                 std::span<void* const> outputs, const Observer& observer) {
  const cuda::ContextScope scope(engine_->context());
  XINFER_RETURN_IF_ERROR(scope.status());
  XINFER_RETURN_IF_ERROR(prepare(inputs, outputs));
  XINFER_RETURN_IF_ERROR(stream_.synchronize());
  for (unsigned i = 0; i < plan().tensors()->size(); ++i) {
    if (plan().tensors()->Get(i)->storage() != fb::Storage::Input) continue;
    XINFER_RETURN_IF_ERROR(observe(i, observer));
  }
  const auto made = tensors_made(plan(), bound_->plan.dims());
  for (unsigned i = 0; i < bound_->launches.size(); ++i) {
    if (!bound_->launches.has(i)) continue;
    XINFER_RETURN_IF_ERROR(bound_->launches.launch_single(i, stream_));
    XINFER_RETURN_IF_ERROR(stream_.synchronize().with_context("step \"" + step_name(i) + "\""));
    for (const unsigned tensor : made[i]) XINFER_RETURN_IF_ERROR(observe(tensor, observer));
  }
  return finish(outputs);
}

Status CudaProgram::run_observed_there(std::span<const void* const> inputs,
                                       const DeviceObserver& observer) {
  const cuda::ContextScope scope(engine_->context());
  XINFER_RETURN_IF_ERROR(scope.status());
  const std::vector<void*> nowhere(outputs_.size());
  XINFER_RETURN_IF_ERROR(prepare(inputs, nowhere));
  // Page-locked inputs are read by the device itself; here they shall have been read on return.
  if (std::any_of(inputs.begin(), inputs.end(), cuda::is_page_locked)) {
    XINFER_RETURN_IF_ERROR(stream_.synchronize());
  }
  const auto observe = [&](unsigned index) -> Status {
    const auto* names = plan().tensors()->Get(index)->names();
    if (names == nullptr || names->size() == 0) return Status();
    return observer(*names, bound_->plan.tensors()[index], stream_);
  };
  for (unsigned i = 0; i < plan().tensors()->size(); ++i) {
    if (plan().tensors()->Get(i)->storage() != fb::Storage::Input) continue;
    XINFER_RETURN_IF_ERROR(observe(i));
  }
  const auto made = tensors_made(plan(), bound_->plan.dims());
  for (unsigned i = 0; i < bound_->launches.size(); ++i) {
    XINFER_RETURN_IF_ERROR(bound_->launches.launch_single(i, stream_));
    for (const unsigned tensor : made[i]) XINFER_RETURN_IF_ERROR(observe(tensor));
  }
  return end(stream_);
}

double CudaProgram::bytes_moved(unsigned step) const {
  double bytes = 0;
  for (const fb::CudaOperand* operand : *plan().steps()->Get(step)->params_as_Cuda()->operands()) {
    if (operand->tensor() >= 0) {
      const auto index = static_cast<std::size_t>(operand->tensor());
      bytes += static_cast<double>(bound_->plan.tensors()[index].size_bytes());
    } else if (operand->blob() != nullptr) {
      bytes += static_cast<double>(operand->blob()->size());
    }
  }
  return bytes;
}

Status CudaProgram::run_profiled(std::span<const void* const> inputs,
                                 std::span<void* const> outputs, std::vector<StepTime>& times) {
  const cuda::ContextScope scope(engine_->context());
  XINFER_RETURN_IF_ERROR(scope.status());
  XINFER_RETURN_IF_ERROR(prepare(inputs, outputs));
  const LaunchGraph& launches = bound_->launches;
  std::vector<cuda::Event> events;
  const auto mark = [&]() -> Status {
    XINFER_ASSIGN_OR_RETURN(cuda::Event event, cuda::Event::create());
    XINFER_RETURN_IF_ERROR(event.record(stream_));
    events.push_back(std::move(event));
    return Status();
  };
  XINFER_RETURN_IF_ERROR(mark());
  for (unsigned i = 0; i < launches.size(); ++i) {
    XINFER_RETURN_IF_ERROR(launches.launch_single(i, stream_));
    XINFER_RETURN_IF_ERROR(mark());
  }
  XINFER_RETURN_IF_ERROR(finish(outputs));
  times.clear();
  for (unsigned i = 0; i < launches.size(); ++i) {
    XINFER_ASSIGN_OR_RETURN(const float ms, events[i + 1].milliseconds_since(events[i]));
    const bool has = launches.has(i);
    times.push_back({.microseconds = has ? 1e3 * static_cast<double>(ms) : 0.0,
                     .kernel = launches.tactic(i),
                     .bytes = has ? bytes_moved(i) : 0.0,
                     .left_out = !has});
  }
  return Status();
}

Result<double> CudaProgram::run_resident(std::span<const void* const> inputs,
                                         std::span<void* const> outputs, int runs) {
  const cuda::ContextScope scope(engine_->context());
  XINFER_RETURN_IF_ERROR(scope.status());
  XINFER_RETURN_IF_ERROR(prepare(inputs, outputs));
  XINFER_ASSIGN_OR_RETURN(const cuda::Event start, cuda::Event::create());
  XINFER_ASSIGN_OR_RETURN(const cuda::Event end, cuda::Event::create());
  XINFER_RETURN_IF_ERROR(start.record(stream_));
  for (int i = 0; i < runs; ++i) {
    XINFER_RETURN_IF_ERROR(bound_->launches.launch(stream_, stream_));
  }
  XINFER_RETURN_IF_ERROR(end.record(stream_));
  XINFER_RETURN_IF_ERROR(end.synchronize());
  busy_stream_.reset();
  XINFER_ASSIGN_OR_RETURN(const float ms, end.milliseconds_since(start));
  return static_cast<double>(ms);
}

}  // namespace xinfer::runtime
