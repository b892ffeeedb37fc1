// The columns of a convolution's matrix product: blocks of neighbouring weight panels of one group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/conv/gemm_kernel.h"

namespace xinfer::kernels {

/// Up to max_panels panels, what one micro-kernel call covers.
struct ColumnBlock {
  std::int64_t group = 0;
  std::int64_t first_channel = 0;  ///< over all groups
  int channels = 0;
  int panels = 0;
  std::size_t weights_offset = 0;  ///< bytes into the packed weights
  std::size_t start_offset = 0;    ///< of the compensation, behind the weights
};

/// All blocks, groups one after the other, of `max_panels` panels each but a group's last.
std::vector<ColumnBlock> plan_columns(const ConvShape& shape, ConvType type, int max_panels);

}  // namespace xinfer::kernels
