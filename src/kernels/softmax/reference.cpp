// Softmax in double precision, for tests.
#include <algorithm>
#include <cmath>

#include "kernels/softmax/softmax.h"

namespace xinfer::kernels {

void softmax_reference(const SoftmaxShape& s, bool log, const float* x, double* y) {
  for (std::int64_t o = 0; o < s.outer; ++o) {
    for (std::int64_t c = 0; c < s.inner; ++c) {
      const float* from = x + o * s.x_outer_stride + c;
      double* to = y + o * s.y_outer_stride + c;
      double best = from[0];
      for (std::int64_t i = 0; i < s.axis; ++i) {
        best = std::max(best, static_cast<double>(from[i * s.x_axis_stride]));
      }
      double sum = 0;
      for (std::int64_t i = 0; i < s.axis; ++i) {
        sum += std::exp(static_cast<double>(from[i * s.x_axis_stride]) - best);
      }
      for (std::int64_t i = 0; i < s.axis; ++i) {
        const double shifted = static_cast<double>(from[i * s.x_axis_stride]) - best;
        to[i * s.y_axis_stride] = log ? shifted - std::log(sum) : std::exp(shifted) / sum;
      }
    }
  }
}

}  // namespace xinfer::kernels
