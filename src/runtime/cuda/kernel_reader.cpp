#include "runtime/cuda/kernel_reader.h"

#include <algorithm>

namespace xinfer::runtime {
namespace {

namespace fb = engine::fb;
using kernels::cuda::KernelArgument;
using kernels::cuda::KernelSpec;
using kernels::cuda::TensorMapRecipe;

TensorMapRecipe read_map(const fb::TensorMap& map) {
  TensorMapRecipe recipe;
  recipe.kind = static_cast<TensorMapRecipe::Kind>(map.kind());
  recipe.type = static_cast<cuda::TensorMapType>(map.type());
  recipe.swizzle = static_cast<cuda::TensorMapSwizzle>(map.swizzle());
  recipe.rank = map.rank();
  recipe.batch_dimension = map.batch_dimension();
  std::copy(map.extent()->begin(), map.extent()->end(), recipe.extent.begin());
  std::copy(map.stride_bytes()->begin(), map.stride_bytes()->end(), recipe.stride_bytes.begin());
  std::copy(map.box()->begin(), map.box()->end(), recipe.box.begin());
  std::copy(map.element_stride()->begin(), map.element_stride()->end(),
            recipe.element_stride.begin());
  std::copy(map.lower_corner()->begin(), map.lower_corner()->end(), recipe.lower_corner.begin());
  std::copy(map.upper_corner()->begin(), map.upper_corner()->end(), recipe.upper_corner.begin());
  recipe.channels = map.channels();
  recipe.pixels = map.pixels();
  return recipe;
}

}  // namespace

KernelSpec read_kernel(const fb::CudaKernel& kernel) {
  KernelSpec spec;
  spec.entry = kernel.entry()->str();
  spec.tactic = kernel.tactic()->str();
  spec.threads = static_cast<int>(kernel.threads());
  spec.dynamic_shared_bytes = static_cast<int>(kernel.dynamic_shared_bytes());
  spec.cluster_blocks = static_cast<int>(kernel.cluster_blocks());
  spec.grid.items_per_image = kernel.items_per_image();
  spec.grid.items_per_tile = kernel.items_per_tile();
  spec.grid.tiles_per_item_tile = kernel.tiles_per_item_tile();
  spec.grid.persistent_blocks_per_multiprocessor =
      static_cast<int>(kernel.persistent_blocks_per_multiprocessor());
  spec.grid.multiple = static_cast<int>(kernel.grid_multiple());
  for (const fb::KernelArgument* argument : *kernel.arguments()) {
    spec.arguments.push_back({static_cast<KernelArgument::Kind>(argument->kind()),
                              static_cast<kernels::cuda::Operand>(argument->operand()),
                              argument->tensor_map()});
  }
  for (const fb::TensorMap* map : *kernel.tensor_maps()) spec.tensor_maps.push_back(read_map(*map));
  return spec;
}

}  // namespace xinfer::runtime
