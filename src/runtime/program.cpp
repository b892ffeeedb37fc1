#include "runtime/program.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "core/aligned_buffer.h"
#include "engine/dim_program.h"
#include "runtime/batch_split.h"

namespace xinfer::runtime {

using engine::fb::Binding;
using engine::fb::DimOp;
using engine::fb::Storage;

namespace {

std::string dims_text(const Binding& binding) {
  std::string text = "[";
  for (const auto* dim : *binding.dims()) text += (text.size() > 1 ? ", " : "") + dim->str();
  return text + "]";
}

/// The tensor that stands for input `binding` in the plan: the first; later ones are reshapes.
const engine::fb::Tensor* input_tensor(const engine::fb::Plan& plan, unsigned binding) {
  for (const engine::fb::Tensor* tensor : *plan.tensors()) {
    if (tensor->storage() == Storage::Input && tensor->binding() == binding &&
        tensor->view_of() < 0) {
      return tensor;
    }
  }
  return nullptr;
}

}  // namespace

Result<std::unique_ptr<Program>> Program::create(std::shared_ptr<const engine::EngineFile> file,
                                                 const ProgramOptions& options) {
  std::string held;
  for (const engine::fb::Plan* plan : *file->engine().plans()) {
    if (plan->target()->str() == "cpu") {
      return std::unique_ptr<Program>(new Program(file, *plan, options));
    }
    held += (held.empty() ? "" : ", ") + plan->target()->str();
  }
  return Status(
      ErrorCode::kIncompatibleEngine,
      fmt::format("{}: holds no plan for cpu; it was built for: {}", file->origin(), held));
}

Program::Program(std::shared_ptr<const engine::EngineFile> file, const engine::fb::Plan& plan,
                 const ProgramOptions& options)
    : file_(std::move(file)), plan_(plan), options_(options), pool_(options.threads) {
  arena_bytes_ = plan_.arena_bytes();
  arena_ = allocate_buffer(arena_bytes_);
  for (const engine::fb::Step* step : *plan_.steps()) {
    workspace_bytes_ = std::max<std::size_t>(workspace_bytes_, step->workspace_bytes());
  }
  workspace_ = allocate_buffer(workspace_bytes_);
  samples_independent_ = options_.split_batch && samples_are_independent(file_->engine(), plan_);
}

Result<std::vector<std::int64_t>> Program::solve_symbols(std::span<const Shape> shapes) const {
  const auto& inputs = *file_->engine().inputs();
  if (shapes.size() != inputs.size()) {
    return invalid_argument("{} inputs given; the engine has {}", shapes.size(), inputs.size());
  }
  std::vector<std::int64_t> symbols(plan_.symbols()->size(), -1);
  for (unsigned i = 0; i < inputs.size(); ++i) {
    const Binding& binding = *inputs[i];
    const Shape& shape = shapes[i];
    if (shape.size() != binding.dims()->size()) {
      return invalid_argument("input \"{}\" has shape {}; the engine expects {}",
                              binding.name()->str(), to_string(shape), dims_text(binding));
    }
    const engine::fb::Tensor* tensor = input_tensor(plan_, i);
    for (unsigned axis = 0; axis < shape.size(); ++axis) {
      const std::int64_t low = binding.min()->Get(axis), high = binding.max()->Get(axis);
      if (shape[axis] < low || shape[axis] > high) {
        return invalid_argument(
            "input \"{}\" has shape {}: dimension {} ({}) is {}; the engine was built for {}{}",
            binding.name()->str(), to_string(shape), axis, binding.dims()->Get(axis)->str(),
            shape[axis], low, low == high ? "" : fmt::format(" to {}", high));
      }
      if (tensor == nullptr) continue;  // an input that nothing reads
      const engine::fb::DimNode* node = plan_.dims()->Get(tensor->dims()->Get(axis));
      if (node->op() != DimOp::Symbol) continue;
      std::int64_t& symbol = symbols[static_cast<std::size_t>(node->value())];
      if (symbol >= 0 && symbol != shape[axis]) {
        return invalid_argument(
            "input \"{}\" has shape {}: dimension \"{}\" is {} there and {} elsewhere",
            binding.name()->str(), to_string(shape),
            plan_.symbols()->Get(static_cast<unsigned>(node->value()))->str(), shape[axis], symbol);
      }
      symbol = shape[axis];
    }
  }
  for (std::int64_t& symbol : symbols) symbol = std::max<std::int64_t>(symbol, 0);
  return symbols;
}

Status Program::bind_shapes(std::span<const Shape> shapes) {
  if (!bound_shapes_.empty() &&
      std::equal(shapes.begin(), shapes.end(), bound_shapes_.begin(), bound_shapes_.end())) {
    return {};
  }
  steps_.clear();
  bound_shapes_.clear();
  chunk_ = 0;
  XINFER_ASSIGN_OR_RETURN(const std::vector<std::int64_t> symbols, solve_symbols(shapes));
  XINFER_ASSIGN_OR_RETURN(dims_, engine::evaluate_dims(*plan_.dims(), symbols));
  XINFER_RETURN_IF_ERROR(place_tensors(shapes));
  if (samples_independent_) XINFER_RETURN_IF_ERROR(make_lanes(shapes));
  if (chunk_ == 0) XINFER_RETURN_IF_ERROR(make_steps());
  bound_shapes_.assign(shapes.begin(), shapes.end());
  return {};
}

/// Decides whether the batch is cut, and binds a program for every thread to a chunk's shapes.
Status Program::make_lanes(std::span<const Shape> shapes) {
  BatchSplitProblem problem;
  problem.batch = shapes[0][0];
  problem.threads = pool_.threads();
  problem.weight_bytes = file_->blobs().size();
  problem.activation_bytes =
      arena_bytes_ / static_cast<std::size_t>(file_->engine().inputs()->Get(0)->max()->Get(0));
  chunk_ = choose_chunk(problem);
  if (chunk_ == 0) return {};
  std::vector<Shape> chunk_shapes(shapes.begin(), shapes.end());
  for (Shape& shape : chunk_shapes) {
    if (shape[0] != problem.batch) {
      chunk_ = 0;
      return {};
    }
    shape[0] = chunk_;
  }
  ProgramOptions options = options_;
  options.threads = 1;
  options.split_batch = false;
  while (lanes_.size() < static_cast<std::size_t>(pool_.threads())) {
    lanes_.push_back(std::unique_ptr<Program>(new Program(file_, plan_, options)));
  }
  for (const std::unique_ptr<Program>& lane : lanes_) {
    // A chunk below the profile's smallest batch: the whole batch it is.
    if (!lane->bind_shapes(chunk_shapes).ok()) chunk_ = 0;
  }
  return {};
}

std::size_t Program::memory_bytes() const {
  std::size_t bytes = arena_bytes_ + workspace_bytes_;
  if (chunk_ == 0) return bytes;
  return bytes * static_cast<std::size_t>(chunk_) * lanes_.size() /
         static_cast<std::size_t>(file_->engine().inputs()->Get(0)->max()->Get(0));
}

Status Program::place_tensors(std::span<const Shape> shapes) {
  tensors_.assign(plan_.tensors()->size(), {});
  output_shapes_.assign(file_->engine().outputs()->size(), {});
  // Views take addresses and strides from tensors that may come behind them.
  for (const bool views : {false, true}) {
    for (unsigned i = 0; i < plan_.tensors()->size(); ++i) {
      if ((plan_.tensors()->Get(i)->view_of() >= 0) == views) {
        XINFER_RETURN_IF_ERROR(place_tensor(i));
      }
    }
  }
  for (unsigned i = 0; i < plan_.tensors()->size(); ++i) {
    const engine::fb::Tensor& tensor = *plan_.tensors()->Get(i);
    if (tensor.storage() == Storage::Output) output_shapes_[tensor.binding()] = tensors_[i].dims;
    const bool whole_input =
        tensor.storage() == Storage::Input && &tensor == input_tensor(plan_, tensor.binding());
    if (whole_input && tensors_[i].dims != shapes[tensor.binding()]) {
      return invalid_argument("input \"{}\" has shape {}; the model needs {}",
                              file_->engine().inputs()->Get(tensor.binding())->name()->str(),
                              to_string(shapes[tensor.binding()]), to_string(tensors_[i].dims));
    }
  }
  return {};
}

Status Program::place_tensor(unsigned index) {
  const engine::fb::Tensor& tensor = *plan_.tensors()->Get(index);
  TensorView& view = tensors_[index];
  view.dtype = static_cast<DType>(tensor.dtype());
  view.scale = tensor.scale();
  for (std::uint32_t dim : *tensor.dims()) {
    if (dims_[dim] < 0) {
      return invalid_argument("the input shapes are too small: a tensor would have dimension {}",
                              dims_[dim]);
    }
    view.dims.push_back(dims_[dim]);
  }
  view.pixel_stride = view.channels();
  if (tensor.view_of() >= 0) {
    const TensorView& base = tensors_[static_cast<std::size_t>(tensor.view_of())];
    const auto stride = static_cast<std::uint64_t>(base.pixel_stride);
    if (view.dtype != base.dtype || view.pixels() != base.pixels() ||
        tensor.channel_offset() > stride ||
        static_cast<std::uint64_t>(view.channels()) > stride - tensor.channel_offset()) {
      return Status(ErrorCode::kIncompatibleEngine,
                    fmt::format("{}: damaged: a slice lies outside its tensor", file_->origin()));
    }
    view.pixel_stride = base.pixel_stride;
    view.data = base.data == nullptr ? nullptr
                                     : static_cast<std::byte*>(base.data) +
                                           tensor.channel_offset() * size_of(view.dtype);
    return {};
  }
  const std::size_t bytes = view.size_bytes();
  const auto damaged = [&](const char* where) {
    return Status(ErrorCode::kIncompatibleEngine,
                  fmt::format("{}: damaged: a tensor of {} bytes does not fit into {}",
                              file_->origin(), bytes, where));
  };
  if (tensor.storage() == Storage::Arena) {
    if (tensor.offset() > arena_bytes_ || bytes > arena_bytes_ - tensor.offset()) {
      return damaged("the arena");
    }
    view.data = static_cast<std::byte*>(arena_.get()) + tensor.offset();
  } else if (tensor.storage() == Storage::Constant) {
    const auto blobs = file_->blobs();
    if (tensor.offset() > blobs.size() || bytes > blobs.size() - tensor.offset()) {
      return damaged("the weights");
    }
    view.data = const_cast<std::byte*>(blobs.data() + tensor.offset());
  } else {
    // The caller's memory is not known yet: set_addresses replaces this before anything runs.
    view.data = arena_.get();
  }
  return {};
}

Status Program::make_steps() {
  for (const engine::fb::Step* step : *plan_.steps()) {
    const StepSource source = {*file_,
                               *step,
                               tensors_,
                               dims_,
                               options_.isa,
                               pool_.threads(),
                               {static_cast<std::byte*>(workspace_.get()), workspace_bytes_}};
    Result<std::unique_ptr<Step>> made = make_step(source);
    if (!made.ok()) return made.status().with_context("step \"" + step->name()->str() + "\"");
    steps_.push_back(*std::move(made));
  }
  return {};
}

bool Program::touches_bindings(unsigned step) const {
  const auto is_binding = [&](std::int32_t index) {
    if (index < 0) return false;
    const engine::fb::Tensor* tensor = plan_.tensors()->Get(static_cast<unsigned>(index));
    if (tensor->view_of() >= 0) tensor = plan_.tensors()->Get(tensor->view_of());
    return tensor->storage() == Storage::Input || tensor->storage() == Storage::Output;
  };
  const engine::fb::Step& s = *plan_.steps()->Get(step);
  return std::any_of(s.inputs()->begin(), s.inputs()->end(), is_binding) ||
         std::any_of(s.outputs()->begin(), s.outputs()->end(), is_binding);
}

Status Program::set_addresses(std::span<const void* const> inputs, std::span<void* const> outputs) {
  if (steps_.size() != plan_.steps()->size()) return internal_error("run before bind_shapes");
  bool changed = false;
  for (unsigned i = 0; i < tensors_.size(); ++i) {
    const engine::fb::Tensor& tensor = *plan_.tensors()->Get(i);
    if (tensor.view_of() >= 0) continue;
    void* data = tensor.storage() == Storage::Input    ? const_cast<void*>(inputs[tensor.binding()])
                 : tensor.storage() == Storage::Output ? outputs[tensor.binding()]
                                                       : tensors_[i].data;
    changed = changed || data != tensors_[i].data;
    tensors_[i].data = data;
  }
  if (!changed) return {};
  for (unsigned i = 0; i < tensors_.size(); ++i) {
    if (plan_.tensors()->Get(i)->view_of() >= 0) {
      tensors_[i] = {};
      XINFER_RETURN_IF_ERROR(place_tensor(i));
    }
  }
  for (unsigned i = 0; i < steps_.size(); ++i) {
    if (!steps_[i]->holds_addresses() || !touches_bindings(i)) continue;
    const StepSource source = {*file_,
                               *plan_.steps()->Get(i),
                               tensors_,
                               dims_,
                               options_.isa,
                               pool_.threads(),
                               {static_cast<std::byte*>(workspace_.get()), workspace_bytes_}};
    XINFER_ASSIGN_OR_RETURN(steps_[i], make_step(source));
  }
  return {};
}

template <typename AfterStep>
Status Program::run_steps(AfterStep&& after_step) {
  Status status;
  for (unsigned i = 0; i < steps_.size() && status.ok(); ++i) {
    status = steps_[i]->run(pool_);
    if (!status.ok()) {
      status =
          std::move(status).with_context("step \"" + plan_.steps()->Get(i)->name()->str() + "\"");
      break;
    }
    status = after_step(i);
  }
  pool_.park();
  return status;
}

/// Every lane takes the next chunk until there is none.
Status Program::run_lanes(std::span<const void* const> inputs, std::span<void* const> outputs) {
  const std::int64_t chunks = bound_shapes_[0][0] / chunk_;
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
                    part_bytes(i, *file_->engine().inputs(), bound_shapes_[i]);
      }
      for (unsigned i = 0; i < out.size(); ++i) {
        out[i] = static_cast<std::byte*>(outputs[i]) +
                 static_cast<std::size_t>(chunk) *
                     part_bytes(i, *file_->engine().outputs(), output_shapes_[i]);
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

Status Program::run_observed(std::span<const void* const> inputs, std::span<void* const> outputs,
                             const Observer& observer) {
  if (steps_.empty()) XINFER_RETURN_IF_ERROR(make_steps());
  XINFER_RETURN_IF_ERROR(set_addresses(inputs, outputs));
  for (unsigned i = 0; i < tensors_.size(); ++i) {
    const engine::fb::Tensor& tensor = *plan_.tensors()->Get(i);
    if (tensor.storage() != Storage::Input || !tensor.names()) continue;
    XINFER_RETURN_IF_ERROR(observer(*tensor.names(), tensors_[i]));
  }
  return run_steps([&](unsigned i) -> Status {
    for (std::int32_t output : *plan_.steps()->Get(i)->outputs()) {
      if (output < 0) continue;
      const engine::fb::Tensor& tensor = *plan_.tensors()->Get(static_cast<unsigned>(output));
      if (!tensor.names() || tensor.names()->size() == 0) continue;
      XINFER_RETURN_IF_ERROR(observer(*tensor.names(), tensors_[static_cast<std::size_t>(output)]));
    }
    return {};
  });
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
    times[i] = {std::chrono::duration<double, std::micro>(end - start).count(),
                steps_[i]->kernel()};
    start = end;
    return Status();
  });
}

}  // namespace xinfer::runtime
