// Enumerating the column blocks of all groups.
#include "kernels/conv/column_blocks.h"

#include <algorithm>

namespace xinfer::kernels {

std::vector<ColumnBlock> plan_columns(const ConvShape& s, ConvType type, int max_panels) {
  const std::int64_t depth = s.kernel_h * s.kernel_w * (s.in_channels / s.groups);
  const std::int64_t channels = s.out_channels / s.groups;
  const std::int64_t panels = (channels + kPanelChannels - 1) / kPanelChannels;
  const std::size_t bytes = panel_bytes(depth, type);
  const std::size_t all_bytes = static_cast<std::size_t>(panels * s.groups) * bytes;
  std::vector<ColumnBlock> blocks;
  for (std::int64_t g = 0; g < s.groups; ++g) {
    for (std::int64_t p = 0; p < panels; p += max_panels) {
      const auto panel = static_cast<std::size_t>(g * panels + p);
      ColumnBlock block;
      block.group = g;
      block.first_channel = g * channels + p * kPanelChannels;
      block.panels = static_cast<int>(std::min<std::int64_t>(max_panels, panels - p));
      block.channels = static_cast<int>(
          std::min<std::int64_t>(block.panels * kPanelChannels, channels - p * kPanelChannels));
      block.weights_offset = panel * bytes;
      block.start_offset = all_bytes + panel * kStepBytes;
      blocks.push_back(block);
    }
  }
  return blocks;
}

}  // namespace xinfer::kernels
