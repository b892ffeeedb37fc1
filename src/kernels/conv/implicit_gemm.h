// The one driver of convolutions and matrix products: tiles, threads, gathering, epilogue.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/conv/accumulator_store.h"
#include "kernels/conv/activation_rows.h"
#include "kernels/conv/column_blocks.h"
#include "kernels/conv/finished_tiles.h"
#include "kernels/conv/product_parts.h"
#include "kernels/conv/tactic.h"

namespace xinfer::kernels {

class ImplicitGemm final : public Convolution {
 public:
  /// The problem has been validated; the tactic's rows are gathered.
  ImplicitGemm(const ConvShape& shape, const ConvArguments& arguments, const StorePlan& store,
               const GemmKernel& kernel, CpuIsa isa, const ConvTactic& tactic);

  /// What the cost model expects to be fastest.
  static EstimatedTactic choose_tactic(const ConvShape& shape, const GemmKernel& kernel,
                                       int threads);

  void run(ThreadPool& pool) override;
  bool rebind(const ConvArguments& arguments) override;
  const char* name() const override { return name_.c_str(); }

  /// For batched products: another first operand and weights of the same shapes; row 0 is now
  /// pixel `first_pixel` of y and of the residuals.
  void set_operands(const void* x, const void* packed_weights, std::int64_t first_pixel);
  /// Computes rows [first, last) with all columns on the calling thread, as part 0 would.
  void run_rows(std::int64_t first, std::int64_t last);

 private:
  void run_part(const ProductPart& part);
  void run_block(const ProductPart& part, std::int64_t first_row, std::int64_t rows);
  void run_tiles(const ColumnBlock& block, const std::byte* rows_begin, std::int64_t first_row,
                 std::int64_t rows);
  void run_strip(const ColumnBlock& block, const std::byte* rows_begin, std::int64_t first_row,
                 std::int64_t rows);
  struct StripStore;

  RowSource source_;
  const std::byte* weights_;
  StorePlan store_plan_;
  const GemmKernel& kernel_;
  StoreAccumulators store_;
  FinishedTiles finished_;
  GatherRows gather_;
  std::string name_;
  std::vector<ColumnBlock> columns_;
  ConvTactic tactic_;
  std::int64_t steps_ = 0;
  std::size_t panel_bytes_ = 0;
  std::int64_t pixel_offset_ = 0;  ///< pixel of y that row 0 is
  bool direct_ = false;            ///< rows are used where they are
  std::size_t row_stride_ = 0;     ///< bytes between two rows, gathered or in place
  std::size_t scratch_bytes_ = 0;  ///< of one part
  std::shared_ptr<void> scratch_;
};

}  // namespace xinfer::kernels
