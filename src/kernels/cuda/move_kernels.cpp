#include "kernels/cuda/move_kernels.h"

#include <algorithm>

#include "kernels/cuda/layer_source.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWidest = 16;  // bytes that one thread moves

bool even(std::int64_t value) { return value % 2 == 0; }

/// Whether pairs of neighbours along the last axis can move as one element.
bool can_pair(const MoveProblem& p) {
  if (p.axes.empty() || p.converts || p.fill != 0 || 2 * p.element_bytes > kWidest ||
      p.output_align % (2 * p.element_bytes) != 0) {
    return false;
  }
  const MoveAxis& last = p.axes.back();
  bool pairs = last.in_stride == 1 && last.out_stride == 1 && last.step == 1 && even(last.start) &&
               even(last.out) && even(last.in) && even(p.in_image_stride) &&
               even(p.out_image_stride);
  for (std::size_t i = 0; i + 1 < p.axes.size(); ++i) {
    pairs = pairs && even(p.axes[i].in_stride) && even(p.axes[i].out_stride);
  }
  return pairs;
}

void pair_up(MoveProblem& p) {
  p.element_bytes *= 2;
  p.in_image_stride /= 2;
  p.out_image_stride /= 2;
  for (std::size_t i = 0; i + 1 < p.axes.size(); ++i) {
    p.axes[i].in_stride /= 2;
    p.axes[i].out_stride /= 2;
  }
  MoveAxis& last = p.axes.back();
  last.start /= 2;
  last.out /= 2;
  last.in /= 2;
}

}  // namespace

Result<KernelSpec> move_kernel(MoveProblem p) {
  if (p.converts && (!is_float(p.from) || !is_float(p.to) || p.fill != 0)) {
    return unsupported("a CUDA move from {} to {}", to_string(p.from), to_string(p.to));
  }
  while (can_pair(p)) pair_up(p);
  std::int64_t items = 1;
  std::string axes;
  for (const MoveAxis& axis : p.axes) {
    items *= axis.out;
    axes += fmt::format("    {{{}, {}, {}, {}, {}, {}}},\n", axis.out, axis.in, axis.start,
                        axis.step, axis.in_stride, axis.out_stride);
  }
  if (items < 1) return unsupported("a CUDA move of empty images");
  if (items > std::int64_t{1} << 30) return unsupported("a CUDA move of {} elements", items);
  LayerSource layer;
  layer.constant("kElementBytes", p.element_bytes).constant("kItems", items);
  layer.constant("kConvert", p.converts);
  layer.constant("kInElem", p.from).constant("kOutElem", p.to);
  layer.constant("kAxisCount", static_cast<std::int64_t>(p.axes.size()));
  layer.constant("kInImageStride", p.in_image_stride);
  layer.constant("kOutImageStride", p.out_image_stride);
  layer.declare(fmt::format("constexpr unsigned long long kFill = {}ull;\n", p.fill));
  layer.declare(
      "struct Axis {\n  long long out, in, start, step, in_stride, out_stride;\n};\n"
      "constexpr Axis kAxes[] = {\n" +
      axes + "    {1, 1, 0, 1, 0, 0}};\n");

  KernelSpec spec;
  spec.entry = "move";
  spec.source = "movement/cuda_move.cuh";
  spec.layer = layer.text();
  spec.tactic = p.converts ? "move_convert" : fmt::format("move_{}", 8 * p.element_bytes);
  spec.grid.items_per_image = items;
  spec.grid.items_per_tile = kThreads;
  spec.threads = kThreads;
  using Kind = KernelArgument::Kind;
  spec.arguments = {
      {Kind::kPointer, Operand::kInput}, {Kind::kPointer, Operand::kOutput}, {Kind::kBatch}};
  return spec;
}

}  // namespace xinfer::kernels::cuda
