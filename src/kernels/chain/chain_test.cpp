// Chains against their layers one by one, each by its definition: equal bytes.
#include "kernels/chain/chain.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

#include "core/aligned_buffer.h"
#include "kernels/conv/problem_count.h"
#include "kernels/conv/random_problem.h"
#include "kernels/depthwise/depthwise.h"

namespace xinfer::kernels {
namespace {

std::int64_t pick(std::mt19937& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

ConvType reading(DType dtype) {
  return dtype == DType::kFloat32 ? ConvType::kF32
         : dtype == DType::kUInt8 ? ConvType::kU8S8
                                  : ConvType::kS8S8;
}

std::shared_ptr<void> packed_weights(const RandomProblem& p) {
  const bool depthwise = p.shape.groups > 1;
  auto packed = allocate_buffer(depthwise ? packed_depthwise_size(p.shape, p.type)
                                          : packed_weights_size(p.shape, p.type));
  if (depthwise) {
    pack_depthwise_weights(p.shape, p.type, p.weights.data(), packed.get());
  } else {
    pack_weights(p.shape, p.type, p.weights.data(), packed.get());
  }
  return packed;
}

/// Two or three random layers that follow one another; inputs are the reference outputs of the
/// layers before.
class RandomChain {
 public:
  RandomChain(std::mt19937& random, bool float32) : random_(random) {
    const bool projects = pick(random, 0, 3) != 0;
    const ConvShape depthwise = depthwise_shape();
    ConvType type = float32 ? ConvType::kF32 : pick_type();
    type = add(pointwise_shape(depthwise, pick(random, 1, 70), depthwise.in_channels), type,
               /*last=*/false);
    type = add(depthwise, type, /*last=*/!projects);
    if (projects) {
      ConvShape out = depthwise;
      out.in_h = depthwise.out_h;
      out.in_w = depthwise.out_w;
      add(pointwise_shape(out, depthwise.out_channels, pick(random, 1, 70)), type, /*last=*/true);
    }
    for (const RandomProblem& p : problems_) weights_.push_back(packed_weights(p));
    chain_.expand = layer(0);
    chain_.depthwise = layer(1);
    if (projects) chain_.project = layer(2);
  }

  const RandomProblem& first() const { return problems_.front(); }
  const RandomProblem& last() const { return problems_.back(); }
  std::string description() const {
    std::string text;
    for (const RandomProblem& p : problems_) text += "\n" + p.description;
    return text;
  }

  /// The chain with the last layer's result at `y`.
  Chain chain(void* y) const {
    Chain chain = chain_;
    (chain.project ? *chain.project : chain.depthwise).arguments.y = y;
    return chain;
  }

 private:
  ConvType pick_type() { return pick(random_, 0, 1) == 0 ? ConvType::kU8S8 : ConvType::kS8S8; }

  /// Kernels of 1 to 5, with borders, at any stride; lines of several tiles at times.
  ConvShape depthwise_shape() {
    ConvShape s;
    s.batch = pick(random_, 0, 3) == 0 ? pick(random_, 2, 3) : 1;
    s.groups = s.in_channels = s.out_channels =
        pick(random_, 0, 1) == 0 ? 16 * pick(random_, 1, 9) : pick(random_, 2, 70);
    const bool usual = pick(random_, 0, 2) != 0;
    s.kernel_h = s.kernel_w = usual ? 3 : pick(random_, 1, 5);
    s.stride_h = s.stride_w = usual ? pick(random_, 1, 2) : pick(random_, 1, 3);
    if (!usual && pick(random_, 0, 1) == 0) s.dilation_h = s.dilation_w = 2;
    if (!usual && pick(random_, 0, 1) == 0) s.stride_w = 1;
    const auto extent = [&](std::int64_t kernel, std::int64_t stride, std::int64_t dilation,
                            std::int64_t in, std::int64_t* pad) {
      const std::int64_t span = (kernel - 1) * dilation + 1;
      *pad = usual ? 1 : pick(random_, 0, span - 1);
      const std::int64_t padded = in + *pad + (usual ? 1 : pick(random_, 0, span - 1));
      return (std::max(padded, span) - span) / stride + 1;
    };
    s.in_h = pick(random_, 1, 25);
    s.in_w = pick(random_, 0, 2) == 0 ? pick(random_, 28, 60) : pick(random_, 1, 25);
    s.out_h = extent(s.kernel_h, s.stride_h, s.dilation_h, s.in_h, &s.pad_top);
    s.out_w = extent(s.kernel_w, s.stride_w, s.dilation_w, s.in_w, &s.pad_left);
    return s;
  }

  static ConvShape pointwise_shape(const ConvShape& image, std::int64_t in_channels,
                                   std::int64_t out_channels) {
    ConvShape s;
    s.batch = image.batch;
    s.in_h = s.out_h = image.in_h;
    s.in_w = s.out_w = image.in_w;
    s.in_channels = in_channels;
    s.out_channels = out_channels;
    return s;
  }

  /// Returns the type of the layer that reads this one's result.
  ConvType add(ConvShape shape, ConvType type, bool last) {
    shape.x_pixel_stride = shape.in_channels;
    shape.y_pixel_stride = shape.out_channels;
    if (problems_.empty()) shape.x_pixel_stride += pick(random_, 0, 1) * pick(random_, 0, 20);
    if (last) shape.y_pixel_stride += pick(random_, 0, 1) * pick(random_, 0, 20);
    RandomProblem p = make_random_problem_of(random_, type, shape);
    if (!problems_.empty()) {
      const std::vector<std::uint8_t> y = reference_output(problems_.back());
      p.x.assign(y.begin() + kCanaryBytes, y.end() - kCanaryBytes);
      p.x.insert(p.x.end(), kBufferMargin, 0xff);
    }
    Epilogue& e = p.epilogue;
    if (!last) {
      const auto end = std::remove_if(e.steps, e.steps + e.step_count, [](const auto& step) {
        return step.kind == EpilogueStep::Kind::kResidual;
      });
      e.step_count = static_cast<int>(end - e.steps);
      e.output_dtype = type == ConvType::kF32     ? DType::kFloat32
                       : pick(random_, 0, 1) == 0 ? DType::kUInt8
                                                  : DType::kInt8;
    }
    problems_.push_back(std::move(p));
    return reading(problems_.back().epilogue.output_dtype);
  }

  ChainLayer layer(std::size_t index) {
    const RandomProblem& p = problems_[index];
    return {p.shape, p.type, {p.x.data(), weights_[index].get(), &unused_, p.epilogue}};
  }

  std::mt19937& random_;
  std::vector<RandomProblem> problems_;
  std::vector<std::shared_ptr<void>> weights_;
  Chain chain_;
  std::uint8_t unused_ = 0;  ///< stands for results that chains do not write
};

class ChainVariant : public testing::TestWithParam<CpuIsa> {};

TEST_P(ChainVariant, EqualsItsLayers) {
  const CpuIsa isa = GetParam();
  if (!supports(isa)) GTEST_SKIP() << "this machine has no " << to_string(isa);
  ThreadPool pools[] = {ThreadPool(1), ThreadPool(2), ThreadPool(5)};
  for (unsigned seed = 0; seed < problem_count(200); ++seed) {
    std::mt19937 random(seed);
    const RandomChain layers(random, /*float32=*/seed % 8 == 7);
    const std::string which = fmt::format("seed {}{}", seed, layers.description());
    auto elsewhere = canary_output(layers.last()), y = canary_output(layers.last());
    const Chain chain = layers.chain(elsewhere.data() + kCanaryBytes);
    ASSERT_TRUE(can_chain(chain)) << which;
    ThreadPool& pool = pools[seed % 3];
    auto made = make_chain(chain, isa, pool.threads());
    ASSERT_TRUE(made.ok()) << made.status().message() << " " << which;
    (*made)->run(pool);
    const auto expected = reference_output(layers.last());
    ASSERT_EQ(first_difference(expected, elsewhere), "") << which;

    const std::vector<std::uint8_t> x = layers.first().x;
    ConvArguments arguments = layers.chain(y.data() + kCanaryBytes).last().arguments;
    arguments.x = x.data();
    ASSERT_TRUE((*made)->rebind(arguments));
    (*made)->run(pool);
    ASSERT_EQ(first_difference(expected, y), "") << "rebound, " << which;
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, ChainVariant,
                         testing::Values(CpuIsa::kPortable, CpuIsa::kAvx2, CpuIsa::kAvxVnni,
                                         CpuIsa::kAvx512Vnni, CpuIsa::kAmx),
                         [](const auto& isa) { return to_string(isa.param); });

}  // namespace
}  // namespace xinfer::kernels
