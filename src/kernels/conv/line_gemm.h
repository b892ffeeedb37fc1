// The driver for kernels of tiles that read bordered lines instead of gathered rows.
//
// A kernel line is one run of kernel_w pixels in the copied input line, so a tile of neighbouring
// output pixels reads kernel_h runs of rows that overlap. Compared with gathering, bytes are copied
// once instead of once a tap, which is worth a third of the time of a layer of 16 channels, and
// little where many output channels use every gathered row. Tiles end at the ends of lines.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/conv/accumulator_store.h"
#include "kernels/conv/bordered_lines.h"
#include "kernels/conv/column_blocks.h"
#include "kernels/conv/finished_tiles.h"
#include "kernels/conv/product_parts.h"
#include "kernels/conv/tactic.h"

namespace xinfer::kernels {

class LineGemm final : public Convolution {
 public:
  /// Whether this driver can run the problem with `kernel`.
  static bool applies(const ConvShape& shape, const GemmKernel& kernel);

  /// What the cost model expects to be fastest; the problem `applies`.
  static EstimatedTactic choose_tactic(const ConvShape& shape, const GemmKernel& kernel,
                                       int threads);

  /// The problem has been validated and `applies`; the tactic reads lines.
  LineGemm(const ConvShape& shape, const ConvArguments& arguments, const StorePlan& store,
           const GemmKernel& kernel, CpuIsa isa, const ConvTactic& tactic);

  void run(ThreadPool& pool) override;
  bool rebind(const ConvArguments& arguments) override;
  const char* name() const override { return name_.c_str(); }

 private:
  void run_part(const ProductPart& part) const;
  void run_block(const ColumnBlock& columns, const std::byte* block, std::int64_t first_line,
                 std::int64_t lines) const;

  ConvShape shape_;
  const GemmKernel& kernel_;
  ConvTactic tactic_;
  BorderedLines lines_;
  StorePlan store_plan_;
  StoreAccumulators store_;
  FinishedTiles finished_;
  std::string name_;
  const std::byte* packed_;   ///< weights as packed, with the compensation behind them
  const std::byte* weights_;  ///< of tiles: packed, or `line_weights_`
  std::shared_ptr<void> line_weights_;
  std::vector<ColumnBlock> columns_;
  std::size_t panel_bytes_;
  std::int64_t steps_;  ///< of a kernel line
  bool three_taps_;     ///< one panel is computed by the kernel's loop for three taps
  bool compensated_;    ///< sums start at the compensation for shifted activations
  std::size_t scratch_bytes_;
  std::shared_ptr<void> scratch_;
};

}  // namespace xinfer::kernels
