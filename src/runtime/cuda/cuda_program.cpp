#include "runtime/cuda/cuda_program.h"

#include <algorithm>
#include <cstring>

#include "core/aligned_buffer.h"

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

/// The kernel for a batch: the first variant that reaches it, else the last.
unsigned choose_kernel(const fb::Cuda& launch, std::int64_t batch) {
  for (const fb::CudaVariant* variant : *launch.variants()) {
    if (batch <= variant->largest_batch()) return variant->kernel();
  }
  return launch.variants()->Get(launch.variants()->size() - 1)->kernel();
}

}  // namespace

Result<std::unique_ptr<CudaProgram>> CudaProgram::create(
    std::shared_ptr<const engine::EngineFile> file, const CudaProgramOptions& options) {
  XINFER_ASSIGN_OR_RETURN(auto engine, CudaEngine::open(file, options.ordinal));
  const cuda::ContextScope scope(engine->context());
  XINFER_RETURN_IF_ERROR(scope.status());
  std::unique_ptr<CudaProgram> program(new CudaProgram(std::move(file), std::move(engine)));
  XINFER_RETURN_IF_ERROR(program->allocate());
  return program;
}

Status CudaProgram::allocate() {
  XINFER_ASSIGN_OR_RETURN(stream_, cuda::Stream::create());
  XINFER_ASSIGN_OR_RETURN(arena_, cuda::Buffer::allocate(plan().arena_bytes() + kBufferMargin));
  const auto allocate_staging = [](const auto& bindings, std::vector<Staging>& staging) -> Status {
    for (const fb::Binding* binding : bindings) {
      Staging made;
      const std::size_t bytes = largest_bytes(*binding);
      XINFER_ASSIGN_OR_RETURN(made.device, cuda::Buffer::allocate(bytes + kBufferMargin));
      XINFER_ASSIGN_OR_RETURN(made.host, cuda::PinnedBuffer::allocate(bytes));
      staging.push_back(std::move(made));
    }
    return Status();
  };
  XINFER_RETURN_IF_ERROR(allocate_staging(*file_->engine().inputs(), inputs_));
  return allocate_staging(*file_->engine().outputs(), outputs_);
}

CudaProgram::~CudaProgram() {
  const cuda::ContextScope scope(engine_->context());
  by_shapes_.clear();
  stream_ = cuda::Stream();
  inputs_.clear();
  outputs_.clear();
  arena_ = cuda::Buffer();
}

std::size_t CudaProgram::memory_bytes() const {
  std::size_t bytes = arena_.size_bytes();
  for (const auto* list : {&inputs_, &outputs_}) {
    for (const Staging& staging : *list) bytes += staging.device.size_bytes();
  }
  return bytes;
}

Status CudaProgram::bind_shapes(std::span<const Shape> shapes) {
  if (bound_ != nullptr && bound_->plan.is_bound_to(shapes)) return {};
  bound_ = nullptr;
  auto& entry = by_shapes_[std::vector<Shape>(shapes.begin(), shapes.end())];
  if (entry == nullptr) {
    const cuda::ContextScope scope(engine_->context());
    XINFER_RETURN_IF_ERROR(scope.status());
    XINFER_ASSIGN_OR_RETURN(entry, make_bound(shapes));
  }
  bound_ = entry.get();
  return {};
}

Result<std::unique_ptr<CudaProgram::Bound>> CudaProgram::make_bound(
    std::span<const Shape> shapes) const {
  PlanMemory memory;
  memory.arena = static_cast<std::byte*>(pointer(arena_.address()));
  memory.arena_bytes = plan().arena_bytes();
  memory.constant = [this](std::size_t offset, std::size_t size_bytes) {
    return static_cast<std::byte*>(pointer(engine_->address_of(offset, size_bytes)));
  };
  auto bound = std::unique_ptr<Bound>(
      new Bound{BoundPlan(file_, plan(), std::move(memory)), {}, {}, std::nullopt});
  XINFER_RETURN_IF_ERROR(bound->plan.bind(shapes));
  std::vector<const void*> in;
  std::vector<void*> out;
  for (const Staging& staging : inputs_) in.push_back(pointer(staging.device.address()));
  for (const Staging& staging : outputs_) out.push_back(pointer(staging.device.address()));
  XINFER_RETURN_IF_ERROR(bound->plan.set_addresses(in, out).status());
  for (unsigned i = 0; i < plan().steps()->size(); ++i) {
    Status status = make_launch(i, *bound);
    if (status.ok()) continue;
    return std::move(status).with_context("step \"" + plan().steps()->Get(i)->name()->str() + "\"");
  }
  return bound;
}

