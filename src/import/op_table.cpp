#include "import/op_table.h"

#include <fmt/format.h>

#include "import/onnx_import.h"
#include "import/registry.h"

namespace xinfer::import {
namespace {

std::string opset_range(const OpEntry& op) {
  if (op.until == kStillValid) return fmt::format("{} and later", op.since);
  return op.since == op.until ? fmt::format("{}", op.since)
                              : fmt::format("{} to {}", op.since, op.until);
}

}  // namespace

std::string supported_ops_document() {
  std::string text = fmt::format(
      "# Supported ONNX operators\n\n"
      "Written by the target `supported_ops_document` from the importer's registry; do not "
      "edit.\n\n"
      "Models of opset {} to {} of the domain `ai.onnx` are read. \"and later\" means up to opset "
      "{}.\nTensors of float16 and bfloat16 are widened to float32. An `If` is taken where its "
      "condition is a\nconstant. Everything else is refused by name.\n\n"
      "Engines for GPUs compute the same operators and types, but for: indices of a max\n"
      "pooling, `Resize` of other axes than height and width and with tf_crop_and_resize,\n"
      "shapes as run-time data, and operators along the first axis (the batch) where that\n"
      "is dynamic. An index of a `Gather` that is out of range ends at the axis' end\n"
      "there; a CPU refuses it.\n\n"
      "| operator | opsets | limits |\n| --- | --- | --- |\n",
      kOldestOpset, kNewestOpset, kNewestOpset);
  for (const OpEntry& op : all_ops()) {
    const std::string limits = op.note.empty() ? "" : std::string(op.note) + " ";
    text += fmt::format("| {} | {} | {}|\n", op.name, opset_range(op), limits);
  }
  return text;
}

}  // namespace xinfer::import
