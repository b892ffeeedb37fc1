#include "import/registry.h"

#include <algorithm>

namespace xinfer::import {

const std::vector<OpEntry>& all_ops() {
  static const std::vector<OpEntry> ops = [] {
    std::vector<OpEntry> list;
    for (const OpList part :
         {activation_ops(), constant_ops(), conv_ops(), elementwise_ops(), layout_ops(),
          matmul_ops(), normalize_ops(), pool_ops(), quantize_ops(), reduce_ops(), resize_ops(),
          select_ops(), shape_ops(), slice_ops(), softmax_ops()}) {
      list.insert(list.end(), part.begin(), part.end());
    }
    std::sort(list.begin(), list.end(), [](const OpEntry& a, const OpEntry& b) {
      return a.name != b.name ? a.name < b.name : a.since < b.since;
    });
    return list;
  }();
  return ops;
}

const OpEntry* find_op(std::string_view name, int opset) {
  for (const OpEntry& op : all_ops()) {
    if (op.name == name && op.since <= opset && opset <= op.until) return &op;
  }
  return nullptr;
}

std::string opsets_of(std::string_view name) {
  std::string text;
  for (const OpEntry& op : all_ops()) {
    if (op.name != name) continue;
    if (!text.empty()) text += ", ";
    text += op.until == kStillValid ? fmt::format("{} and later", op.since)
                                    : fmt::format("{} to {}", op.since, op.until);
  }
  return text;
}

}  // namespace xinfer::import
