// Row normalisation in double precision, for tests.
#include <cmath>

#include "kernels/normalize/normalize.h"

namespace xinfer::kernels {

void row_norm_reference(const RowNormParameters& p, bool rms, const float* x, double* y) {
  const double n = static_cast<double>(p.n);
  for (std::int64_t row = 0; row < p.rows; ++row) {
    const float* from = x + row * p.x_stride;
    double mean = 0, squares = 0;
    for (std::int64_t i = 0; i < p.n && !rms; ++i) mean += from[i] / n;
    for (std::int64_t i = 0; i < p.n; ++i) squares += (from[i] - mean) * (from[i] - mean) / n;
    const double r = 1 / std::sqrt(squares + static_cast<double>(p.epsilon));
    for (std::int64_t i = 0; i < p.n; ++i) {
      double value = (from[i] - mean) * r;
      if (p.scale != nullptr) value *= p.scale[i];
      if (p.bias != nullptr && !rms) value += p.bias[i];
      y[row * p.n + i] = value;
    }
  }
}

}  // namespace xinfer::kernels
