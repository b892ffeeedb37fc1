#include "kernels/cuda/gather_kernels.h"

#include "kernels/cuda/layer_source.h"

namespace xinfer::kernels::cuda {
namespace {

constexpr int kThreads = 256;

const char* element_type(int bytes) {
  return bytes == 1 ? "xi::u8" : bytes == 2 ? "xi::u16" : bytes == 4 ? "xi::u32" : "xi::u64";
}

}  // namespace

Result<KernelSpec> gather_kernel(const GatherProblem& p) {
  if (p.index_dtype != DType::kInt64 && p.index_dtype != DType::kInt32) {
    return unsupported("a CUDA gather with indices of {}", to_string(p.index_dtype));
  }
  std::int64_t items = 1;
  std::string axes;
  for (std::size_t i = 0; i < p.axes.size(); ++i) {
    const GatherAxis& axis = p.axes[i];
    const std::int64_t size = axis.size + (i + 1 == p.axes.size() ? p.padding : 0);
    items *= size;
    axes += fmt::format("    {{{}, {}, {}, {}, {}}},\n", size, axis.size, axis.x_stride,
                        axis.index_stride, axis.y_stride);
  }
  if (items < 1 || items > std::int64_t{1} << 30 || p.axis_size < 1) {
    return unsupported("a CUDA gather of {} elements from an axis of {}", items, p.axis_size);
  }
  LayerSource layer;
  layer.constant("kItems", items).constant("kAxisCount", static_cast<std::int64_t>(p.axes.size()));
  layer.constant("kInImage", p.x_image_stride).constant("kIndexImage", p.index_image_stride);
  layer.constant("kOutImage", p.y_image_stride);
  layer.constant("kAxisSize", p.axis_size).constant("kAxisStride", p.axis_stride);
  layer.declare(fmt::format("using Element = {};\nusing Index = {};\n",
                            element_type(p.element_bytes),
                            p.index_dtype == DType::kInt64 ? "long long" : "int"));
  layer.declare(
      "struct Axis {\n  long long size, real, x, index, y;\n};\nconstexpr Axis kAxes[] = {\n" +
      axes + "    {1, 1, 0, 0, 0}};\n");
  KernelSpec spec;
  spec.entry = "gather";
  spec.source = "movement/cuda_gather.cuh";
  spec.layer = layer.text();
  spec.tactic = fmt::format("gather_{}", 8 * p.element_bytes);
  spec.grid.items_per_image = items;
  spec.grid.items_per_tile = kThreads;
  spec.threads = kThreads;
  using Kind = KernelArgument::Kind;
  spec.arguments = {{Kind::kPointer, Operand::kInput},
                    {Kind::kPointer, Operand::kInput2},
                    {Kind::kPointer, Operand::kOutput},
                    {Kind::kBatch}};
  return spec;
}

}  // namespace xinfer::kernels::cuda
