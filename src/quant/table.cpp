#include "quant/table.h"

#include <algorithm>
#include <cmath>

#include "quant/quantize.h"

namespace xinfer::quant {
namespace {

std::uint8_t encode(double real, const Encoding& output) {
  if (std::isnan(real)) return 0;
  const GridLimits grid = limits_of(output.dtype);
  const double clamped = std::clamp(real / static_cast<double>(output.scale),
                                    static_cast<double>(grid.min), static_cast<double>(grid.max));
  return static_cast<std::uint8_t>(static_cast<std::int32_t>(std::nearbyint(clamped)));
}

}  // namespace

Table build_table(const std::function<double(double)>& function, const Encoding& input,
                  const Encoding& output) {
  Table table;
  const GridLimits grid = limits_of(input.dtype);
  for (std::int32_t q = grid.min; q <= grid.max; ++q) {
    const double real = static_cast<double>(q) * static_cast<double>(input.scale);
    table[static_cast<std::uint8_t>(q)] = encode(function(real), output);
  }
  return table;
}

}  // namespace xinfer::quant
