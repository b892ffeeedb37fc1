#include "kernels/cuda/conv_constants.h"

namespace xinfer::kernels::cuda {

Result<KernelSpec> float_conv(const ConvProblem& problem) {
  XINFER_RETURN_IF_ERROR(check_conv_problem(problem));
  if (problem.input != DType::kFloat32) {
    return unsupported("the float32 convolution of {}", to_string(problem.input));
  }
  const ConvLayout layout = conv_layout(problem.shape, problem.input);
  LayerSource layer;
  XINFER_RETURN_IF_ERROR(add_conv_constants(problem, layout, layer));
  constexpr std::int64_t kTile = 64;
  KernelSpec spec;
  spec.entry = "conv_f32";
  spec.source = "conv/cuda_f32.cuh";
  spec.layer = layer.text();
  spec.tactic = "f32_64x64";
  spec.grid.items_per_image = problem.shape.out_h * problem.shape.out_w;
  spec.grid.items_per_tile = kTile;
  spec.grid.tiles_per_item_tile = (layout.group_rows + kTile - 1) / kTile * layout.groups;
  spec.threads = 256;
  spec.arguments = weighted_arguments();
  return spec;
}

}  // namespace xinfer::kernels::cuda
