// The micro-kernels behind every convolution and matrix product: a tile of rows x channels.
//
// All types share one shape: a *step* is 4 bytes of an activation row (4 INT8 channels or one
// float32 channel) against 64 bytes of packed weights (16 output channels x 4 bytes). A tile of the
// accumulator is   acc[r][n] = start[n] + sum over steps of dot(a[r][step], b[step][n]),
// in step order, which for float32 makes every output one FMA chain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/cpu_isa.h"
#include "kernels/conv/conv.h"

namespace xinfer::kernels {

/// Output channels of one packed weight panel.
inline constexpr int kPanelChannels = 16;
/// Bytes of a panel at one step.
inline constexpr int kStepBytes = 4 * kPanelChannels;
/// INT8 panels are zero-padded to this many input channels, the depth of an AMX tile.
inline constexpr int kDepthAlignment = 64;
/// No micro-kernel has more accumulators than this.
inline constexpr int kMaxTileAccumulators = 1024;

/// What a micro-kernel expects to find in the activation rows.
enum class RowFormat : std::uint8_t {
  kFloat,     ///< float32
  kBytes,     ///< INT8 as in memory, signed or not as the problem says
  kUnsigned,  ///< u8; s8 activations are shifted by 128 and `start` compensates
  kWide,      ///< INT8 widened to int16: a step takes 8 bytes
};

/// One call of a micro-kernel that computes a tile.
struct GemmTile {
  const std::byte* a = nullptr;      ///< row 0, step 0
  std::ptrdiff_t a_row_bytes = 0;    ///< from one row to the next
  const std::byte* b = nullptr;      ///< first panel, step 0; 64-byte aligned
  std::ptrdiff_t b_panel_bytes = 0;  ///< from one panel to the next
  std::int64_t steps = 0;            ///< of a line, at least 1
  /// The steps of a row come in so many lines (of a kernel, in an image), each beginning
  /// `a_line_bytes` behind the one before; weights of lines follow one another.
  std::int64_t lines = 1;
  std::ptrdiff_t a_line_bytes = 0;
  const void* start = nullptr;  ///< [panels * 16] int32 or float32 start values
  void* acc = nullptr;          ///< [rows][panels * 16] int32 or float32, 64-byte aligned
};

/// Tiles of a strip: 16 * row_tiles rows x 16 * panels channels of accumulators at a time.
struct StripTiles {
  int row_tiles = 1;
  int panels = 1;
};

/// Takes finished accumulators: acc[r][n] with rows `acc_stride` apart are rows
/// [first_row, first_row + rows) of the strip, counted over all its lines. Each row is handed over
/// once.
using StoreStripRows = void (*)(const void* context, const std::int32_t* acc,
                                std::int64_t acc_stride, std::int64_t first_row, int rows);

/// One call of a micro-kernel that computes all rows of a block of columns, orders its tiles itself
/// and stores the rows of one tile while it multiplies the next.
struct GemmStrip {
  const std::byte* a = nullptr;    ///< row 0, step 0
  std::ptrdiff_t a_row_bytes = 0;  ///< from one row to the next
  std::int64_t rows = 0;           ///< of a line, at least 1
  std::int64_t lines = 1;          ///< each begins `a_line_bytes` behind the one before
  std::ptrdiff_t a_line_bytes = 0;
  const std::byte* b = nullptr;      ///< first panel, step 0; 64-byte aligned
  std::ptrdiff_t b_panel_bytes = 0;  ///< from one panel to the next
  int panels = 0;                    ///< at most tiles.panels
  std::int64_t steps = 0;            ///< of one tap, at least 1
  /// Byte offsets added to `a` for each tap; the weights of taps follow one another. Null: one tap
  /// without offset; with several, a tap has a multiple of kDepthAlignment bytes, or fewer than
  /// that many.
  const std::ptrdiff_t* taps = nullptr;
  std::int64_t tap_count = 1;
  StripTiles tiles;
  std::int32_t* acc = nullptr;  ///< room for 2 * kMaxTileAccumulators, 64-byte aligned
  StoreStripRows store = nullptr;
  const void* context = nullptr;
};

/// One line of variants.inc.
struct GemmKernel {
  const char* name;
  CpuIsa isa;
  ConvType type;
  RowFormat format;
  int max_rows;
  int max_panels;
  /// Computes `rows` x `panels` * 16 accumulators; 1 <= rows <= max_rows, same for panels. Null for
  /// kernels of strips.
  void (*run)(const GemmTile& tile, int rows, int panels);
  /// Computes strips; null for kernels of tiles. Their max_rows x max_panels is one of several
  /// tile shapes, see choose_strip_tiles.
  void (*run_strip)(const GemmStrip& strip) = nullptr;
  /// Bracket a sequence of calls on one thread, where the unit has a state; may be null.
  void (*enter)() = nullptr;
  void (*leave)() = nullptr;
  /// Computes tiles of one panel whose lines are three taps, `steps` each: tap k of row r begins
  /// where tap 0 of row r + k does. Null where `run` is as good.
  void (*run_three_taps)(const GemmTile& tile, int rows) = nullptr;
};

/// enter on construction, leave on destruction.
class GemmSession {
 public:
  explicit GemmSession(const GemmKernel& kernel) : kernel_(kernel) {
    if (kernel_.enter != nullptr) kernel_.enter();
  }
  ~GemmSession() {
    if (kernel_.leave != nullptr) kernel_.leave();
  }
  GemmSession(const GemmSession&) = delete;
  GemmSession& operator=(const GemmSession&) = delete;

 private:
  const GemmKernel& kernel_;
};

/// Every micro-kernel of variants.inc, whether this machine can run it or not.
std::span<const GemmKernel> gemm_kernels();

/// The last listed kernel of `type` that `isa` includes; there always is a portable one.
const GemmKernel& select_gemm_kernel(ConvType type, CpuIsa isa);

/// Rows x channels x steps that one core does in a nanosecond, for the cost model only.
double estimated_steps_per_ns(const GemmKernel& kernel);

/// What one core takes to bring 16 accumulators to memory, for the cost model only.
double estimated_store_ns(const GemmKernel& kernel);

/// Bytes of one packed panel of `depth` input channels (taps x channels of a group).
std::size_t panel_bytes(std::int64_t depth, ConvType type);

}  // namespace xinfer::kernels
