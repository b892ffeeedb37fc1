#include "engine/dim_program.h"

#include <algorithm>
#include <limits>

namespace xinfer::engine {

Result<std::vector<std::int64_t>> evaluate_dims(const DimNodes& dims,
                                                std::span<const std::int64_t> symbols) {
  std::vector<std::int64_t> values;
  values.reserve(dims.size());
  for (const fb::DimNode* node : dims) {
    const std::int64_t a = values.empty() ? 0 : values[node->a()];
    const std::int64_t b = values.empty() ? 0 : values[node->b()];
    std::int64_t value = 0;
    bool overflows = false;
    switch (node->op()) {
      case fb::DimOp::Constant:
        value = node->value();
        break;
      case fb::DimOp::Symbol:
        value = symbols[static_cast<std::size_t>(node->value())];
        break;
      case fb::DimOp::Add:
        overflows = __builtin_add_overflow(a, b, &value);
        break;
      case fb::DimOp::Mul:
        overflows = __builtin_mul_overflow(a, b, &value);
        break;
      case fb::DimOp::FloorDiv:
        if (b == 0) return invalid_argument("a dimension divides by zero for these input shapes");
        overflows = b == -1 && a == std::numeric_limits<std::int64_t>::min();
        if (!overflows) value = a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
        break;
      case fb::DimOp::Min:
        value = std::min(a, b);
        break;
      case fb::DimOp::Max:
        value = std::max(a, b);
        break;
    }
    if (overflows) return invalid_argument("a dimension overflows for these input shapes");
    values.push_back(value);
  }
  return values;
}

}  // namespace xinfer::engine
