// Speed of inverted residuals, layer by layer and as a chain, on blocks of well-known networks.
//
//   chain_bench [isa] [threads] [float]
//
// Both are run in turn, so that what disturbs one disturbs the other; minimum and median of the
// rounds, and whether is_worth_chaining agrees.
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
#include "kernels/chain/chain.h"
#include "kernels/chain/chain_cost.h"
#include "kernels/depthwise/depthwise.h"

namespace xinfer::kernels {
namespace {

/// Channels of the input, between and of the output (0: no projection); size of the input.
struct Block {
  const char* network;
  std::int64_t in, between, out, size, kernel, stride;
  bool residual = false;
};

constexpr Block kBlocks[] = {
    {"mobilenetv2", 16, 96, 24, 112, 3, 2},  {"mobilenetv2", 24, 144, 24, 56, 3, 1, true},
    {"mobilenetv2", 24, 144, 32, 56, 3, 2},  {"mobilenetv2", 32, 192, 32, 28, 3, 1, true},
    {"mobilenetv2", 32, 192, 64, 28, 3, 2},  {"mobilenetv2", 64, 384, 64, 14, 3, 1, true},
    {"mobilenetv2", 64, 384, 96, 14, 3, 1},  {"mobilenetv2", 96, 576, 96, 14, 3, 1, true},
    {"mobilenetv2", 96, 576, 160, 14, 3, 2}, {"mobilenetv2", 160, 960, 160, 7, 3, 1, true},
    {"mobilenetv2", 160, 960, 320, 7, 3, 1}, {"mobilenetv2", 16, 96, 24, 224, 3, 2},
    {"mobilenetv2", 24, 144, 24, 112, 3, 1}, {"efficientnet", 24, 144, 0, 56, 5, 2},
    {"efficientnet", 40, 240, 0, 28, 5, 1},  {"efficientnet", 80, 480, 0, 14, 5, 1},
    {"shufflenet", 24, 24, 48, 88, 3, 2},    {"shufflenet", 48, 48, 48, 44, 3, 1},
    {"shufflenet", 96, 96, 96, 22, 3, 1},
};

std::shared_ptr<void> filled(std::size_t bytes, bool float32, unsigned seed) {
  auto buffer = allocate_buffer(bytes);
  for (std::size_t i = 0; i + 4 <= bytes; i += 4) {
    seed = seed * 1664525u + 1013904223u;
    const float value = static_cast<float>(seed >> 8) / 16777216.0f - 0.5f;
    if (float32) {
      std::memcpy(static_cast<char*>(buffer.get()) + i, &value, 4);
    } else {
      std::memcpy(static_cast<char*>(buffer.get()) + i, &seed, 4);
    }
  }
  return buffer;
}

/// A block with its data: the expansion reads s8, what is between is u8, the result is s8.
class BenchBlock {
 public:
  BenchBlock(const Block& block, bool float32) : float32_(float32) {
    ConvShape s;
    s.in_h = s.in_w = s.out_h = s.out_w = block.size;
    std::shared_ptr<void> x = image(s.in_h, block.in);
    const std::shared_ptr<void> input = x;
    s.in_channels = block.in;
    s.out_channels = block.between;
    chain_.expand = layer(s, ConvType::kS8S8, DType::kUInt8, &x);
    s.kernel_h = s.kernel_w = block.kernel;
    s.pad_top = s.pad_left = block.kernel / 2;
    s.stride_h = s.stride_w = block.stride;
    s.out_h = s.out_w = (block.size + block.stride - 1) / block.stride;
    s.in_channels = s.out_channels = s.groups = block.between;
    chain_.depthwise = layer(s, ConvType::kU8S8, DType::kUInt8, &x);
    if (block.out == 0) return;
    ConvShape out;
    out.in_h = out.in_w = out.out_h = out.out_w = s.out_h;
    out.in_channels = block.between;
    out.out_channels = block.out;
    chain_.project = layer(out, ConvType::kU8S8, DType::kInt8, &x);
    if (!block.residual) return;
    Epilogue& e = chain_.project->arguments.epilogue;
    e.step_count = 1;
    e.steps[0].kind = EpilogueStep::Kind::kResidual;
    e.steps[0].residual = input.get();
    e.steps[0].residual_dtype = float32 ? DType::kFloat32 : DType::kInt8;
    e.steps[0].residual_pixel_stride = block.out;
    e.steps[0].scale = float32 ? 1.0f : 0.7f;
  }

