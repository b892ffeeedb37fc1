// Speed of the convolution families on layers of well-known networks: µs, GOPS and the share of the
// instruction set's peak, which a register-only loop measures first.
//
//   kernels_bench [isa] [threads] [type] [tactics]
//
// With "tactics" every convolution is timed in all tactics worth timing, and what the fastest gains
// over the cost model's is printed.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "core/aligned_buffer.h"
#include "kernels/conv/conv_with.h"
#include "kernels/conv/peak.h"
#include "kernels/depthwise/depthwise.h"

namespace xinfer::kernels {
namespace {

struct Layer {
  const char* network;
  std::int64_t in_channels, out_channels, kernel, stride, size;  ///< size: output height and width
  std::int64_t groups = 1;
  bool residual = false;
};

constexpr Layer kLayers[] = {
    {"resnet50", 3, 64, 7, 2, 112},
    {"resnet50", 64, 64, 1, 1, 56},
    {"resnet50", 64, 64, 3, 1, 56},
    {"resnet50", 64, 256, 1, 1, 56, 1, true},
    {"resnet50", 256, 64, 1, 1, 56},
    {"resnet50", 256, 128, 1, 1, 56},
    {"resnet50", 128, 128, 3, 2, 28},
    {"resnet50", 128, 128, 3, 1, 28},
    {"resnet50", 128, 512, 1, 1, 28, 1, true},
    {"resnet50", 512, 128, 1, 1, 28},
    {"resnet50", 256, 256, 3, 1, 14},
    {"resnet50", 256, 1024, 1, 1, 14, 1, true},
    {"resnet50", 1024, 256, 1, 1, 14},
    {"resnet50", 256, 512, 1, 2, 28},
    {"resnet50", 512, 512, 3, 1, 7},
    {"resnet50", 512, 2048, 1, 1, 7, 1, true},
    {"resnet50", 2048, 512, 1, 1, 7},
    {"resnet50", 2048, 1000, 1, 1, 1},
    {"mobilenetv2", 3, 32, 3, 2, 112},
    {"mobilenetv2", 32, 16, 1, 1, 112},
    {"mobilenetv2", 16, 96, 1, 1, 112},
    {"mobilenetv2", 96, 24, 1, 1, 56},
    {"mobilenetv2", 24, 144, 1, 1, 56},
    {"mobilenetv2", 144, 24, 1, 1, 56, 1, true},
    {"mobilenetv2", 32, 192, 1, 1, 28},
    {"mobilenetv2", 192, 32, 1, 1, 28, 1, true},
    {"mobilenetv2", 64, 384, 1, 1, 14},
    {"mobilenetv2", 576, 96, 1, 1, 14, 1, true},
    {"mobilenetv2", 160, 960, 1, 1, 7},
    {"mobilenetv2", 320, 1280, 1, 1, 7},
    {"mobilenetv2", 32, 32, 3, 1, 112, 32},
    {"mobilenetv2", 96, 96, 3, 2, 56, 96},
    {"mobilenetv2", 144, 144, 3, 1, 56, 144},
    {"mobilenetv2", 144, 144, 3, 2, 28, 144},
    {"mobilenetv2", 192, 192, 3, 1, 28, 192},
    {"mobilenetv2", 384, 384, 3, 1, 14, 384},
    {"mobilenetv2", 576, 576, 3, 2, 7, 576},
    {"mobilenetv2", 960, 960, 3, 1, 7, 960},
    {"mobilenetv3", 240, 240, 5, 1, 14, 240},
    {"resnext50", 256, 256, 3, 1, 28, 32},
    {"resnet18", 64, 64, 3, 1, 56},
    {"resnet18", 64, 128, 3, 2, 28},
    {"resnet18", 256, 256, 3, 1, 14},
    {"resnet56", 3, 16, 3, 1, 32},
    {"resnet56", 16, 16, 3, 1, 32, 1, true},
    {"resnet56", 16, 32, 3, 2, 16},
    {"resnet56", 32, 32, 3, 1, 16, 1, true},
    {"resnet56", 64, 64, 3, 1, 8, 1, true},
    {"squeezenet", 3, 64, 3, 2, 111},
    {"squeezenet", 64, 16, 1, 1, 55},
    {"squeezenet", 16, 64, 1, 1, 55},
    {"squeezenet", 16, 64, 3, 1, 55},
    {"squeezenet", 48, 192, 3, 1, 13},
    {"squeezenet", 512, 1000, 1, 1, 13},
    {"vit_tiny", 192, 576, 1, 1, 14},
    {"vit_tiny", 192, 768, 1, 1, 14},
    {"vit_tiny", 768, 192, 1, 1, 14, 1, true},
    {"vgg16", 64, 64, 3, 1, 224},
    {"vgg16", 512, 512, 3, 1, 28},
};

ConvShape shape_of(const Layer& l) {
  ConvShape s;
  s.in_channels = s.x_pixel_stride = l.in_channels;
  s.out_channels = s.y_pixel_stride = l.out_channels;
  s.groups = l.groups;
  s.kernel_h = s.kernel_w = l.kernel;
  s.stride_h = s.stride_w = l.stride;
  s.out_h = s.out_w = l.size;
  s.in_h = s.in_w = l.size * l.stride;
  s.pad_top = s.pad_left = l.kernel / 2;
  return s;
}

std::shared_ptr<void> filled(std::size_t bytes, bool float32, unsigned seed) {
  auto buffer = allocate_buffer(bytes);
  for (std::size_t i = 0; i < bytes / 4; ++i) {
    seed = seed * 1664525u + 1013904223u;
    const float value = static_cast<float>(seed >> 8) / 16777216.0f - 0.5f;
    if (float32) {
      std::memcpy(static_cast<char*>(buffer.get()) + 4 * i, &value, 4);
    } else {
      std::memcpy(static_cast<char*>(buffer.get()) + 4 * i, &seed, 4);
    }
  }
  return buffer;
}

template <typename Function>
double time_us(const Function& function) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  function();
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

/// Best of at least 20 runs within about 60 ms: what the kernel takes when nothing disturbs it.
template <typename Function>
double best_us(const Function& function) {
  using Clock = std::chrono::steady_clock;
  double best = 1e30;
  const auto begin = Clock::now();
  for (int i = 0; i < 20 || Clock::now() - begin < std::chrono::milliseconds(60); ++i) {
    best = std::min(best, time_us(function));
  }
  return best;
}

/// Times every tactic in rounds, so that what disturbs one disturbs all, and prints the best.
void bench_tactics(const ConvShape& s, ConvType type, const ConvArguments& arguments, CpuIsa isa,
                   ThreadPool& pool) {
  constexpr int kRounds = 40;
  const GemmKernel& kernel = select_gemm_kernel(type, isa);
  const std::vector<ConvTactic> tactics = list_tactics(s, kernel, pool.threads());
  std::vector<std::unique_ptr<Convolution>> convolutions;
  for (const ConvTactic& tactic : tactics) {
    convolutions.push_back(
        make_convolution_with(kernel, s, arguments, isa, pool.threads(), &tactic).value());
  }
  std::vector<double> us(tactics.size(), 1e30);
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < tactics.size(); ++i) {
      for (int run = 0; run < 3; ++run) {
        us[i] = std::min(us[i], time_us([&] { convolutions[i]->run(pool); }));
      }
    }
  }
  const auto best = static_cast<std::size_t>(std::min_element(us.begin(), us.end()) - us.begin());
  fmt::print(
      "    {:>4.1f} % gained, {} tactics: {:.1f} us with {}; the cost model's {:.1f} us with {}\n",
      100 * (1 - us[best] / us[0]), us.size(), us[best], to_string(tactics[best]), us[0],
      to_string(tactics[0]));
}

