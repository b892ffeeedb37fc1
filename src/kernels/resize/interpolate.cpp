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
    const std::size_t grain = (1 << 14) / static_cast<std::size_t>(inner * taps.taps) + 1;
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
      : parameters_(p) {
    std::int64_t outer = 1, inner = 1;
    for (const ResizeAxis& axis : axes) inner *= axis.in;
    std::vector<std::size_t> resized;
    for (std::size_t d = 0; d < axes.size(); ++d) {
      if (!is_identity(axes[d], p.coordinates)) resized.push_back(d);
    }
    // A conversion alone still needs a pass that copies.
    if (resized.empty()) resized.push_back(axes.size());
    const ResizeLoops& loops =
        select_build(isa, portable::kResizeLoops, avx2::kResizeLoops, avx512vnni::kResizeLoops);
    std::size_t next = 0;
    for (std::size_t k = 0; k < resized.size(); ++k) {
      const std::size_t d = resized[k];
      for (; next < d && next < axes.size(); ++next) {
        outer *= axes[next].in;
        inner /= std::max<std::int64_t>(axes[next].in, 1);
      }
      const ResizeAxis axis = d < axes.size() ? axes[d] : ResizeAxis{};
      if (d < axes.size()) {
        inner /= std::max<std::int64_t>(axis.in, 1);
        next = d + 1;
      }
      const bool first = k == 0, last = k + 1 == resized.size();
      const DType from = first ? p.x_dtype : DType::kFloat32;
      const DType to = last ? p.y_dtype : DType::kFloat32;
      passes_.push_back({outer, axis.in, axis.out, inner, interpolation_taps(axis, p),
                         loops.loops[type_index(from)][type_index(to)],
                         last && p.x_dtype != DType::kFloat32 ? p.factor : 1.0f,
                         static_cast<std::int64_t>(size_of(from)),
                         static_cast<std::int64_t>(size_of(to))});
      outer *= axis.out;
      if (!last) {
        buffers_.push_back(allocate_buffer(
            static_cast<std::size_t>(std::max<std::int64_t>(outer * inner, 1)) * sizeof(float)));
      }
    }
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
  ResizeParameters parameters_;
  std::vector<Pass> passes_;
  std::vector<std::shared_ptr<void>> buffers_;  ///< between passes
};

}  // namespace

std::unique_ptr<Resize> make_interpolating_resize(std::span<const ResizeAxis> axes,
                                                  const ResizeParameters& parameters, CpuIsa isa) {
  return std::make_unique<InterpolatingResize>(axes, parameters, isa);
}

}  // namespace xinfer::kernels
