#include "layers.h"

#include <fmt/format.h>

#include <random>

namespace xinfer::gpu {
namespace {

const float kScaled = 1.0f;

BenchLayer layer(std::string name, int count, int out_size, int in_channels, int out_channels,
                 int kernel, int stride, bool residual) {
  BenchLayer result{std::move(name), count, {}};
  kernels::ConvShape& s = result.problem.shape;
  s.in_h = s.in_w = static_cast<std::int64_t>(out_size) * stride;
  s.out_h = s.out_w = out_size;
  s.in_channels = s.x_pixel_stride = in_channels;
  s.out_channels = s.y_pixel_stride = out_channels;
  s.kernel_h = s.kernel_w = kernel;
  s.stride_h = s.stride_w = stride;
  s.pad_top = s.pad_left = kernel / 2;
  result.problem.epilogue.multiplier = &kScaled;
  result.problem.epilogue.output_dtype = DType::kUInt8;
  if (residual) {
    kernels::EpilogueStep& step = result.problem.epilogue.steps[0];
    step.kind = kernels::EpilogueStep::Kind::kResidual;
    step.residual_dtype = DType::kUInt8;
    step.residual_pixel_stride = out_channels;
    step.scale = 0.5f;
    result.problem.epilogue.step_count = 1;
  }
  return result;
}

}  // namespace

std::vector<BenchLayer> resnet50_layers() {
  std::vector<BenchLayer> layers;
  layers.push_back(layer("stem 4x4 16->64", 1, 112, 16, 64, 4, 1, false));
  constexpr int kBlocks[] = {3, 4, 6, 3};
  int in_channels = 64;
  for (int stage = 0; stage < 4; ++stage) {
    const int width = 64 << stage, size = 56 >> stage, wide = 4 * width;
    const int stride = stage == 0 ? 1 : 2, first_size = size * stride;
    const std::string name = fmt::format("s{} ", stage + 2);
    layers.push_back(layer(name + "c1a", 1, first_size, in_channels, width, 1, 1, false));
    layers.push_back(layer(name + "ds", 1, size, in_channels, wide, 1, stride, false));
    if (stride == 2) layers.push_back(layer(name + "c2a", 1, size, width, width, 3, 2, false));
    layers.push_back(
        layer(name + "c2", kBlocks[stage] - (stride == 2), size, width, width, 3, 1, false));
    layers.push_back(layer(name + "c3", kBlocks[stage], size, width, wide, 1, 1, true));
    layers.push_back(layer(name + "c1", kBlocks[stage] - 1, size, wide, width, 1, 1, false));
    in_channels = wide;
  }
  return layers;
}

RandomLayer random_layer(std::uint32_t index) {
  std::mt19937 random(index);
  const auto pick = [&](std::initializer_list<int> values) {
    return values.begin()[random() % values.size()];
  };
  const auto channels = [&] {
    return pick({32, 48, 64, 96, 128, 160, 192, 256, 320, 384, 512, 640, 768, 1024, 1280, 2048});
  };
  RandomLayer result;
  result.batch = pick({8, 32, 128});
  const int kind = static_cast<int>(random() % 8);
  if (kind == 0) {
    const int tokens = pick({64, 128, 197, 256, 384, 512, 577});
    const int k = pick({384, 512, 768, 1024, 1280, 2048, 3072, 4096});
    result.layer = gemm_layer(tokens, pick({384, 768, 1024, 2304, 3072, 4096}), k);
  } else {
    const int kernel = kind < 4 ? 1 : kind == 7 ? pick({2, 5, 7}) : 3;
    const int stride = kernel == 2 || random() % 5 == 0 ? 2 : 1;
    // Networks halve the image when they double the channels.
    const int size = pick({7, 10, 13, 14, 16, 20, 26, 28, 32, 40, 52, 56, 80});
    int in = channels(), out = channels();
    while (in * size > 16384) in /= 2;
    while (out * size > 16384) out /= 2;
    const bool residual = kernel == 1 && stride == 1 && random() % 3 == 0;
    result.layer = layer("", 1, size, in, out, kernel, stride, residual);
    if (kernel == 2) result.layer.problem.shape.pad_top = result.layer.problem.shape.pad_left = 0;
    result.layer.name = fmt::format("{0}x{0} {1}->{2} at {3}x{3}{4}{5}", kernel, in, out, size,
                                    stride > 1 ? " stride 2" : "", residual ? " + residual" : "");
  }
  result.layer.name = fmt::format("#{} {}", index, result.layer.name);
  return result;
}

BenchLayer gemm_layer(std::int64_t m, std::int64_t n, std::int64_t k) {
  BenchLayer result = layer(fmt::format("gemm {}x{}x{}", m, n, k), 1, 1, static_cast<int>(k),
                            static_cast<int>(n), 1, 1, false);
  result.problem.shape.in_w = result.problem.shape.out_w = m;
  return result;
}

}  // namespace xinfer::gpu
