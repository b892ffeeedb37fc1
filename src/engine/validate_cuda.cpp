#include "engine/validate_cuda.h"

#include "engine/engine_file.h"
#include "engine/validate_lists.h"
#include "kernels/cuda/kernel_spec.h"

namespace xinfer::engine {
namespace {

using kernels::cuda::KernelArgument;
using kernels::cuda::TensorMapRecipe;

constexpr unsigned kMostThreads = 1024;
constexpr unsigned kMostClusterBlocks = 16;

bool outside(const fb::Blob* blob, std::uint64_t blobs_bytes) {
  return blob && (blob->offset() > blobs_bytes || blob->size() > blobs_bytes - blob->offset());
}

template <typename List>
bool has(const List* list, unsigned count) {
  return list != nullptr && list->size() == count;
}

bool is_right(const fb::TensorMap& map) {
  return map.rank() >= 1 && map.rank() <= 5 && map.batch_dimension() < map.rank() &&
         map.kind() <= static_cast<std::uint8_t>(TensorMapRecipe::Kind::kIm2col) &&
         has(map.extent(), 5) && has(map.stride_bytes(), 4) && has(map.box(), 5) &&
         has(map.element_stride(), 5) && has(map.lower_corner(), 2) && has(map.upper_corner(), 2) &&
         are_aligned(map.extent(), map.stride_bytes());
}

bool is_right(const fb::KernelArgument& argument, unsigned tensor_maps) {
  const bool map = argument.kind() == static_cast<std::uint8_t>(KernelArgument::Kind::kTensorMap);
  return argument.kind() <= static_cast<std::uint8_t>(KernelArgument::Kind::kBatch) &&
         argument.operand() < kernels::cuda::kOperandCount &&
         (!map || (argument.tensor_map() >= 0 &&
                   static_cast<unsigned>(argument.tensor_map()) < tensor_maps));
}

}  // namespace

const char* wrong_cuda_kernel(const fb::Plan& plan, std::uint64_t blobs_bytes) {
  if (plan.kernels() == nullptr) return nullptr;
  for (const fb::CudaKernel* kernel : *plan.kernels()) {
    if (!kernel->entry() || !kernel->tactic() || !kernel->cubin() || !kernel->arguments() ||
        !kernel->tensor_maps() || kernel->cubin()->size() == 0 ||
        outside(kernel->cubin(), blobs_bytes)) {
      return "a compiled kernel lacks a part";
    }
    if (kernel->threads() < 1 || kernel->threads() > kMostThreads || kernel->cluster_blocks() < 1 ||
        kernel->cluster_blocks() > kMostClusterBlocks || kernel->items_per_image() < 1 ||
        kernel->items_per_tile() < 1 || kernel->tiles_per_item_tile() < 1 ||
        kernel->grid_multiple() < 1) {
      return "a compiled kernel cannot be launched";
    }
    for (const fb::TensorMap* map : *kernel->tensor_maps()) {
      if (!is_right(*map)) return "a compiled kernel's tensor map";
    }
    if (kernel->arguments()->size() > kernels::cuda::kMostArguments) {
      return "a compiled kernel has too many arguments";
    }
    for (const fb::KernelArgument* argument : *kernel->arguments()) {
      if (!is_right(*argument, kernel->tensor_maps()->size())) {
        return "a compiled kernel's arguments";
      }
    }
  }
  return nullptr;
}

const char* wrong_cuda_step(const fb::Plan& plan, const fb::Cuda& step, std::uint64_t blobs_bytes) {
  if (!step.family() || !step.operands() || !step.variants() || step.variants()->size() == 0 ||
      plan.kernels() == nullptr) {
    return "a launch lacks a part";
  }
  if (step.batch() >= plan.dims()->size()) return "a launch's batch is not there";
  for (const fb::CudaOperand* operand : *step.operands()) {
    const bool tensor = operand->tensor() >= 0;
    if (operand->operand() >= kernels::cuda::kOperandCount || operand->tensor() < -1 ||
        (tensor && static_cast<unsigned>(operand->tensor()) >= plan.tensors()->size()) ||
        (!tensor && outside(operand->blob(), blobs_bytes))) {
      return "a launch's operand is not there";
    }
  }
  for (const fb::CudaVariant* variant : *step.variants()) {
    if (variant->kernel() == kNoKernel) continue;
    if (variant->kernel() >= plan.kernels()->size()) return "a launch's kernel is not there";
  }
  return nullptr;
}

}  // namespace xinfer::engine
