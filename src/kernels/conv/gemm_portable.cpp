// Micro-kernels in plain C++: the definition of a tile, and what runs where nothing better does.
#include "kernels/conv/gemm_kernel.h"

namespace xinfer::kernels {
namespace {

void int8_tile(const GemmTile& tile, int rows, int panels) {
  const auto* start = static_cast<const std::int32_t*>(tile.start);
  auto* acc = static_cast<std::int32_t*>(tile.acc);
  const int columns = panels * kPanelChannels;
  for (int p = 0; p < panels; ++p) {
    for (int r = 0; r < rows; ++r) {
      const std::byte* line = tile.a + r * tile.a_row_bytes;
      const auto* b = reinterpret_cast<const std::int8_t*>(tile.b + p * tile.b_panel_bytes);
      std::int32_t sum[kPanelChannels];
      for (int n = 0; n < kPanelChannels; ++n) sum[n] = start[p * kPanelChannels + n];
      for (std::int64_t i = 0; i < tile.lines; ++i, line += tile.a_line_bytes) {
        const auto* a = reinterpret_cast<const std::int16_t*>(line);
        for (std::int64_t step = 0; step < tile.steps; ++step, a += 4, b += kStepBytes) {
          for (int n = 0; n < kPanelChannels; ++n) {
            for (int k = 0; k < 4; ++k) sum[n] += a[k] * b[4 * n + k];
          }
        }
      }
      for (int n = 0; n < kPanelChannels; ++n) acc[r * columns + p * kPanelChannels + n] = sum[n];
    }
  }
}

}  // namespace

void gemm_u8s8_portable(const GemmTile& tile, int rows, int panels) {
  int8_tile(tile, rows, panels);
}
void gemm_s8s8_portable(const GemmTile& tile, int rows, int panels) {
  int8_tile(tile, rows, panels);
}

void gemm_f32_portable(const GemmTile& tile, int rows, int panels) {
  const auto* start = static_cast<const float*>(tile.start);
  auto* acc = static_cast<float*>(tile.acc);
  const int columns = panels * kPanelChannels;
  for (int p = 0; p < panels; ++p) {
    for (int r = 0; r < rows; ++r) {
      const std::byte* line = tile.a + r * tile.a_row_bytes;
      const auto* b = reinterpret_cast<const float*>(tile.b + p * tile.b_panel_bytes);
      float sum[kPanelChannels];
      for (int n = 0; n < kPanelChannels; ++n) sum[n] = start[p * kPanelChannels + n];
      for (std::int64_t i = 0; i < tile.lines; ++i, line += tile.a_line_bytes) {
        const auto* a = reinterpret_cast<const float*>(line);
        for (std::int64_t step = 0; step < tile.steps; ++step, b += kPanelChannels) {
          for (int n = 0; n < kPanelChannels; ++n) sum[n] = __builtin_fmaf(a[step], b[n], sum[n]);
        }
      }
      for (int n = 0; n < kPanelChannels; ++n) acc[r * columns + p * kPanelChannels + n] = sum[n];
    }
  }
}

}  // namespace xinfer::kernels