  const Chain& chain() const { return chain_; }

  std::vector<std::unique_ptr<Convolution>> layers(CpuIsa isa, int threads) const {
    std::vector<std::unique_ptr<Convolution>> made;
    const auto pointwise = [&](const ChainLayer& l) {
      made.push_back(make_convolution(l.shape, l.type, l.arguments, isa, threads).value());
    };
    pointwise(chain_.expand);
    const ChainLayer& d = chain_.depthwise;
    made.push_back(make_depthwise(d.shape, d.type, d.arguments, isa, threads).value());
    if (chain_.project) pointwise(*chain_.project);
    return made;
  }

 private:
  std::shared_ptr<void> keep(std::shared_ptr<void> buffer) {
    buffers_.push_back(std::move(buffer));
    return buffers_.back();
  }

  std::shared_ptr<void> image(std::int64_t size, std::int64_t channels) {
    return keep(
        filled(static_cast<std::size_t>(size * size * channels * (float32_ ? 4 : 1)), float32_, 1));
  }

  /// Reads *x and leaves its result there.
  ChainLayer layer(ConvShape s, ConvType type, DType output, std::shared_ptr<void>* x) {
    s.x_pixel_stride = s.in_channels;
    s.y_pixel_stride = s.out_channels;
    if (float32_) type = ConvType::kF32;
    const auto count = static_cast<std::size_t>(s.out_channels * s.kernel_h * s.kernel_w *
                                                (s.in_channels / s.groups));
    const auto weights = filled(count * (float32_ ? 4 : 1), float32_, 3);
    const bool depthwise = s.groups > 1;
    const auto packed = keep(
        allocate_buffer(depthwise ? packed_depthwise_size(s, type) : packed_weights_size(s, type)));
    depthwise ? pack_depthwise_weights(s, type, weights.get(), packed.get())
              : pack_weights(s, type, weights.get(), packed.get());
    ChainLayer layer{s, type, {x->get(), packed.get(), nullptr, {}}};
    *x = image(s.out_h, s.out_channels);
    layer.arguments.y = x->get();
    Epilogue& e = layer.arguments.epilogue;
    e.multiplier = float32_ ? nullptr : multiplier_.data();
    e.bias = bias_.data();
    e.output_dtype = float32_ ? DType::kFloat32 : output;
    return layer;
  }

  bool float32_;
  Chain chain_;
  std::vector<std::shared_ptr<void>> buffers_;
  std::vector<float> multiplier_ = std::vector<float>(1024, 1e-3f);
  std::vector<float> bias_ = std::vector<float>(1024, 1.0f);
};

template <typename Function>
double time_us(const Function& function) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  function();
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

void bench(const Block& block, bool float32, CpuIsa isa, ThreadPool& pool) {
  constexpr std::size_t kRounds = 200;
  const BenchBlock made(block, float32);
  const auto layers = made.layers(isa, pool.threads());
  const auto chain = make_chain(made.chain(), isa, pool.threads()).value();
  std::vector<double> alone, chained;
  for (std::size_t i = 0; i < kRounds; ++i) {
    alone.push_back(time_us([&] {
      for (const auto& layer : layers) layer->run(pool);
    }));
    chained.push_back(time_us([&] { chain->run(pool); }));
  }
  std::sort(alone.begin(), alone.end());
  std::sort(chained.begin(), chained.end());
  const auto change = [&](std::size_t at) { return 100 * (chained[at] / alone[at] - 1); };
  fmt::print(
      "{:12} {:>3} -> {:>3} -> {:>3} {:>3}² k{} s{}{}  {:>7.1f} -> {:>7.1f} us {:>+6.1f} %  median "
      "{:>+6.1f} %  {}{}\n",
      block.network, block.in, block.between, block.out, block.size, block.kernel, block.stride,
      block.residual ? " +r" : "   ", alone[0], chained[0], change(0), change(kRounds / 2),
      chain->name(), is_worth_chaining(made.chain(), isa, pool.threads()) ? "" : ", not chosen");
}

int run(int argc, char** argv) {
  const CpuIsa isa = argc > 1 ? parse_isa(argv[1]).value() : best_isa();
  ThreadPool pool(argc > 2 ? std::atoi(argv[2]) : 1);
  const bool float32 = argc > 3 && std::string(argv[3]) == "float";
  fmt::print("{}, {} threads: layer by layer -> chain\n", to_string(isa), pool.threads());
  for (const Block& block : kBlocks) bench(block, float32, isa, pool);
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
