#include "kernels/cuda/bound_kernel.h"

#include <array>
#include <cstring>
#include <limits>

namespace xinfer::kernels::cuda {
namespace {

namespace driver_api = xinfer::cuda;
using driver_api::DevicePointer;
using driver_api::TensorMap;

constexpr int kInterleaveNone = 0;
constexpr int kPromoteTo256Bytes = 3;  // CU_TENSOR_MAP_L2_PROMOTION_L2_256B
constexpr int kFillWithZeros = 0;      // CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE

Status encode(TensorMapRecipe recipe, DevicePointer address, std::int64_t batch, TensorMap& map) {
  XINFER_ASSIGN_OR_RETURN(const driver_api::DriverApi* api, driver_api::driver());
  if (recipe.batch_dimension >= 0) {
    recipe.extent[static_cast<std::size_t>(recipe.batch_dimension)] *=
        static_cast<std::uint64_t>(batch);
  }
  void* base = reinterpret_cast<void*>(address);
  const auto rank = static_cast<std::uint32_t>(recipe.rank);
  if (recipe.kind == TensorMapRecipe::Kind::kTiled) {
    XINFER_CUDA_RETURN_IF_ERROR(
        api->tensor_map_encode_tiled(&map, recipe.type, rank, base, recipe.extent.data(),
                                     recipe.stride_bytes.data(), recipe.box.data(),
                                     recipe.element_stride.data(), kInterleaveNone, recipe.swizzle,
                                     kPromoteTo256Bytes, kFillWithZeros),
        "cuTensorMapEncodeTiled");
  } else {
    XINFER_CUDA_RETURN_IF_ERROR(
        api->tensor_map_encode_im2col(&map, recipe.type, rank, base, recipe.extent.data(),
                                      recipe.stride_bytes.data(), recipe.lower_corner.data(),
                                      recipe.upper_corner.data(), recipe.channels, recipe.pixels,
                                      recipe.element_stride.data(), kInterleaveNone, recipe.swizzle,
                                      kPromoteTo256Bytes, kFillWithZeros),
        "cuTensorMapEncodeIm2col");
  }
  return Status();
}

}  // namespace

Result<BoundKernel> BoundKernel::bind(const KernelSpec& spec, const driver_api::Kernel& kernel,
                                      const OperandAddresses& addresses, std::int64_t batch,
                                      int multiprocessors, bool overlap) {
  const std::int64_t blocks = spec.grid.blocks(batch, multiprocessors);
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (batch < 1 || batch > kMost || blocks < 1 || blocks > kMost) {
    return invalid_argument("{}: batch {} needs {} blocks", spec.tactic, batch, blocks);
  }
  BoundKernel bound;
  bound.kernel_ = kernel;
  bound.shape_.blocks = static_cast<unsigned>(blocks);
  bound.shape_.threads = static_cast<unsigned>(spec.threads);
  bound.shape_.dynamic_shared_bytes = static_cast<unsigned>(spec.dynamic_shared_bytes);
  bound.shape_.cluster_blocks = static_cast<unsigned>(spec.cluster_blocks);
  bound.shape_.overlaps_predecessor = overlap;
  if (spec.dynamic_shared_bytes > 48 * 1024) {
    XINFER_RETURN_IF_ERROR(kernel.allow_dynamic_shared_bytes(bound.shape_.dynamic_shared_bytes));
  }
  const auto append = [&bound](const void* value, std::size_t size) {
    TensorMap slot;
    std::memcpy(&slot, value, size);
    bound.values_.push_back(slot);
  };
  for (const KernelArgument& argument : spec.arguments) {
    switch (argument.kind) {
      case KernelArgument::Kind::kPointer: {
        const DevicePointer address = addresses[argument.operand];
        append(&address, sizeof(address));
        break;
      }
      case KernelArgument::Kind::kStepPointers: {
        const std::array<DevicePointer, 4> steps = {
            addresses[Operand::kStep0], addresses[Operand::kStep1], addresses[Operand::kStep2],
            addresses[Operand::kStep3]};
        append(steps.data(), sizeof(steps));
        break;
      }
      case KernelArgument::Kind::kBatch: {
        const int value = static_cast<int>(batch);
        append(&value, sizeof(value));
        break;
      }
      case KernelArgument::Kind::kTensorMap: {
        const auto& recipe = spec.tensor_maps[static_cast<std::size_t>(argument.tensor_map)];
        TensorMap map;
        Status status = encode(recipe, addresses[argument.operand], batch, map);
        if (!status.ok()) return std::move(status).with_context(spec.tactic);
        append(&map, sizeof(map));
        break;
      }
      case KernelArgument::Kind::kNoTensorMap: {
        const TensorMap none;
        append(&none, sizeof(none));
        break;
      }
    }
  }
  return bound;
}

std::array<void*, kMostArguments> BoundKernel::arguments() const {
  std::array<void*, kMostArguments> pointers = {};
  for (std::size_t i = 0; i < values_.size(); ++i) {
    pointers[i] = const_cast<TensorMap*>(&values_[i]);
  }
  return pointers;
}

Status BoundKernel::launch(const driver_api::Stream& stream) const {
  return kernel_.launch(stream, shape_, arguments());
}

Status BoundKernel::update(const driver_api::Graph& graph, driver_api::GraphNodeHandle node) const {
  return kernel_.update(graph, node, shape_, arguments());
}

}  // namespace xinfer::kernels::cuda
