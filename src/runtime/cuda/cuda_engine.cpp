#include "runtime/cuda/cuda_engine.h"

#include <charconv>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "core/aligned_buffer.h"
#include "runtime/cuda/kernel_reader.h"
#include "runtime/executor.h"

namespace xinfer::runtime {
namespace {

namespace fb = engine::fb;

constexpr std::size_t kPartAlignment = 256;  // tensor maps need 16 bytes, wide loads like lines

/// Engines in use, so that contexts share them.
struct OpenEngines {
  std::mutex mutex;
  std::map<std::pair<const fb::Plan*, cuda::ContextHandle>, std::weak_ptr<const CudaEngine>>
      engines;
};

OpenEngines& open_engines() {
  static OpenEngines engines;
  return engines;
}

/// How well kernels for `target` ("cuda:sm_80") suit the device: 0 not at all, more is better.
int suitability(std::string_view target, int capability) {
  constexpr std::string_view kPrefix = "cuda:sm_";
  if (!target.starts_with(kPrefix)) return 0;
  target.remove_prefix(kPrefix.size());
  int built_for = 0;
  const auto [end, error] =
      std::from_chars(target.data(), target.data() + target.size(), built_for);
  if (error != std::errc()) return 0;
  const bool exact_only = end != target.data() + target.size();  // sm_90a
  if (exact_only) return built_for == capability ? 1000 : 0;
  return built_for / 10 == capability / 10 && built_for <= capability ? built_for : 0;
}

/// Bytes of a constant's elements; none if no constant has its dimensions.
std::optional<std::size_t> constant_bytes(const fb::Plan& plan, const fb::Tensor& tensor) {
  std::size_t bytes = size_of(static_cast<DType>(tensor.dtype()));
  for (const std::uint32_t dim : *tensor.dims()) {
    const fb::DimNode* node = plan.dims()->Get(dim);
    if (node->op() != fb::DimOp::Constant) continue;
    if (node->value() < 0 ||
        __builtin_mul_overflow(bytes, static_cast<std::size_t>(node->value()), &bytes)) {
      return std::nullopt;
    }
  }
  return bytes;
}

}  // namespace

const fb::Plan* find_cuda_plan(const engine::EngineFile& file, int compute_capability) {
  const fb::Plan* best = nullptr;
  int best_suitability = 0;
  for (const fb::Plan* plan : *file.engine().plans()) {
    const int found = suitability(plan->target()->string_view(), compute_capability);
    if (found > best_suitability) best = plan, best_suitability = found;
  }
  return best;
}

Result<const fb::Plan*> CudaEngine::choose_plan(const engine::EngineFile& file, int ordinal) {
  XINFER_ASSIGN_OR_RETURN(const cuda::DeviceProperties device, cuda::device_properties(ordinal));
  const fb::Plan* plan = find_cuda_plan(file, device.compute_capability);
  if (plan != nullptr) return plan;
  return failure(ErrorCode::kIncompatibleEngine,
                 "{}: holds no plan for cuda:{} ({}, compute capability {}.{}); it was built for: "
                 "{}",
                 file.origin(), ordinal, device.name, device.compute_capability / 10,
                 device.compute_capability % 10, targets_text(file));
}

Result<std::shared_ptr<const CudaEngine>> CudaEngine::open(
    std::shared_ptr<const engine::EngineFile> file, int ordinal, const fb::Plan* plan) {
  XINFER_ASSIGN_OR_RETURN(cuda::Context context, cuda::Context::open(ordinal));
  XINFER_ASSIGN_OR_RETURN(cuda::DeviceProperties device, cuda::device_properties(ordinal));
  if (plan == nullptr) {
    XINFER_ASSIGN_OR_RETURN(plan, choose_plan(*file, ordinal));
  }
  std::shared_ptr<CudaEngine> made;  // goes after the lock: its destructor takes it
  OpenEngines& open = open_engines();
  const std::lock_guard lock(open.mutex);
  auto& entry = open.engines[{plan, context.handle()}];
  if (std::shared_ptr<const CudaEngine> shared = entry.lock()) return shared;
  const cuda::ContextScope scope(context);
  XINFER_RETURN_IF_ERROR(scope.status());
  made.reset(new CudaEngine(std::move(file), plan, std::move(context), std::move(device)));
  XINFER_RETURN_IF_ERROR(made->upload());
  XINFER_RETURN_IF_ERROR(made->load_kernels());
  entry = made;
  return std::shared_ptr<const CudaEngine>(std::move(made));
}

CudaEngine::~CudaEngine() {
  {
    OpenEngines& open = open_engines();
    const std::lock_guard lock(open.mutex);
    std::erase_if(open.engines, [](const auto& entry) { return entry.second.expired(); });
  }
  const cuda::ContextScope scope(context_);
  kernels_.clear();
  modules_.clear();
  weights_ = cuda::Buffer();
}

void CudaEngine::keep(std::size_t offset, std::size_t size_bytes) {
  Part& part = parts_[offset];
  part.size_bytes = std::max(part.size_bytes, size_bytes);
}

Status CudaEngine::upload() {
  for (const fb::Step* step : *plan_->steps()) {
    const fb::Cuda* launch = step->params_as_Cuda();
    if (launch == nullptr) {
      return failure(ErrorCode::kIncompatibleEngine,
                     "{}: damaged: step \"{}\" of the plan for {} is no kernel launch",
                     file_->origin(), step->name()->str(), plan_->target()->str());
    }
    for (const fb::CudaOperand* operand : *launch->operands()) {
      const fb::Blob* blob = operand->blob();
      if (operand->tensor() < 0 && blob != nullptr) keep(blob->offset(), blob->size());
    }
  }
  for (const fb::Tensor* tensor : *plan_->tensors()) {
    if (tensor->storage() != fb::Storage::Constant) continue;
    const std::optional<std::size_t> bytes = constant_bytes(*plan_, *tensor);
    const std::size_t there = file_->blobs().size();
    if (!bytes || tensor->offset() > there || *bytes > there - tensor->offset()) {
      return failure(ErrorCode::kIncompatibleEngine,
                     "{}: damaged: a constant does not lie within the weights", file_->origin());
    }
    keep(tensor->offset(), *bytes);
  }
  std::size_t total = 0;
  for (auto& [offset, part] : parts_) {
    part.position = total;
    total = align_up(total + part.size_bytes, kPartAlignment);
  }
  Result<cuda::Buffer> weights = cuda::Buffer::allocate(total + kBufferMargin);
  if (!weights.ok()) return weights.status().with_context(file_->origin() + ": weights");
  weights_ = *std::move(weights);
  for (const auto& [offset, part] : parts_) {
    XINFER_RETURN_IF_ERROR(cuda::copy_to_device(weights_.address() + part.position,
                                                file_->blobs().data() + offset, part.size_bytes));
  }
  return Status();
}

cuda::DevicePointer CudaEngine::address_of(std::size_t offset, std::size_t size_bytes) const {
  const auto it = parts_.find(offset);
  if (it == parts_.end() || it->second.size_bytes < size_bytes) return 0;
  return weights_.address() + it->second.position;
}

Status CudaEngine::load_kernels() {
  if (plan_->kernels() == nullptr) return Status();
  std::map<std::uint64_t, std::size_t> loaded;  // cubin's offset to its module
  for (const fb::CudaKernel* kernel : *plan_->kernels()) {
    const fb::Blob& cubin = *kernel->cubin();
    const auto [it, added] = loaded.try_emplace(cubin.offset(), modules_.size());
    if (added) {
      Result<cuda::Module> module = cuda::Module::load(std::span(file_->blob(cubin), cubin.size()));
      if (!module.ok()) return module.status().with_context(file_->origin());
      modules_.push_back(*std::move(module));
    }
    LoadedKernel made;
    made.spec = read_kernel(*kernel);
    XINFER_ASSIGN_OR_RETURN(made.function, modules_[it->second].kernel(made.spec.entry));
    kernels_.push_back(std::move(made));
  }
  return Status();
}

}  // namespace xinfer::runtime
