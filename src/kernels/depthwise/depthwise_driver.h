// The driver of depthwise convolutions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/conv/accumulator_store.h"
#include "kernels/depthwise/depthwise_kernel.h"
#include "kernels/depthwise/depthwise_lines.h"

namespace xinfer::kernels {

class Depthwise final : public Convolution {
 public:
  Depthwise(const ConvShape& shape, ConvType type, const ConvArguments& arguments,
            const StorePlan& store, const DepthwiseKernel& kernel, CpuIsa isa, int threads);

  void run(ThreadPool& pool) override;
  bool rebind(const ConvArguments& arguments) override;
  const char* name() const override { return name_.c_str(); }

  // For strips, if made for one thread; see depthwise_strip.h.
  int rows_at_once() const { return rows_at_once_; }
  const std::vector<LinePlane>& planes() const { return parts_.front().lines.planes(); }
  void set_source(LineSource* source) { parts_.front().lines.set_source(source); }
  void set_first_line(std::int64_t line) { first_line_ = line; }
  void start_image() { start_image(parts_.front(), 0); }
  void run_lines(std::int64_t line, int rows) { run_lines(parts_.front(), line, rows); }

 private:
  /// What one thread works with.
  struct Part {
    DepthwiseLines lines;
    std::vector<const std::byte*> taps;     ///< of an output line group at position 0
    std::vector<const std::byte*> shifted;  ///< the same at a run's first position
    std::shared_ptr<void> acc;
  };

  void prepare_finish(const Epilogue& epilogue);
  void start_image(Part& part, std::int64_t image);
  void run_part(Part& part, std::int64_t first_line, std::int64_t last_line);
  void run_lines(Part& part, std::int64_t line, int rows);
  void store_run(const Part& part, std::int64_t line, int rows, std::int64_t first_pixel,
                 std::int64_t pixels) const;

  ConvShape shape_;
  ConvType type_;
  DepthwiseLayout layout_;
  const std::byte* x_;
  const DepthwiseKernel& kernel_;
  StorePlan store_plan_;
  StoreAccumulators store_;
  std::string name_;
  int rows_at_once_;
  std::int64_t first_line_ = 0;  ///< output line at which y begins
  std::int64_t run_pixels_;      ///< pixels of one kernel call, whole periods
  DepthwiseCall call_;           ///< what all calls share
  /// Set where the kernel stores y itself; multiplier, bias and start in chunk order.
  bool finishes_ = false;
  DepthwiseFinish finish_;
  std::vector<float> finish_constants_;
  std::vector<std::int32_t> finish_start_;
  std::vector<Part> parts_;
};

}  // namespace xinfer::kernels
