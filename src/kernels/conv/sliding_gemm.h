// The driver for kernels of strips (AMX), which read the image itself instead of gathered rows.
//
// Where a micro-kernel is so fast that gathering rows (im2col) would cost as much as multiplying,
// input lines are copied once into a bordered block: line pitch in_w + border, the right border of
// a line being the left border of the next. Rows of every tap then lie at a constant stride:
//   stride 1   consecutive positions of the block, also across the ends of lines; the few positions
//              that lie in the border are computed and not stored;
//   others     line by line.
// A tap is a pixel of whole depth tiles, or, for images of few channels, a whole kernel line: less
// than one depth tile, or rounded up to whole ones. The packed weights do not begin at whole steps
// there, so those layers, some KB, keep a copy whose lines do.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/conv/accumulator_store.h"
#include "kernels/conv/bordered_lines.h"
#include "kernels/conv/column_blocks.h"
#include "kernels/conv/product_parts.h"
#include "kernels/conv/tactic.h"

namespace xinfer::kernels {

class SlidingGemm final : public Convolution {
 public:
  /// Whether this driver can run the problem with `kernel`.
  static bool applies(const ConvShape& shape, const GemmKernel& kernel);

  /// What the cost model expects to be fastest; the problem `applies`.
  static EstimatedTactic choose_tactic(const ConvShape& shape, const GemmKernel& kernel,
                                       int threads);

  /// The problem has been validated and `applies`; the tactic reads lines.
  SlidingGemm(const ConvShape& shape, const ConvArguments& arguments, const StorePlan& store,
              const GemmKernel& kernel, CpuIsa isa, const ConvTactic& tactic);

  void run(ThreadPool& pool) override;
  bool rebind(const ConvArguments& arguments) override;
  const char* name() const override { return name_.c_str(); }

 private:
  void run_part(const ProductPart& part);
  void run_block(const ProductPart& part, std::int64_t first_line, std::int64_t lines);
  void run_strip(const ColumnBlock& columns, const std::byte* block, std::int64_t first_line,
                 std::int64_t lines) const;
  struct StripStore;

  ConvShape shape_;
  ConvTactic tactic_;
  BorderedLines lines_;
  const std::byte* weights_;
  StorePlan store_plan_;
  const GemmKernel& kernel_;
  StoreAccumulators store_;
  StripTiles tiles_;
  std::string name_;
  std::vector<ColumnBlock> columns_;
  bool line_taps_;      ///< a tap is a kernel line
  bool across_lines_;   ///< strips run across the ends of lines
  std::int64_t steps_;  ///< of a tap
  std::size_t panel_bytes_;
  std::shared_ptr<void> line_weights_;
  std::vector<std::ptrdiff_t> taps_;
  std::int64_t channels_;      ///< of a group
  std::size_t scratch_bytes_;  ///< of one part
  std::shared_ptr<void> scratch_;
};

}  // namespace xinfer::kernels
