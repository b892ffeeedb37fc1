// Cases of the kernel that averages all pixels and multiplies the average.
#include <cmath>
#include <cstring>

#include "conv_cases.h"
#include "kernels/cuda/average_product.h"
#include "kernels/cuda/pool_kernels.h"
#include "random.h"
#include "tactics.h"
#include "tensor_values.h"

namespace xinfer::gpu {
namespace {

using kernels::cuda::AverageProductProblem;
using kernels::cuda::Operand;

// What is averaged, and the layer that multiplies the average.
struct RandomHead {
  RandomConv conv;  ///< its x holds the averages
  AverageProductProblem problem;
  std::vector<std::uint8_t> source;
  std::int64_t height = 1, width = 1;
};

// INT8: the averages by definition, with scales that spread them over the type.
void average(Random& random, RandomHead& head) {
  const kernels::ConvShape& s = head.conv.problem.shape;
  const auto pixels = static_cast<float>(head.height * head.width);
  kernels::cuda::PoolProblem pool;
  pool.kind = kernels::PoolKind::kAverage;
  pool.shape.batch = head.conv.batch;
  pool.shape.channels = s.in_channels;
  pool.shape.height = {head.height, 1, head.height, 1, 1, 0, 0};
  pool.shape.width = {head.width, 1, head.width, 1, 1, 0, 0};
  pool.shape.x_pixel_stride = head.problem.source_pixel_stride;
  pool.shape.y_pixel_stride = s.x_pixel_stride;
  pool.types.x_dtype = head.problem.source;
  pool.types.y_dtype = head.conv.problem.input;
  pool.types.x_scale = 1.0f;
  pool.types.y_scale = head.problem.source == DType::kUInt8
                           ? random.real(0.4f, 1.5f)
                           : random.real(0.4f, 1.5f) / std::sqrt(pixels);
  head.problem.factor = kernels::cuda::pool_factors(pool).back();
  kernels::average_pool_reference(pool.shape, pool.types, head.source.data(), head.conv.x.data());
}

// FP16: the exact averages, rounded once. What the kernel may round otherwise, because its float32
// sum is off by at most pixels * 2^-24 of the magnitudes' sum (and the division by one rounding),
// may change the outputs: by how much is returned for every image and output.
std::vector<double> average_halves(RandomHead& head) {
  const kernels::ConvShape& s = head.conv.problem.shape;
  const std::int64_t pixels = head.height * head.width;
  std::vector<double> changes(static_cast<std::size_t>(head.conv.batch * s.out_channels), 0.0);
  for (std::int64_t image = 0; image < head.conv.batch; ++image) {
    for (std::int64_t c = 0; c < s.in_channels; ++c) {
      double sum = 0, magnitude = 0;
      for (std::int64_t p = 0; p < pixels; ++p) {
        const double x = value_at(head.source, DType::kFloat16,
                                  (image * pixels + p) * head.problem.source_pixel_stride + c);
        sum += x;
        magnitude += std::fabs(x);
      }
      const auto count = static_cast<double>(pixels);
      const double mean = sum / count, error = (count + 2) * 0x1p-24 * magnitude / count;
      const auto rounded = [](double value) { return to_half(static_cast<float>(value)); };
      const std::uint16_t bits = rounded(mean);
      std::memcpy(&head.conv.x[2 * static_cast<std::size_t>(image * s.x_pixel_stride + c)], &bits,
                  2);
      const double change = static_cast<double>(from_half(rounded(mean + error))) -
                            static_cast<double>(from_half(rounded(mean - error)));
      if (change == 0) continue;
      for (std::int64_t n = 0; n < s.out_channels; ++n) {
        changes[static_cast<std::size_t>(image * s.out_channels + n)] +=
            change * std::fabs(value_at(head.conv.weights, DType::kFloat16, n * s.in_channels + c));
      }
    }
  }
  return changes;
}

GpuCase half_case(RandomHead& head, std::uint64_t seed) {
  const std::vector<double> changes = average_halves(head);
  GpuCase result = gemm_case(head.conv, average_product_variants(head.problem), seed);
  result.expected = [conv = head.conv, changes] {
    Expected expected = half_reference(conv);
    const kernels::ConvShape& s = conv.problem.shape;
    for (std::int64_t image = 0; image < conv.batch; ++image) {
      for (std::int64_t n = 0; n < s.out_channels; ++n) {
        // The steepest step of an epilogue is GELU, whose slope is at most 1.13, and there are two.
        expected.bounds[static_cast<std::size_t>(image * s.y_pixel_stride + n)] +=
            1.13 * 1.13 * changes[static_cast<std::size_t>(image * s.out_channels + n)];
      }
    }
    return expected;
  };
  return result;
}

}  // namespace

GpuCase average_product_case(std::uint64_t seed) {
  Random random(seed + 1234);
  RandomHead head;
  const bool halves = seed % 3 == 0;
  head.conv = make_random_conv(seed, ConvFlavour::kVector);
  if (halves) make_float(head.conv, DType::kFloat16, seed);
  head.height = random.pick(1, 9);
  head.width = random.pick(1, 9);
  head.problem.product = head.conv.problem;
  head.problem.source = halves ? DType::kFloat16 : random.int8_type();
  head.problem.pixels = head.height * head.width;
  head.problem.source_pixel_stride =
      round_up(head.conv.problem.shape.in_channels, 16) + 16 * random.pick(0, 1);
  head.source = random.tensor(head.problem.source, head.conv.batch * head.problem.pixels *
                                                       head.problem.source_pixel_stride);
  GpuCase result;
  if (halves) {
    result = half_case(head, seed / 3);
  } else {
    average(random, head);
    result = gemm_case(head.conv, average_product_variants(head.problem), seed / 3);
  }
  result.inputs.emplace_back(Operand::kInput2, std::move(head.source));
  result.description +=
      fmt::format(", average of {}x{} {}", head.height, head.width, to_string(head.problem.source));
  return result;
}

}  // namespace xinfer::gpu