Status CudaProgram::make_launch(unsigned step, Bound& bound) const {
  const fb::Cuda& launch = *plan().steps()->Get(step)->params_as_Cuda();
  OperandAddresses addresses;
  for (const fb::CudaOperand* operand : *launch.operands()) {
    cuda::DevicePointer at = 0;
    if (operand->tensor() >= 0) {
      const TensorView& view = bound.plan.tensors()[static_cast<std::size_t>(operand->tensor())];
      at = address(view.data) + operand->offset_bytes();
    } else if (operand->blob() != nullptr) {
      at = engine_->address_of(operand->blob()->offset(), operand->blob()->size());
    }
    addresses.set(static_cast<Operand>(operand->operand()), at);
  }
  const std::int64_t batch = bound.plan.dims()[launch.batch()];
  const CudaEngine::LoadedKernel& kernel = engine_->kernel(choose_kernel(launch, batch));
  const bool overlap = engine_->device().compute_capability >= 90;
  XINFER_ASSIGN_OR_RETURN(BoundKernel made,
                          BoundKernel::bind(kernel.spec, kernel.function, addresses, batch,
                                            engine_->device().multiprocessors, overlap));
  bound.launches.push_back(std::move(made));
  bound.tactics.push_back(kernel.spec.tactic.c_str());
  return Status();
}

Status CudaProgram::launch(unsigned step) const {
  Status status = bound_->launches[step].launch(stream_);
  if (status.ok()) return status;
  return std::move(status).with_context("step \"" + plan().steps()->Get(step)->name()->str() +
                                        "\"");
}

Status CudaProgram::launch_all() const {
  if (!bound_->graph) {
    XINFER_ASSIGN_OR_RETURN(bound_->graph, cuda::Graph::capture(stream_, [this]() -> Status {
                              for (unsigned i = 0; i < bound_->launches.size(); ++i) {
                                XINFER_RETURN_IF_ERROR(launch(i));
                              }
                              return Status();
                            }));
  }
  return bound_->graph->launch(stream_);
}

std::size_t CudaProgram::bytes_of_input(unsigned index) const {
  for (unsigned i = 0; i < plan().tensors()->size(); ++i) {
    const fb::Tensor& tensor = *plan().tensors()->Get(i);
    if (tensor.storage() == fb::Storage::Input && tensor.binding() == index) {
      return bound_->plan.tensors()[i].size_bytes();
    }
  }
  return 0;  // nothing reads it
}

Status CudaProgram::copy_in(std::span<const void* const> inputs) const {
  for (unsigned i = 0; i < inputs_.size(); ++i) {
    const std::size_t bytes = bytes_of_input(i);
    if (bytes == 0) continue;
    std::memcpy(inputs_[i].host.data(), inputs[i], bytes);
    XINFER_RETURN_IF_ERROR(
        stream_.copy_to_device(inputs_[i].device.address(), inputs_[i].host.data(), bytes));
  }
  return Status();
}

Status CudaProgram::copy_out(std::span<void* const> outputs) const {
  std::vector<std::size_t> bytes;
  for (unsigned i = 0; i < outputs_.size(); ++i) {
    std::size_t count = size_of(static_cast<DType>(file_->engine().outputs()->Get(i)->dtype()));
    for (const std::int64_t dim : output_shapes()[i]) count *= static_cast<std::size_t>(dim);
    bytes.push_back(count);
    XINFER_RETURN_IF_ERROR(
        stream_.copy_to_host(outputs_[i].host.data(), outputs_[i].device.address(), count));
  }
  XINFER_RETURN_IF_ERROR(stream_.synchronize());
  for (unsigned i = 0; i < outputs_.size(); ++i) {
    std::memcpy(outputs[i], outputs_[i].host.data(), bytes[i]);
  }
  return Status();
}

