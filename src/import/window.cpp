#include "import/window.h"

#include <algorithm>

namespace xinfer::import {
namespace {

Status check_each(NodeContext& node, const char* name, const std::vector<std::int64_t>& values,
                  std::size_t count, std::int64_t least) {
  constexpr std::int64_t kMost = 1 << 24;
  if (values.size() != count) {
    return node.invalid("{} has {} entries, needs {}", name, values.size(), count);
  }
  for (const std::int64_t value : values) {
    if (value < least || value > kMost) return node.invalid("{} holds {}", name, value);
  }
  return Status();
}

/// Pads that make the output ceil(input / stride) long.
Status resolve_same(NodeContext& node, const ir::SymbolicShape& x, bool extra_at_end,
                    Window& window) {
  for (std::size_t i = 0; i < window.kernel.size(); ++i) {
    const std::int64_t extent = (window.kernel[i] - 1) * window.dilations[i] + 1;
    std::int64_t total = extent - 1;  // for stride 1, whatever the input's size
    if (window.strides[i] != 1) {
      const ir::Dim& size = x[i + 2];
      if (!size.is_constant()) {
        return node.unsupported(
            "auto_pad SAME with stride {} on dynamic dimension {}; supported: static dimensions or "
            "explicit pads",
            window.strides[i], size.to_string());
      }
      const std::int64_t out = (size.constant() + window.strides[i] - 1) / window.strides[i];
      total = std::max<std::int64_t>(0, (out - 1) * window.strides[i] + extent - size.constant());
    }
    window.pads_begin[i] = extra_at_end ? total / 2 : total - total / 2;
    window.pads_end[i] = total - window.pads_begin[i];
  }
  return Status();
}

Status read_pads(NodeContext& node, const ir::SymbolicShape& x, Window& window) {
  const std::size_t rank = window.kernel.size();
  window.pads_begin.assign(rank, 0);
  window.pads_end.assign(rank, 0);
  const auto pads = node.attributes().integers("pads");
  const std::string mode = node.attributes().text("auto_pad", "NOTSET");
  if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
    return resolve_same(node, x, mode == "SAME_UPPER", window);
  }
  if (mode == "VALID") return Status();
  if (mode != "NOTSET" && !mode.empty()) {
    return node.unsupported("auto_pad \"{}\"; supported: NOTSET, SAME_UPPER, SAME_LOWER, VALID",
                            mode);
  }
  if (!pads) return Status();
  XINFER_RETURN_IF_ERROR(check_each(node, "pads", *pads, 2 * rank, 0));
  const auto middle = pads->begin() + static_cast<std::ptrdiff_t>(rank);
  window.pads_begin.assign(pads->begin(), middle);
  window.pads_end.assign(middle, pads->end());
  return Status();
}

}  // namespace

Result<Window> read_window(NodeContext& node, const ir::SymbolicShape& x,
                           const std::vector<std::int64_t>& kernel) {
  Window window;
  const auto declared = node.attributes().integers("kernel_shape");
  if (kernel.empty() && !declared) return node.invalid("kernel_shape is missing");
  if (!kernel.empty() && declared && *declared != kernel) {
    return node.invalid("kernel_shape differs from the weight's shape");
  }
  window.kernel = kernel.empty() ? *declared : kernel;
  const std::size_t rank = window.kernel.size();
  if (x.size() != rank + 2) {
    return node.invalid("input has {} dimensions; a kernel of {} needs {}", x.size(), rank,
                        rank + 2);
  }
  const std::vector<std::int64_t> ones(rank, 1);
  window.strides = node.attributes().integers("strides").value_or(ones);
  window.dilations = node.attributes().integers("dilations").value_or(ones);
  XINFER_RETURN_IF_ERROR(check_each(node, "kernel_shape", window.kernel, rank, 1));
  XINFER_RETURN_IF_ERROR(check_each(node, "strides", window.strides, rank, 1));
  XINFER_RETURN_IF_ERROR(check_each(node, "dilations", window.dilations, rank, 1));
  XINFER_RETURN_IF_ERROR(read_pads(node, x, window));
  return window;
}

}  // namespace xinfer::import
