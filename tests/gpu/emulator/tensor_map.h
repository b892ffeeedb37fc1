// The emulator's form of CUtensorMap: the recipe, bound to an address and a batch.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/status.h"
#include "kernels/cuda/kernel_spec.h"

namespace xinfer::gpu::emulator {

struct BoundTensorMap {
  kernels::cuda::TensorMapRecipe recipe;  ///< extents hold the batch
  std::uint8_t* base = nullptr;
  std::uint32_t element_bytes = 1;

  /// Checks what cuTensorMapEncodeTiled and …Im2col document for their arguments.
  static Result<BoundTensorMap> bind(kernels::cuda::TensorMapRecipe recipe, std::uint8_t* base,
                                     std::int64_t batch);

  /// Bytes of one row of a copy in shared memory, and rows of a copy.
  std::uint32_t row_bytes() const;
  std::uint32_t rows() const;
  /// The address of an element in the tensor; null outside it.
  std::uint8_t* element(const std::array<std::int64_t, 5>& position) const;
  /// Where byte `address` of unswizzled shared memory lies.
  std::uint32_t swizzled(std::uint32_t address) const;
  /// The first element of every row of a copy; null: the row is outside the tensor. `tap`: im2col's
  /// offsets.
  std::vector<std::array<std::int64_t, 5>> row_positions(std::array<std::int64_t, 5> start,
                                                         std::array<std::int64_t, 2> tap) const;
};

/// What a kernel's parameter holds.
struct TensorMapSlot {
  const BoundTensorMap* map;
};

}  // namespace xinfer::gpu::emulator