Status CudaProgram::run(std::span<const void* const> inputs, std::span<void* const> outputs) {
  if (bound_ == nullptr) return internal_error("run before bind_shapes");
  const cuda::ContextScope scope(engine_->context());
  XINFER_RETURN_IF_ERROR(scope.status());
  XINFER_RETURN_IF_ERROR(copy_in(inputs));
  XINFER_RETURN_IF_ERROR(launch_all());
  return copy_out(outputs);
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
  if (bound_ == nullptr) return internal_error("run before bind_shapes");
  const cuda::ContextScope scope(engine_->context());
  XINFER_RETURN_IF_ERROR(scope.status());
  XINFER_RETURN_IF_ERROR(copy_in(inputs));
  XINFER_RETURN_IF_ERROR(stream_.synchronize());
  for (unsigned i = 0; i < plan().tensors()->size(); ++i) {
    if (plan().tensors()->Get(i)->storage() != fb::Storage::Input) continue;
    XINFER_RETURN_IF_ERROR(observe(i, observer));
  }
  for (unsigned i = 0; i < bound_->launches.size(); ++i) {
    XINFER_RETURN_IF_ERROR(launch(i));
    Status done = stream_.synchronize();
    if (!done.ok()) return std::move(done).with_context(plan().steps()->Get(i)->name()->str());
    for (const std::int32_t output : *plan().steps()->Get(i)->outputs()) {
      if (output >= 0) XINFER_RETURN_IF_ERROR(observe(static_cast<unsigned>(output), observer));
    }
  }
  return copy_out(outputs);
}

Status CudaProgram::run_profiled(std::span<const void* const> inputs,
                                 std::span<void* const> outputs, std::vector<StepTime>& times) {
  if (bound_ == nullptr) return internal_error("run before bind_shapes");
  const cuda::ContextScope scope(engine_->context());
  XINFER_RETURN_IF_ERROR(scope.status());
  XINFER_RETURN_IF_ERROR(copy_in(inputs));
  std::vector<cuda::Event> events;
  const auto mark = [&]() -> Status {
    XINFER_ASSIGN_OR_RETURN(cuda::Event event, cuda::Event::create());
    XINFER_RETURN_IF_ERROR(event.record(stream_));
    events.push_back(std::move(event));
    return Status();
  };
  XINFER_RETURN_IF_ERROR(mark());
  for (unsigned i = 0; i < bound_->launches.size(); ++i) {
    XINFER_RETURN_IF_ERROR(launch(i));
    XINFER_RETURN_IF_ERROR(mark());
  }
  XINFER_RETURN_IF_ERROR(copy_out(outputs));
  times.clear();
  for (unsigned i = 0; i < bound_->launches.size(); ++i) {
    XINFER_ASSIGN_OR_RETURN(const float ms, events[i + 1].milliseconds_since(events[i]));
    times.push_back({1e3 * static_cast<double>(ms), bound_->tactics[i]});
  }
  return Status();
}

Result<double> CudaProgram::run_resident(std::span<const void* const> inputs,
                                         std::span<void* const>, int runs) {
  if (bound_ == nullptr) return internal_error("run before bind_shapes");
  const cuda::ContextScope scope(engine_->context());
  XINFER_RETURN_IF_ERROR(scope.status());
  XINFER_RETURN_IF_ERROR(copy_in(inputs));
  XINFER_ASSIGN_OR_RETURN(const cuda::Event start, cuda::Event::create());
  XINFER_ASSIGN_OR_RETURN(const cuda::Event end, cuda::Event::create());
  XINFER_RETURN_IF_ERROR(start.record(stream_));
  for (int i = 0; i < runs; ++i) XINFER_RETURN_IF_ERROR(launch_all());
  XINFER_RETURN_IF_ERROR(end.record(stream_));
  XINFER_RETURN_IF_ERROR(end.synchronize());
  XINFER_ASSIGN_OR_RETURN(const float ms, end.milliseconds_since(start));
  return static_cast<double>(ms);
}

}  // namespace xinfer::runtime
