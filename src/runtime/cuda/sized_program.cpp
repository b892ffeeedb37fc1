#include "runtime/cuda/sized_program.h"

#include <algorithm>
#include <utility>

#include "device/cuda_device.h"
#include "runtime/cuda/cuda_program.h"

namespace xinfer::runtime {
namespace {

namespace fb = engine::fb;

/// "height 32, width 48".
std::string text_of(const PlanSizes& sizes) {
  std::string text;
  for (const auto& [name, size] : sizes) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, size);
  }
  return text;
}

/// Of all plans for `target`: "height 32, width 48; height 64, width 64".
std::string held_sizes(const engine::EngineFile& file, const std::string& target) {
  std::string text;
  for (const fb::Plan* plan : *file.engine().plans()) {
    if (plan->target()->str() != target) continue;
    text += (text.empty() ? "" : "; ") + text_of(sizes_of(*plan));
  }
  return text;
}

}  // namespace

bool has_sized_plans(const engine::EngineFile& file) {
  for (const fb::Plan* plan : *file.engine().plans()) {
    if (plan->sizes() != nullptr && plan->sizes()->size() > 0) return true;
  }
  return false;
}

PlanSizes sizes_of(const fb::Plan& plan) {
  PlanSizes sizes;
  if (plan.sizes() == nullptr) return sizes;
  for (const fb::SymbolRange* range : *plan.sizes()) sizes[range->name()->str()] = range->min();
  return sizes;
}

Result<std::unique_ptr<SizedProgram>> SizedProgram::create(
    std::shared_ptr<const engine::EngineFile> file, int ordinal) {
  XINFER_ASSIGN_OR_RETURN(const fb::Plan* plan, CudaEngine::choose_plan(*file, ordinal));
  std::unique_ptr<SizedProgram> program(new SizedProgram(std::move(file), ordinal));
  program->target_ = plan->target()->str();
  XINFER_RETURN_IF_ERROR(program->use(sizes_of(*plan)));
  return program;
}

Result<PlanSizes> SizedProgram::sizes_of_shapes(std::span<const Shape> shapes) const {
  const auto& inputs = *file_->engine().inputs();
  if (shapes.size() != inputs.size()) {
    return invalid_argument("{} inputs given; the engine has {}", shapes.size(), inputs.size());
  }
  PlanSizes sizes = programs_.begin()->first;  // the names
  for (unsigned i = 0; i < inputs.size(); ++i) {
    const fb::Binding& binding = *inputs[i];
    if (shapes[i].size() != binding.dims()->size()) {
      return invalid_argument("input \"{}\" has shape {}; the engine expects {} dimensions",
                              binding.name()->str(), to_string(shapes[i]), binding.dims()->size());
    }
    for (unsigned axis = 0; axis < shapes[i].size(); ++axis) {
      const auto found = sizes.find(binding.dims()->Get(axis)->str());
      if (found == sizes.end()) continue;
      const std::int64_t size = shapes[i][axis];
      if (size < binding.min()->Get(axis) || size > binding.max()->Get(axis)) {
        return invalid_argument(
            "input \"{}\" has shape {}: dimension {} ({}) is {}; the engine was built for {} to {}",
            binding.name()->str(), to_string(shapes[i]), axis, found->first, size,
            binding.min()->Get(axis), binding.max()->Get(axis));
      }
      found->second = size;  // whether another input agrees, binding it will tell
    }
  }
  return sizes;
}

Result<std::unique_ptr<Executor>> SizedProgram::make_program(const PlanSizes& sizes) const {
  for (const fb::Plan* plan : *file_->engine().plans()) {
    if (plan->target()->str() != target_ || sizes_of(*plan) != sizes) continue;
    XINFER_ASSIGN_OR_RETURN(auto program, CudaProgram::create(file_, {ordinal_, plan}));
    return std::unique_ptr<Executor>(std::move(program));
  }
  const PlanMaker make = plan_maker();
  const std::string what = fmt::format("{}: {}", target_, text_of(sizes));
  if (!make) {
    return unsupported(
        "{}: the engine holds plans for {}; for other sizes name their shapes when it is built, or "
        "call xinfer::builders::make_missing_plans() in a program that links the compiler",
        what, held_sizes(*file_, target_));
  }
  Result<std::string> bytes = make(*file_, target_, sizes);
  if (!bytes.ok()) return bytes.status().with_context(what);
  XINFER_ASSIGN_OR_RETURN(
      auto made, engine::EngineFile::load(std::as_bytes(std::span(*bytes)), file_->origin()));
  XINFER_ASSIGN_OR_RETURN(auto program, CudaProgram::create(std::move(made), {ordinal_}));
  return std::unique_ptr<Executor>(std::move(program));
}

Status SizedProgram::use(const PlanSizes& sizes) {
  auto found = programs_.find(sizes);
  if (found == programs_.end()) {
    XINFER_ASSIGN_OR_RETURN(std::unique_ptr<Executor> made, make_program(sizes));
    if (programs_.size() >= kMostPrograms) {
      const auto oldest = std::ranges::min_element(
          programs_, {}, [](const auto& entry) { return entry.second.last_bound; });
      XINFER_RETURN_IF_ERROR(oldest->second.program->synchronize());
      programs_.erase(oldest);
    }
    found = programs_.emplace(sizes, Sized{std::move(made), 0}).first;
  }
  found->second.last_bound = ++bindings_;
  current_ = found->second.program.get();
  return Status();
}

Status SizedProgram::bind_shapes(std::span<const Shape> shapes) {
  XINFER_ASSIGN_OR_RETURN(const PlanSizes sizes, sizes_of_shapes(shapes));
  const auto found = programs_.find(sizes);
  if (found == programs_.end() || found->second.program.get() != current_) {
    // Runs of one context follow each other.
    XINFER_RETURN_IF_ERROR(current_->synchronize());
    XINFER_RETURN_IF_ERROR(use(sizes));
  }
  return current_->bind_shapes(shapes);
}

std::size_t SizedProgram::memory_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [sizes, sized] : programs_) bytes += sized.program->memory_bytes();
  return bytes;
}

}  // namespace xinfer::runtime
