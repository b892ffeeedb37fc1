// A kernel as the engine stores it: runtime/cuda/kernel_reader.cpp reads it back.
#include "lower/cuda/lower_cuda.h"

namespace xinfer::lower {
namespace {

namespace fb = engine::fb;
using kernels::cuda::KernelArgument;
using kernels::cuda::TensorMapRecipe;

std::unique_ptr<fb::TensorMapT> write_map(const TensorMapRecipe& recipe) {
  auto map = std::make_unique<fb::TensorMapT>();
  map->kind = static_cast<std::uint8_t>(recipe.kind);
  map->type = static_cast<std::uint8_t>(recipe.type);
  map->swizzle = static_cast<std::uint8_t>(recipe.swizzle);
  map->rank = static_cast<std::uint8_t>(recipe.rank);
  map->batch_dimension = recipe.batch_dimension;
  map->extent.assign(recipe.extent.begin(), recipe.extent.end());
  map->stride_bytes.assign(recipe.stride_bytes.begin(), recipe.stride_bytes.end());
  map->box.assign(recipe.box.begin(), recipe.box.end());
  map->element_stride.assign(recipe.element_stride.begin(), recipe.element_stride.end());
  map->lower_corner.assign(recipe.lower_corner.begin(), recipe.lower_corner.end());
  map->upper_corner.assign(recipe.upper_corner.begin(), recipe.upper_corner.end());
  map->channels = recipe.channels;
  map->pixels = recipe.pixels;
  return map;
}

}  // namespace

std::unique_ptr<fb::CudaKernelT> write_kernel(const kernels::cuda::KernelSpec& spec,
                                              const fb::Blob& cubin) {
  auto kernel = std::make_unique<fb::CudaKernelT>();
  kernel->entry = spec.entry;
  kernel->tactic = spec.tactic;
  kernel->cubin = cubin;
  kernel->threads = static_cast<std::uint32_t>(spec.threads);
  kernel->dynamic_shared_bytes = static_cast<std::uint32_t>(spec.dynamic_shared_bytes);
  kernel->cluster_blocks = static_cast<std::uint32_t>(spec.cluster_blocks);
  kernel->items_per_image = spec.grid.items_per_image;
  kernel->items_per_tile = spec.grid.items_per_tile;
  kernel->tiles_per_item_tile = spec.grid.tiles_per_item_tile;
  kernel->persistent_blocks_per_multiprocessor =
      static_cast<std::uint32_t>(spec.grid.persistent_blocks_per_multiprocessor);
  kernel->grid_multiple = static_cast<std::uint32_t>(spec.grid.multiple);
  for (const KernelArgument& argument : spec.arguments) {
    kernel->arguments.emplace_back(argument.tensor_map, static_cast<std::uint8_t>(argument.kind),
                                   static_cast<std::uint8_t>(argument.operand));
  }
  for (const TensorMapRecipe& recipe : spec.tensor_maps) {
    kernel->tensor_maps.push_back(write_map(recipe));
  }
  return kernel;
}

}  // namespace xinfer::lower
