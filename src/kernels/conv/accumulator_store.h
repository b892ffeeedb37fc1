// From a tile of accumulators in cache to elements of y: the epilogue, a tile at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "core/cpu_isa.h"
#include "core/status.h"
#include "kernels/elementwise/unary.h"
#include "kernels/epilogue.h"

namespace xinfer::kernels {

/// Widest tile that `StoreAccumulators` takes.
inline constexpr int kMaxStoreColumns = 128;

/// An epilogue made ready for one output.
struct StorePlan {
  Epilogue epilogue;  ///< steps that `low` and `high` have absorbed are gone
  void* y = nullptr;
  std::int64_t y_pixel_stride = 0;  ///< elements
  bool float_accumulators = false;
  float low = 0.0f;  ///< bounds of the last clamp: of the output type and of clips before it
  float high = 0.0f;
  /// INT8 outputs whose steps are at most [residual][table][residual], with every value proved to
  /// stay below 2^30: rounding may come before clamping (to the rounded bounds: rounding is
  /// monotonic). The clamped bytes are y, or the input of `table`.
  bool bounded = false;
  bool bytes_signed = false;
  int byte_low = 0;
  int byte_high = 0;
  /// Null without a table. Holds bytes of y, or of the table's own output where a residual follows
  /// (`table_then_residual`). Owned by `table_storage`.
  const std::uint8_t* table = nullptr;
  bool table_then_residual = false;
  std::shared_ptr<const std::array<std::uint8_t, 256>> table_storage;
  UnaryLoop activations[kMaxEpilogueSteps] = {};
};

/// Rows are consecutive pixels of y, columns consecutive channels.
struct AccumulatorTile {
  const void* acc = nullptr;    ///< int32 or float32, 64-byte aligned
  std::int64_t row_stride = 0;  ///< elements, a multiple of 16
  int rows = 0;
  int columns = 0;
  std::int64_t first_pixel = 0;
  std::int64_t first_channel = 0;
};

/// Applies the epilogue and stores; reads at most 64 bytes behind a residual's rows, writes nothing
/// outside the tile.
using StoreAccumulators = void (*)(const StorePlan& plan, const AccumulatorTile& tile);

/// What is known of a layer's accumulators.
struct AccumulatorTraits {
  bool float32 = false;
  std::int64_t channels = 0;
  std::int64_t depth = 0;  ///< products in a sum
};

/// Checks the epilogue and makes it ready.
Result<StorePlan> make_store_plan(const Epilogue& epilogue, void* y, std::int64_t y_pixel_stride,
                                  const AccumulatorTraits& traits, CpuIsa isa);

/// Stores to another y from now on, with the residuals at the addresses of `epilogue`, which is the
/// plan's in everything else.
void rebind_store_plan(StorePlan* plan, void* y, const Epilogue& epilogue);

/// The store of an instruction set for this plan; all give equal bytes.
StoreAccumulators select_store(const StorePlan& plan, CpuIsa isa);

}  // namespace xinfer::kernels
