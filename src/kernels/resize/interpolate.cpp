// Linear and cubic resize: one pass a dimension over [outer, in, inner], outermost dimension first.
#include <algorithm>
#include <vector>

#include "core/aligned_buffer.h"
#include "kernels/resize/coordinates.h"
#include "kernels/resize/implementations.h"
#include "kernels/resize/resize_loops.h"

namespace xinfer::kernels {
namespace {

int type_index(DType dtype) {
  if (dtype == DType::kFloat32) return 0;
  return dtype == DType::kInt8 ? 1 : 2;
}

struct Pass {
  std::int64_t outer, in, out, inner;
  ResizeTaps taps;
  ResizeLoop loop;
  float factor;
  std::int64_t x_bytes, y_bytes;

  void run(const char* x, char* y, double extrapolation, DType y_dtype, ThreadPool& pool) const {
    const std::size_t grain = (1 << 15) / static_cast<std::size_t>(inner * taps.taps) + 1;
    pool.parallel_ranges(
        static_cast<std::size_t>(outer * out), grain, [&](std::size_t begin, std::size_t end) {
          for (auto r = static_cast<std::int64_t>(begin); r < static_cast<std::int64_t>(end); ++r) {
            const std::int64_t i = r % out;
            char* to = y + r * inner * y_bytes;
            if (taps.extrapolated[static_cast<std::size_t>(i)]) {
              fill(to, extrapolation, y_dtype);
              continue;
            }
            loop(x + r / out * in * inner * x_bytes, taps.indices.data() + i * taps.taps,
                 taps.weights.data() + i * taps.taps, taps.taps, to, inner, factor);
          }
        });
  }

  void fill(char* y, double value, DType y_dtype) const {
    if (y_dtype == DType::kFloat32) {
      std::fill_n(reinterpret_cast<float*>(y), inner, static_cast<float>(value));
    } else {
      std::fill_n(y, inner, static_cast<char>(static_cast<int>(value)));
    }
  }
};

class InterpolatingResize : public Resize {
 public:
  InterpolatingResize(std::span<const ResizeAxis> axes, const ResizeParameters& p, CpuIsa isa)
      : parameters_(p),
        loops_(select_build(isa, portable::kResizeLoops, avx2::kResizeLoops,
                            avx512vnni::kResizeLoops)) {
    std::size_t resized = 0;
    for (const ResizeAxis& axis : axes) resized += !is_identity(axis, p.coordinates);
    std::int64_t outer = 1;
    for (std::size_t d = 0; d < axes.size(); ++d) {
      if (!is_identity(axes[d], p.coordinates)) {
        std::int64_t inner = 1;
        for (std::size_t k = d + 1; k < axes.size(); ++k) inner *= axes[k].in;
        add_pass(outer, axes[d], inner, passes_.size() + 1 == resized);
      }
      outer *= axes[d].out;
    }
    // A conversion alone still needs a pass that copies.
    if (resized == 0) add_pass(1, {}, outer, true);
  }

  void run(const void* x, void* y, ThreadPool& pool) override {
    const char* from = static_cast<const char*>(x);
    for (std::size_t k = 0; k < passes_.size(); ++k) {
      const bool last = k + 1 == passes_.size();
      char* to = last ? static_cast<char*>(y) : static_cast<char*>(buffers_[k].get());
      const DType dtype = last ? parameters_.y_dtype : DType::kFloat32;
      // Inner passes hold values before the factor.
      const double value =
          last ? parameters_.extrapolation_value
               : parameters_.extrapolation_value / static_cast<double>(passes_.back().factor);
      if (passes_[k].outer * passes_[k].out * passes_[k].inner > 0) {
        passes_[k].run(from, to, value, dtype, pool);
      }
      from = to;
    }
  }

 private:
  void add_pass(std::int64_t outer, const ResizeAxis& axis, std::int64_t inner, bool last) {
    const DType from = passes_.empty() ? parameters_.x_dtype : DType::kFloat32;
    const DType to = last ? parameters_.y_dtype : DType::kFloat32;
    const bool scaled = last && parameters_.x_dtype != DType::kFloat32;
    passes_.push_back({outer, axis.in, axis.out, inner, interpolation_taps(axis, parameters_),
                       loops_.loops[type_index(from)][type_index(to)],
                       scaled ? parameters_.factor : 1.0f, static_cast<std::int64_t>(size_of(from)),
                       static_cast<std::int64_t>(size_of(to))});
    if (last) return;
    const std::int64_t elements = std::max<std::int64_t>(outer * axis.out * inner, 1);
    buffers_.push_back(allocate_buffer(static_cast<std::size_t>(elements) * sizeof(float)));
  }

  ResizeParameters parameters_;
  const ResizeLoops& loops_;
  std::vector<Pass> passes_;
  std::vector<std::shared_ptr<void>> buffers_;  ///< between passes
};

}  // namespace

std::unique_ptr<Resize> make_interpolating_resize(std::span<const ResizeAxis> axes,
                                                  const ResizeParameters& parameters, CpuIsa isa) {
  return std::make_unique<InterpolatingResize>(axes, parameters, isa);
}

}  // namespace xinfer::kernels
