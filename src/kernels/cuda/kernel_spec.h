// A CUDA kernel as data: what to compile and how to launch it. Lowering produces these, the
// compiler turns the source into a cubin, the engine stores the rest, and BoundKernel launches it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "device/cuda_api.h"

namespace xinfer::kernels::cuda {

/// What a kernel argument refers to. kStep* number the epilogue's steps.
enum class Operand : std::uint8_t {
  kInput,
  kInput2,  ///< second input of a pointwise kernel; what the launches that a kernel replaces read
  kWeights,
  kMultiplier,
  kBias,
  kOutput,
  kStep0,  ///< residual or table of epilogue step 0, and so on
  kStep1,
  kStep2,
  kStep3,
  kWeights2,  ///< these three: of a layer before, which the kernel computes too; kWeights2 alone:
              ///< all of several layers'
  kMultiplier2,
  kBias2,
};
inline constexpr int kOperandCount = 13;

/// No kernel has more parameters.
inline constexpr int kMostArguments = 16;

/// A descriptor for the tensor memory accelerator, without the address. Extents of dimensions
/// outermost last, as cuTensorMapEncode takes them; the extent of `batch_dimension` is multiplied
/// by the batch when the kernel is bound.
struct TensorMapRecipe {
  enum class Kind : std::uint8_t { kTiled, kIm2col };
  Kind kind = Kind::kTiled;
  xinfer::cuda::TensorMapType type = xinfer::cuda::TensorMapType::kUInt8;
  xinfer::cuda::TensorMapSwizzle swizzle = xinfer::cuda::TensorMapSwizzle::k128B;
  int rank = 2;
  int batch_dimension = -1;
  std::array<std::uint64_t, 5> extent = {1, 1, 1, 1, 1};  ///< elements
  std::array<std::uint64_t, 4> stride_bytes = {};         ///< of dimensions 1, 2, …
  std::array<std::uint32_t, 5> box = {1, 1, 1, 1, 1};     ///< kTiled: elements a copy moves
  std::array<std::uint32_t, 5> element_stride = {1, 1, 1, 1, 1};
  // kIm2col: a copy moves `pixels` pixels of `channels` channels.
  std::array<int, 2> lower_corner = {};  ///< width, height
  std::array<int, 2> upper_corner = {};
  std::uint32_t channels = 0;
  std::uint32_t pixels = 0;
};

/// One kernel parameter, in order.
struct KernelArgument {
  enum class Kind : std::uint8_t {
    kPointer,       ///< the operand's address
    kTensorMap,     ///< map `tensor_map` over the operand
    kNoTensorMap,   ///< a map that the kernel does not read in this form: zeros
    kStepPointers,  ///< the four addresses kStep0 … kStep3 as one structure
    kBatch,         ///< int: the batch
  };
  Kind kind = Kind::kPointer;
  Operand operand = Operand::kInput;
  int tensor_map = -1;  ///< index into KernelSpec::tensor_maps
};

/// The number of blocks, as a function of the batch and the device.
struct GridRule {
  std::int64_t items_per_image = 1;  ///< output pixels (or other units) of one batch element
  std::int64_t items_per_tile = 1;
  std::int64_t tiles_per_item_tile = 1;  ///< channel tiles and groups of each tile of items
  /// Above 0: the kernel walks over tiles, and at most this many blocks run on a multiprocessor.
  int persistent_blocks_per_multiprocessor = 0;
  /// A persistent grid is a multiple of this (and at least this).
  int multiple = 1;

  /// Tiles of the whole problem; the largest number there is where they are more (damaged engines).
  std::int64_t tiles(std::int64_t batch) const;
  std::int64_t blocks(std::int64_t batch, int multiprocessors) const;
};

/// Shared memory that a block can have on capability 9.0.
inline constexpr std::int64_t kBlockSharedBytes = 227 * 1024;

/// A kernel for one layer and tactic. Every batch runs on it.
struct KernelSpec {
  std::string entry;          ///< the kernel function
  std::string source;         ///< embedded source that defines it: "conv/cuda_mma.cuh"
  std::string layer;          ///< text of layer.cuh: the layer's constants and the tactic's
  std::string tactic;         ///< "mma_128x64x64_w4x1_s4", for reports and the timing cache
  int least_capability = 80;  ///< 10 * major + minor
  bool architecture_specific = false;  ///< needs that capability exactly (sm_90a)
  GridRule grid;
  int threads = 128;
  int dynamic_shared_bytes = 0;
  int cluster_blocks = 1;
  std::vector<KernelArgument> arguments;
  std::vector<TensorMapRecipe> tensor_maps;
  /// The kernel lets its successor start once its predecessor has completed, not earlier, and has
  /// a form that waits late.
  bool may_wait_late = false;
  /// The kernel reads its input and weights before its predecessor completes, which must not write
  /// them and must be a kernel that may wait late but does not; residuals and stores wait.
  bool waits_late = false;
  /// The kernel also does what so many launches before it do, from the first one's input (kInput2):
  /// where it is chosen, they are left out.
  int replaces_previous = 0;
};

/// `spec` in the form that waits late, with a tactic of that name.
KernelSpec waiting_late(KernelSpec spec);

/// Input, weights (or the second input), multipliers, bias, output, the epilogue's pointers, batch:
/// what kernels without tensor maps take.
std::vector<KernelArgument> weighted_arguments(Operand weights = Operand::kWeights);

/// Tensor maps 0 and 1 over input and weights, then multipliers, bias, output, the epilogue's
/// pointers, batch.
std::vector<KernelArgument> mapped_arguments();

/// The CUDA translation unit of a spec: includes its source. `layer` is its header "layer.cuh".
std::string translation_unit(const KernelSpec& spec);

}  // namespace xinfer::kernels::cuda