void bench(const Layer& layer, ConvType type, CpuIsa isa, ThreadPool& pool, double peak,
           bool tactics) {
  const ConvShape s = shape_of(layer);
  const bool float32 = type == ConvType::kF32;
  const std::size_t element = float32 ? 4 : 1;
  const auto x_elements = static_cast<std::size_t>(s.in_h * s.in_w * s.in_channels);
  const auto y_elements = static_cast<std::size_t>(s.pixels() * s.out_channels);
  const auto depth = static_cast<std::size_t>(s.kernel_h * s.kernel_w * s.in_channels / s.groups);
  auto x = filled(x_elements * element, float32, 1);
  auto y = allocate_buffer(y_elements * element);
  auto residual = filled(y_elements * element, float32, 2);
  auto weights = filled(static_cast<std::size_t>(s.out_channels) * depth * element, float32, 3);
  const bool depthwise = is_depthwise(s) && s.groups > 1;
  auto packed =
      allocate_buffer(depthwise ? packed_depthwise_size(s, type) : packed_weights_size(s, type));
  if (depthwise) {
    pack_depthwise_weights(s, type, weights.get(), packed.get());
  } else {
    pack_weights(s, type, weights.get(), packed.get());
  }
  const std::vector<float> multiplier(static_cast<std::size_t>(s.out_channels), 1e-3f);
  const std::vector<float> bias(static_cast<std::size_t>(s.out_channels), 1.0f);
  ConvArguments arguments{x.get(), packed.get(), y.get(), {}};
  Epilogue& e = arguments.epilogue;
  e.multiplier = float32 ? nullptr : multiplier.data();
  e.bias = bias.data();
  e.output_dtype = float32 ? DType::kFloat32 : DType::kUInt8;
  if (layer.residual) {
    e.step_count = 1;
    e.steps[0].kind = EpilogueStep::Kind::kResidual;
    e.steps[0].residual = residual.get();
    e.steps[0].residual_dtype = float32 ? DType::kFloat32 : DType::kInt8;
    e.steps[0].residual_pixel_stride = s.out_channels;
    e.steps[0].scale = float32 ? 1.0f : 0.7f;
  }
  auto convolution = (depthwise ? make_depthwise(s, type, arguments, isa, pool.threads())
                                : make_convolution(s, type, arguments, isa, pool.threads()))
                         .value();
  const double us = best_us([&] { convolution->run(pool); });
  const double gops = 2e-3 * static_cast<double>(s.macs()) / us;
  fmt::print(
      "{:11} {:>4} -> {:<4} k{} s{} {:>3}² g{:<4}{} {:>9.1f} us {:>7.1f} GOPS {:>5.1f} %  "
      "{:.2f} ns/16 outputs\n",
      layer.network, s.in_channels, s.out_channels, s.kernel_h, s.stride_h, s.out_h, s.groups,
      layer.residual ? " +r" : "   ", us, gops, 100.0 * gops / peak,
      us * 1e3 / static_cast<double>(s.pixels() * s.out_channels) * 16);
  if (tactics && !depthwise) bench_tactics(s, type, arguments, isa, pool);
}

int run(int argc, char** argv) {
  const CpuIsa isa = argc > 1 ? parse_isa(argv[1]).value() : best_isa();
  ThreadPool pool(argc > 2 ? std::atoi(argv[2]) : 1);
  const std::string filter = argc > 3 ? argv[3] : "";
  const bool tactics = argc > 4 && std::string(argv[4]) == "tactics";
  for (ConvType type : {ConvType::kU8S8, ConvType::kS8S8, ConvType::kF32}) {
    const char* type_name = type == ConvType::kU8S8   ? "u8s8"
                            : type == ConvType::kS8S8 ? "s8s8"
                                                      : "f32";
    if (!filter.empty() && filter != type_name) continue;
    const double peak = measure_peak_gops(type, isa) * pool.threads();
    fmt::print("{} on {}, {} threads: peak {:.0f} GOPS\n", type_name, to_string(isa),
               pool.threads(), peak);
    for (const Layer& layer : kLayers) bench(layer, type, isa, pool, peak, tactics);
  }
  return 0;
}

}  // namespace
}  // namespace xinfer::kernels

int main(int argc, char** argv) try {
  return xinfer::kernels::run(argc, argv);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
